import type { ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { takenConnection } from '../../connection/index.ts';
import type { ConnectionEntry } from '../connections/connection-entry.ts';
import type { Logger } from '../logger.ts';
import type { Denials } from '../../trust/deny-list/denials.ts';

/** What speaks HTTP/2, as far as it must be known here. */
export interface SessionCloser {
  /** GOAWAY for the session on this socket; it ends when no stream is open any more. */
  close(socket: TLSSocket): void;
}

/** In milliseconds; for tests. */
export interface DeniedTimes {
  /** A request of a client that does not know it yet may be on its way, and is answered with the refusal. */
  readonly grace: number;
  /** An answer that has begun may take so long: a download may end, a stream of events would go on for ever. */
  readonly patience: number;
}

const defaultTimes: DeniedTimes = { grace: 300, patience: 10_000 };
/** So many connections are looked at before anything else has its turn; each takes 20 to 60 µs. */
const slice = 200;
/** In milliseconds. */
const longestTurn = 20;

interface Leaving {
  readonly since: number;
  /** When this side has ended it. */
  endedAt: number | undefined;
}

/**
 * Ends the open connections of clients whom the deny list names, from the moment of the change on. That their requests
 * are refused is not its business. What belongs to the app (WebSockets) is cut at once. The answer in flight is sent to
 * its end, with `Connection: close` or GOAWAY, and idle connections are closed within half a second.
 */
export class DeniedClients {
  readonly #connections: () => Iterable<ConnectionEntry>;
  readonly #http2: SessionCloser | undefined;
  readonly #times: DeniedTimes;
  readonly #leaving = new Map<ConnectionEntry, Leaving>();
  #followed: { readonly denials: Denials; readonly end: () => void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Another object for each look: a newer one takes the place of one that is under way. */
  #look: object | undefined;

  constructor(
    connections: () => Iterable<ConnectionEntry>,
    http2: SessionCloser | undefined,
    times: DeniedTimes = defaultTimes,
  ) {
    this.#connections = connections;
    this.#http2 = http2;
    this.#times = times;
  }

  /** Goes by this list from now on, until `stop` or the next one; connections that are open are looked at. */
  follow(denials: Denials | undefined, logger: Logger, changed: () => void): void {
    if (denials === this.#followed?.denials) return;
    const before = this.#followed;
    const onChange = (): void => {
      changed();
      this.#begin();
    };
    // The next one first: where both are the same feed's it need not start anew.
    const end = denials?.follow({ changed: onChange, logger });
    before?.end();
    this.#followed = denials && end && { denials, end };
    if (denials !== undefined) onChange();
  }

  /** For 'close', when no connection is open any more. */
  stop(): void {
    this.#look = undefined;
    this.#followed?.end();
    this.#followed = undefined;
    this.#leaving.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Once whoever makes the change is done, so that many at once are one. */
  #begin(): void {
    const look = {};
    this.#look = look;
    process.nextTick(() => {
      if (this.#look === look) this.#go(look, [...this.#connections()]);
    });
  }

  #go(look: object, rest: ConnectionEntry[]): void {
    const now = Date.now();
    for (const entry of rest.splice(-slice)) {
      if (entry.raw.destroyed || this.#leaving.has(entry)) continue;
      if (takenConnection(entry.socket)?.isDenied(now) === true) this.#dismiss(entry);
    }
    if (rest.length > 0) setImmediate(() => this.#look === look && this.#go(look, rest));
  }

  #dismiss(entry: ConnectionEntry): void {
    if (entry.phase === 'upgraded') return void entry.raw.destroy();
    entry.leaving = true;
    if (entry.requests > 0) announceClose(entry.response);
    this.#leaving.set(entry, { since: performance.now(), endedAt: undefined });
    this.#timer ??= setInterval(() => this.#lookAfter(), Math.max(1, this.#times.grace / 3)).unref();
  }

  #lookAfter(): void {
    const now = performance.now();
    for (const [entry, leaving] of this.#leaving) {
      if (entry.raw.destroyed) this.#leaving.delete(entry);
      else this.#end(entry, leaving, now);
      // A CA was denied, and with it thousands: the others have their turn.
      if (performance.now() - now > longestTurn) return void setImmediate(() => this.#lookAfter());
    }
    if (this.#leaving.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #end(entry: ConnectionEntry, leaving: Leaving, now: number): void {
    const { grace, patience } = this.#times;
    if (entry.phase === 'upgraded' || now - leaving.since >= patience) entry.raw.destroy();
    else if (leaving.endedAt !== undefined) {
      // It has had its time to close, too. A session closes by itself, after its last stream.
      if (entry.idle && now - leaving.endedAt >= grace) entry.raw.destroy();
    } else if (now - leaving.since >= grace && (entry.idle || entry.phase === 'http2')) {
      leaving.endedAt = now;
      if (entry.phase === 'http2') this.#http2?.close(entry.socket as TLSSocket);
      else entry.socket.end();
    }
  }
}

/** So that the client knows, and sends nothing more on this connection. */
function announceClose(response: ServerResponse | undefined): void {
  if (response !== undefined && !response.headersSent) response.setHeader('Connection', 'close');
}
