import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { RateWindow } from './rate-window.ts';
import type { Exchange } from './run-stream.ts';

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
  readonly open: Set<Exchange> = new Set();
  /** Since when each of them runs; only those whose body is not there. */
  readonly bodies: Map<Exchange, number> = new Map();
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
  /** Octets of the acknowledgements of PING and SETTINGS. */
  acknowledged = 0;

  constructor(session: ServerHttp2Session, socket: TLSSocket, limits: SessionLimits, now: number) {
    this.session = session;
    this.socket = socket;
    this.resets = new RateWindow(limits.resets, limits.windowMs);
    this.control = new RateWindow(limits.controlFrames, limits.windowMs);
    this.since = now;
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
