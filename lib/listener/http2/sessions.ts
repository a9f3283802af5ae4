import type {
  Http2Server,
  Http2Session,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type DropReason } from '../../events.ts';
import { publishDrop } from '../connections/drops.ts';
import type { CheckedLimits } from '../connections/limits.ts';
import { wasResetByClient } from './stream-socket.ts';
import { innerOptions } from './inner-options.ts';
import { SessionDrain } from './session-drain.ts';
import { clearAway, close, destroy, endSlowBodies, evict, refuseStream } from './session-ends.ts';
import { refusalStatus } from './header-lines.ts';
import { type Exchange, exchangeOf, type Host } from './exchange.ts';
import { endExchange, makeExchange, type Making, makingOf, runExchange } from './run-stream.ts';
import { constants, createHttp2Server } from './node-http2.ts';
import { isGone } from './session-alive.ts';
import {
  hasSessionStalled,
  resetStalled,
  SessionEntry,
  sessionLimits,
  type SessionLimits,
} from './session-entry.ts';

/** For tests. */
export interface Http2Times {
  readonly now: () => number;
  /** In a drain a session that is quiet for so long is told to go, and any after so long. */
  readonly grace: number;
  /** A client that has sent nothing for so long is asked by PING, and is gone after as long again without an answer. */
  readonly silence: number;
  readonly session: SessionLimits;
}

const defaultTimes: Http2Times = {
  now: () => performance.now(),
  grace: 500,
  silence: 15_000,
  session: sessionLimits,
};

/** Who counts the connections, and is told what becomes of sessions. */
export interface SessionWatch {
  /** `leave` ends the session, and its socket soon after. */
  began(socket: TLSSocket, leave: () => void): void;
  /** Its first stream has been opened, or its last one is closed. */
  inUse(socket: TLSSocket, used: boolean): void;
  /** A session has been ended because of a limit; `portcullis:drop` tells it, too. */
  dropped(reason: DropReason): void;
}

const nobody: SessionWatch = { began: () => {}, inUse: () => {}, dropped: () => {} };
const nothing = (): void => {};
const frameOctets = { ping: 17, settings: 9 };

/**
 * The HTTP/2 side of an `https.Server`: it is given the sockets for which ALPN chose 'h2', and gives their requests to
 * the server as requests of Node's own classes. A session that breaks a limit is ended with GOAWAY and told by
 * `portcullis:drop`; the others do not notice.
 */
export class Http2Sessions {
  readonly #host: Host;
  readonly #limits: CheckedLimits;
  readonly #making: Making;
  readonly #maxHeaderSize: number;
  readonly #times: Http2Times;
  readonly #watch: SessionWatch;
  readonly #inner: Http2Server;
  readonly #entries = new Set<SessionEntry>();
  readonly #bySession = new WeakMap<Http2Session, SessionEntry>();
  readonly #bySocket = new WeakMap<TLSSocket, SessionEntry>();
  readonly #onClose: (this: ServerHttp2Stream) => void;
  #sweeper: NodeJS.Timeout | undefined;
  #draining: SessionDrain | undefined;
  #onEnded: ((finished: boolean) => void) | undefined;
  #openStreams = 0;
  #next: TLSSocket | undefined;

