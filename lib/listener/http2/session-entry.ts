import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { RateWindow } from './rate-window.ts';
import type { Exchange } from './exchange.ts';
import { OpenExchanges } from './open-exchanges.ts';
import type { Pulse } from './session-alive.ts';
import { resetStream } from './stream-socket.ts';
import { constants } from './node-http2.ts';

/** Of one session, within `windowMs`. */
export interface SessionLimits {
  /**
   * Streams that the client resets, or that end because of what it sent, before they are answered (CVE-2023-44487,
   * CVE-2025-8671). Node limits it as well, from version 22 on by an option, but only to 1000 at a time.
   */
  readonly resets: number;
  /** PING and SETTINGS frames, each of which must be answered (CVE-2019-9512, -9515). */
  readonly controlFrames: number;
  readonly windowMs: number;
}

export const sessionLimits: SessionLimits = { resets: 300, controlFrames: 300, windowMs: 10_000 };

/** An open session. Times are in ms, of a monotonic clock. */
export class SessionEntry {
  readonly session: ServerHttp2Session;
  readonly socket: TLSSocket;
  readonly open: OpenExchanges = new OpenExchanges();
  readonly resets: RateWindow;
  readonly control: RateWindow;
  /** When the session began, or its last stream ended. */
  since: number;
  /** Whether it has had a request. */
  used = false;
  /** This side has ended it. */
  ended = false;
  /** When it was first seen to be over, while its socket is still there (0: not). */
  overSince = 0;
  /** Octets sent that are no answers to control frames, and when they last grew. */
  sent = 0;
  sentAt = 0;
  /** Octets of the acknowledgements of PING and SETTINGS, and of PINGs of this side. */
  acknowledged = 0;
  readonly pulse: Pulse;
  /** What waited of an answer when it was last seen to move, and when that was. */
  readonly answers: Map<Exchange, { readonly left: number; readonly since: number }> = new Map();
  /** Whether it has been told that a client does not take its answers. */
  stallTold = false;

  constructor(session: ServerHttp2Session, socket: TLSSocket, limits: SessionLimits, now: number) {
    this.session = session;
    this.socket = socket;
    this.resets = new RateWindow(limits.resets, limits.windowMs);
    this.control = new RateWindow(limits.controlFrames, limits.windowMs);
    this.since = now;
    this.pulse = { heard: 0, heardAt: now, state: 'alive' };
  }
}

/**
 * Whether a client has taken nothing for `timeout` ms of answers that wait for it, as with a window of zero. What it
 * can order itself by PING and SETTINGS does not count. To be asked now and then.
 */
export function hasSessionStalled(entry: SessionEntry, now: number, timeout: number): boolean {
  const waits = [...entry.open].some(({ stream }) => stream.writableLength > 0);
  const sent = entry.socket.bytesWritten - entry.acknowledged;
  if (!waits || entry.sentAt === 0 || sent > entry.sent) {
    entry.sent = sent;
    entry.sentAt = waits ? now : 0;
    return false;
  }
  return now - entry.sentAt >= timeout;
}

/**
 * Resets each stream of whose answer the client has taken nothing for `timeout` ms while the session moves, as by a
 * short answer now and then. Whether it is the first time in this session. To be asked now and then.
 */
export function resetStalled(entry: SessionEntry, now: number, timeout: number): boolean {
  const { answers, open } = entry;
  let found = false;
  for (const exchange of answers.keys()) if (!open.has(exchange)) answers.delete(exchange);
  for (const exchange of open) {
    const left = exchange.stream.writableLength;
    const before = answers.get(exchange);
    if (left === 0) answers.delete(exchange);
    else if (before?.left !== left) answers.set(exchange, { left, since: now });
    else if (now - before.since >= timeout) {
      found = true;
      answers.delete(exchange);
      resetStream(exchange.stream, constants.NGHTTP2_CANCEL);
    }
  }
  const first = found && !entry.stallTold;
  entry.stallTold ||= found;
  return first;
}
