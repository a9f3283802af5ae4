import type { SessionEntry } from './session-entry.ts';

const pingOctets = 17;

/** What is known of a client's life. Times are in ms, of a monotonic clock. */
export interface Pulse {
  /** Octets that have come, and when they last grew, or the PING was sent that is to make them grow. */
  heard: number;
  heardAt: number;
  /** `asked`: a PING is on its way; `due`: too long; `gone`: nor has anything come that was waiting to be read. */
  state: 'alive' | 'asked' | 'due' | 'gone';
}

/**
 * Whether a client has sent nothing for `silence` ms, and for as long again after a PING, which every client must
 * acknowledge (RFC 9113 6.7): it is not there any more, or this side reads it no more, as Node 20 and 22 do after a
 * fault that nghttp2 has answered by itself; the end of such a socket is never seen, and the session would stay for
 * ever. A long request of a client that lives costs it a PING now and then. To be asked now and then.
 */
export function isGone(entry: SessionEntry, now: number, silence: number): boolean {
  const { pulse } = entry;
  const heard = entry.socket.bytesRead;
  if (heard !== pulse.heard) Object.assign(pulse, { heard, heardAt: now, state: 'alive' });
  if (pulse.state === 'gone') return true;
  if (pulse.state === 'due' || now - pulse.heardAt < silence) return false;
  if (pulse.state === 'alive') ask(entry, now);
  else confirm(entry);
  return false;
}

function ask(entry: SessionEntry, now: number): void {
  const { pulse, session } = entry;
  pulse.state = 'asked';
  pulse.heardAt = now;
  entry.acknowledged += pingOctets;
  try {
    session.ping((error) => {
      if (error === null) pulse.state = 'alive';
    });
  } catch {
    // What cannot send a PING any more is not acknowledged either.
  }
}

/** A process that was busy for long finds its time-outs before what has come meanwhile: that is read first. */
function confirm({ pulse }: SessionEntry): void {
  pulse.state = 'due';
  setImmediate(() => {
    if (pulse.state === 'due') pulse.state = 'gone';
  });
}
