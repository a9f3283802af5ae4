import type { ServerResponse } from 'node:http';
import { checkKeys, wholeNumber } from '../../options.ts';
import type { ConnectionEntry } from '../connections/connection-entry.ts';
import type { ConnectionTable, TableObserver } from '../connections/connection-table.ts';

/** What `shutdown` takes. */
export interface ShutdownOptions {
  /** How long requests in flight may take to end, in milliseconds; 10,000 by default, 0: not at all. */
  readonly timeout?: number | undefined;
}

/** What became of what was open when `shutdown` was called, and of what came on these connections meanwhile. */
export interface ShutdownReport {
  /** Requests that were answered to the end. */
  readonly finished: number;
  /** Requests that the deadline, or their own client, has cut. */
  readonly aborted: number;
  /** Requests that were not run, as they came when their connection had been ended: their clients may repeat them. */
  readonly unanswered: number;
  /** Connections that were ended between two requests. */
  readonly idle: number;
  /** Connections that were ended before their handshake was. */
  readonly handshaking: number;
  /** Connections that belonged to the app (WebSockets), and were still open at the deadline. */
  readonly upgraded: number;
  /** Sessions of HTTP/2 that the deadline has cut. */
  readonly sessions: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** What speaks HTTP/2, as far as a shutdown needs to know it. */
export interface Drainable {
  /** In flight now. */
  readonly openStreams: number;
  /** Lets sessions go, whose requests are still served; `onEnded`: one has ended, answered to the end or not. */
  drain(onEnded: (finished: boolean) => void): void;
  /** Ends all sessions; how many there were. */
  destroyAll(): number;
}

/** In milliseconds; for tests. */
export interface ShutdownTimes {
  /**
   * A connection on which something was done so lately counts as in use: a client's next request may be on its way,
   * and would be lost. 500 ms, more than a round trip round the world.
   */
  readonly grace: number;
  /** How often connections are looked at. */
  readonly interval: number;
}

const defaultTimes: ShutdownTimes = { grace: 500, interval: 50 };
const day = 86_400_000;

/** Reads the options of `shutdown`, or of `signals.shutdown`: the deadline in ms. ConfigErrors: `OPTION_…`. */
export function readShutdownTimeout(options: unknown, path: string): number {
  checkKeys(options, ['timeout'], path);
  const { timeout } = options as { timeout?: unknown };
  return timeout === undefined ? 10_000 : wholeNumber(timeout, `${path}.timeout`, 'milliseconds', 0, day);
}

/**
 * Ends the connections of a table without losing a request. One in flight is answered, with `Connection: close` if
 * its headers are not sent yet, so that its client knows that the next one must go elsewhere. A connection that was
 * used lately waits for that next request as long as `grace`; one that is idle for longer is closed, by a FIN, and
 * what still comes on it is not run: RFC 9112 9.6 lets its client repeat it.
 */
export class Drain implements TableObserver {
  /** When all its connections are closed. */
  readonly done: Promise<ShutdownReport>;
  readonly #table: ConnectionTable;
  readonly #http2: Drainable | undefined;
  readonly #times: ShutdownTimes;
  readonly #started: number = performance.now();
  #report: Record<keyof ShutdownReport, number> = {
    finished: 0,
    aborted: 0,
    unanswered: 0,
    idle: 0,
    handshaking: 0,
    upgraded: 0,
    sessions: 0,
    durationMs: 0,
  };
  #timers: NodeJS.Timeout[] = [];
  #settle!: (report: ShutdownReport) => void;
  #over = false;

  constructor(
    table: ConnectionTable,
    http2: Drainable | undefined,
    timeout: number,
    times: ShutdownTimes = defaultTimes,
  ) {
    this.#table = table;
    this.#http2 = http2;
    this.#times = times;
    this.done = new Promise((settle) => (this.#settle = settle));
    table.observer = this;
    for (const entry of table) {
      entry.received = receivedBy(entry);
      if (entry.requests > 0) announceClose(entry, entry.response);
    }
    if (timeout === 0) {
      this.#deadline();
      return;
    }
    http2?.drain((finished) => this.#streamEnded(finished));
    this.#timers = [
      setInterval(() => this.#look(), times.interval),
      setTimeout(() => this.#deadline(), timeout),
    ];
    this.#look();
    this.#endIfEmpty();
  }

  /** Not behind an answer that closes the connection, and not where this side has sent its FIN. */
  began(entry: ConnectionEntry, response: ServerResponse): boolean {
    if (entry.closing || entry.socket.writableEnded) {
      this.#report.unanswered++;
      return false;
    }
    announceClose(entry, response);
    return true;
  }

  answered(entry: ConnectionEntry, finished: boolean): void {
    // An app's own header may have kept the connection alive.
    entry.closing = false;
    this.#report[finished ? 'finished' : 'aborted']++;
  }

  /** The deadline has counted those that it cuts. */
  #streamEnded(finished: boolean): void {
    if (this.#over) return;
    this.#report[finished ? 'finished' : 'aborted']++;
    // After the session, which counts the stream as open until all have heard of its end.
    process.nextTick(() => this.#endIfEmpty());
  }

  closed(entry: ConnectionEntry): void {
    this.#report.aborted += entry.requests;
    this.#endIfEmpty();
  }

  /** After what has arrived has been read: a process that was busy would take for idle whom it has not heard yet. */
  #look(): void {
    setImmediate(() => this.#lookAtAll());
  }

  #lookAtAll(): void {
    if (this.#over) return;
    const now = performance.now();
    for (const entry of this.#table) this.#lookAt(entry, now);
  }

  #lookAt(entry: ConnectionEntry, now: number): void {
    const received = receivedBy(entry);
    // The head of a request may be on its way, or the next step of a handshake.
    if (received > entry.received) entry.since = now;
    entry.received = received;
    if (now - entry.since < this.#times.grace) return;
    if (entry.phase === 'handshaking' && !entry.cut) {
      entry.cut = true;
      this.#report.handshaking++;
      entry.raw.destroy();
    } else if (entry.idle && entry.cut) {
      entry.raw.destroy();
    } else if (entry.idle) {
      entry.cut = true;
      entry.since = now;
      this.#report.idle++;
      entry.socket.end();
    }
  }

  #deadline(): void {
    this.#over = true;
    const { openStreams = 0 } = this.#http2 ?? {};
    this.#report.aborted += openStreams;
    this.#report.sessions = this.#http2?.destroyAll() ?? 0;
    for (const entry of this.#table) {
      if (entry.phase === 'upgraded') this.#report.upgraded++;
      else if (!entry.cut && entry.phase === 'handshaking') this.#report.handshaking++;
      else if (!entry.cut && entry.idle) this.#report.idle++;
    }
    this.#table.destroyAll();
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#table.size > 0) return;
    // A stream hears of the end of its connection a moment later, and may have been answered.
    if (!this.#over && (this.#http2?.openStreams ?? 0) > 0) return;
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    this.#http2?.destroyAll();
    this.#over = true;
    this.#report.durationMs = Math.round(performance.now() - this.#started);
    this.#settle(Object.freeze({ ...this.#report }));
  }
}

/** The newest is the one whose answer is the last: those before it in the pipe must not close the connection. */
function announceClose(entry: ConnectionEntry, response: ServerResponse | undefined): void {
  if (response === undefined || response.headersSent) return;
  entry.closing = true;
  response.setHeader('Connection', 'close');
}

const receivedBy = ({ raw }: ConnectionEntry): number =>
  'bytesRead' in raw && typeof raw.bytesRead === 'number' ? raw.bytesRead : 0;