  /** `options` are those of the server; of them the classes and `maxHeaderSize` count here. */
  constructor(
    host: Host,
    limits: CheckedLimits,
    options: ServerOptions,
    times: Partial<Http2Times> = {},
    watch: SessionWatch = nobody,
  ) {
    this.#host = host;
    this.#watch = watch;
    this.#limits = limits;
    this.#making = makingOf(options);
    // As over HTTP/1.1.
    this.#maxHeaderSize = options.maxHeaderSize ?? 16_384;
    this.#times = { ...defaultTimes, ...times };
    const closed = (exchange: Exchange): void => this.#onStreamClosed(exchange);
    this.#onClose = function () {
      const exchange = exchangeOf(this);
      if (exchange !== undefined) closed(exchange);
    };
    this.#inner = createHttp2Server(innerOptions(this.#maxHeaderSize, this.#times.session));
    this.#inner.on('session', (session: ServerHttp2Session) => this.#begin(session));
    this.#inner.on('sessionError', (error: unknown, session: ServerHttp2Session) =>
      this.#onError(error, session),
    );
    this.#inner.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, flags: number, raw?: string[]) =>
        this.#onStream(stream, flags, raw ?? []),
    );
  }

  /** Requests in flight. */
  get openStreams(): number {
    return this.#openStreams;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Serves a connection whose handshake has chosen 'h2'. */
  serve(socket: TLSSocket): void {
    if (socket.destroyed) return;
    // Node remembers the address once asked; a request may ask when the connection is gone.
    void socket.remoteAddress;
    this.#next = socket;
    this.#inner.emit('connection', socket);
  }

  /**
   * Lets all clients go without losing a request (`SessionDrain`). `onEnded` hears of each stream that closes from now
   * on: whether its request was answered to the end.
   */
  drain(onEnded: (finished: boolean) => void): void {
    this.#onEnded = onEnded;
    this.#draining ??= new SessionDrain(this.#entries, this.#times.now, this.#times.grace);
  }

  /** After a drain: the server listens once more. */
  reopen(): void {
    this.#draining?.stop();
    this.#draining = undefined;
    this.#onEnded = undefined;
  }

  /** GOAWAY for the session on this socket: streams that are open are served to their end, and it closes. */
  close(socket: TLSSocket): void {
    const entry = this.#bySocket.get(socket);
    if (entry !== undefined) close(entry);
  }

  /** Closes the sessions that nobody uses, as `closeIdleConnections()` does over HTTP/1.1. */
  closeIdle(): void {
    for (const entry of this.#entries) if (entry.open.size === 0) close(entry);
  }

  /** Ends all sessions at once; how many there were. */
  destroyAll(): number {
    const entries = [...this.#entries].filter(({ socket }) => !socket.destroyed);
    for (const entry of entries) destroy(entry, constants.NGHTTP2_NO_ERROR, true);
    this.#draining?.stop();
    return entries.length;
  }

  #begin(session: ServerHttp2Session): void {
    const socket = this.#next!;
    this.#next = undefined;
    const { now, session: limits } = this.#times;
    const entry = new SessionEntry(session, socket, limits, now());
    if (this.#entries.size === 0) this.#startSweeping();
    this.#entries.add(entry);
    this.#bySession.set(session, entry);
    this.#bySocket.set(socket, entry);
    session.on('ping', () => this.#onControlFrame(entry, frameOctets.ping));
    session.on('remoteSettings', () => this.#onControlFrame(entry, frameOctets.settings));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#remove(entry));
    this.#watch.began(socket, () => evict(entry));
  }

  #remove(entry: SessionEntry): void {
    if (!this.#entries.delete(entry)) return;
    if (!entry.session.destroyed) entry.session.destroy();
    if (this.#entries.size === 0) clearInterval(this.#sweeper);
  }

  #onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    // Nobody would be there to handle it; what it means, 'close' tells.
    stream.on('error', nothing);
    const { session } = stream;
    const entry = session === undefined ? undefined : this.#bySession.get(session);
    if (stream.destroyed || entry === undefined) {
      // It was reset within the octets that brought it, and is no request any more.
      if (entry !== undefined) this.#countReset(entry);
      return;
    }
    const refused = refusalStatus(raw, this.#maxHeaderSize);
    if (refused !== undefined) return refuseStream(stream, flags, refused);
    const exchange = makeExchange(stream, entry, flags, raw, this.#making, this.#host);
    this.#openStreams++;
    entry.open.add(exchange);
    if (entry.open.size === 1) this.#watch.inUse(entry.socket, true);
    entry.used = true;
    if (!exchange.request.complete) exchange.bodySince = this.#times.now();
    stream.on('close', this.#onClose);
    runExchange(exchange);
  }

  #onStreamClosed(exchange: Exchange): void {
    const { entry } = exchange;
    this.#openStreams--;
    entry.open.delete(exchange);
    if (entry.open.size === 0) {
      entry.since = this.#times.now();
      this.#watch.inUse(entry.socket, false);
    }
    const reset = wasResetByClient(exchange.stream);
    this.#onEnded?.(exchange.response.writableFinished && !reset);
    if (reset) this.#countReset(entry);
    endExchange(exchange);
  }

  #countReset(entry: SessionEntry): void {
    if (entry.resets.exceeds(this.#times.now())) this.#cut(entry, 'HTTP2_RESETS');
  }

  #onControlFrame(entry: SessionEntry, octets: number): void {
    entry.acknowledged += octets;
    if (entry.control.exceeds(this.#times.now())) this.#cut(entry, 'HTTP2_FLOOD');
  }

  /** What Node or nghttp2 has ended a session for; a client that is gone, or says why it goes, is none of it. */
  #onError(error: unknown, session: Http2Session): void {
    const { code } = error as { code?: unknown };
    const entry = this.#bySession.get(session);
    if (entry === undefined || entry.ended) return;
    if (code !== 'ERR_HTTP2_ERROR' && code !== 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') return;
    entry.ended = true;
    this.#tell('HTTP2_PROTOCOL', entry);
  }

  #cut(entry: SessionEntry, reason: DropReason): void {
    if (entry.ended || entry.session.destroyed) return;
    this.#tell(reason, entry);
    // Who takes nothing would not take a GOAWAY either.
    destroy(entry, constants.NGHTTP2_ENHANCE_YOUR_CALM, reason === 'SEND_TIMEOUT');
  }

  /** Node may have ended the session before, without knowing its end. */
  #abandon(entry: SessionEntry): void {
    if (!entry.ended) this.#tell('HTTP2_PROTOCOL', entry);
    destroy(entry, constants.NGHTTP2_PROTOCOL_ERROR, true);
  }

  #tell(reason: DropReason, { socket }: SessionEntry): void {
    this.#watch.dropped(reason);
    publishDrop(reason, socket);
  }

  #startSweeping(): void {
    const { headersTimeout, requestTimeout, keepAliveTimeout, sendTimeout } = this.#limits;
    const times = [headersTimeout, requestTimeout, keepAliveTimeout, sendTimeout].filter((time) => time > 0);
    const interval = Math.min(1_000, ...times.map((time) => Math.max(10, Math.floor(time / 4))));
    this.#sweeper = setInterval(() => this.#sweep(), interval).unref();
  }

  #sweep(): void {
    const now = this.#times.now();
    for (const entry of this.#entries) this.#look(entry, now);
  }

  #look(entry: SessionEntry, now: number): void {
    if (entry.session.destroyed) return clearAway(entry, now);
    if (isGone(entry, now, this.#times.silence)) return this.#abandon(entry);
    const { headersTimeout, requestTimeout, keepAliveTimeout, sendTimeout } = this.#limits;
    if (entry.open.size > 0) {
      if (requestTimeout > 0 && endSlowBodies(entry, now, requestTimeout))
        this.#tell('REQUEST_TIMEOUT', entry);
      if (sendTimeout === 0) return;
      if (hasSessionStalled(entry, now, sendTimeout)) this.#cut(entry, 'SEND_TIMEOUT');
      else if (resetStalled(entry, now, sendTimeout)) this.#tell('SEND_TIMEOUT', entry);
      return;
    }
    const idle = now - entry.since;
    // Frames without a request, a header block that does not end among them, are no use of the session.
    if (!entry.used && headersTimeout > 0 && idle >= headersTimeout) this.#cut(entry, 'HEADERS_TIMEOUT');
    else if (entry.used && keepAliveTimeout > 0 && idle >= keepAliveTimeout) close(entry);
  }
}
