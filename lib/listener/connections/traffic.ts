import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { DropReason } from '../../events.ts';
import type { ConnectionEntry } from './connection-entry.ts';
import { type ConnectionCounts, ConnectionTable } from './connection-table.ts';
import { publishDrop } from './drops.ts';
import type { CheckedLimits } from './limits.ts';
import { answerPlainHttp } from './plain-http.ts';
import { Drain, type Drainable, type ShutdownReport } from '../lifecycle/shutdown.ts';

/**
 * What comes to a listener and goes: the connections of the TLS port, and of the plain one for redirects, each with
 * the limits, until the end of a shutdown. The server tells it what Node emits.
 */
export class Traffic {
  readonly #table: ConnectionTable;
  readonly #plain: ConnectionTable;
  readonly #onDrop: (reason: DropReason) => void;
  #draining = false;
  /** Whether the listener has no addresses (a pipe); undefined until somebody comes. */
  #local: boolean | undefined;

  /** `onDrop` is told of each connection that is cut because of the limits, as `portcullis:drop` is. */
  constructor(limits: CheckedLimits, onDrop: (reason: DropReason) => void = () => {}) {
    this.#onDrop = onDrop;
    this.#table = new ConnectionTable(limits, false, undefined, onDrop);
    this.#plain = new ConnectionTable(limits, true, undefined, onDrop);
  }

  /** Of the TLS port. */
  get counts(): ConnectionCounts {
    return this.#table.counts;
  }

  /** Those of the TLS port. */
  get connections(): Iterable<ConnectionEntry> {
    return this.#table;
  }

  /** While it is true, connections that are idle are not for Node to close. */
  get draining(): boolean {
    return this.#draining;
  }

  /** 'connection': false if it was reset. Of `listener` only the first is asked: Node asks the kernel each time. */
  admit(raw: Duplex, listener: { address(): unknown }): boolean {
    this.#local ??= typeof listener.address() === 'string';
    return this.#table.admit(raw, this.#local);
  }

  /** 'secureConnection': false if it has been cut meanwhile. */
  opened(socket: TLSSocket): boolean {
    return this.#table.opened(socket, socket.alpnProtocol === 'h2');
  }

  /** 'request' and its kin; false: it must not be run. */
  began(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#table.began(request.socket, response);
  }

  /** 'upgrade', 'connect': once the request is let in. */
  upgraded(socket: Duplex): void {
    this.#table.upgraded(socket);
  }

  /** A session of HTTP/2 has begun; `leave` ends it, and its socket. */
  session(socket: TLSSocket, leave: () => void): void {
    this.#table.session(socket, leave);
  }

  /** Whether a session has open streams, when that has changed. */
  sessionInUse(socket: TLSSocket, used: boolean): void {
    this.#table.inUse(socket, used);
  }

  /** A connection that waits for a certificate has waited too long. */
  handshakeTimedOut(raw: Duplex): void {
    const entry = this.#table.find(raw);
    if (entry !== undefined) this.#table.cut(entry, 'HANDSHAKE_TIMEOUT');
  }

  /**
   * 'tlsClientError': whether the client is to blame, and not this side, which has ended the connection itself. `names`
   * are those of the default certificate.
   */
  handshakeFailed(error: unknown, socket: TLSSocket, names: readonly string[]): boolean {
    const entry = this.#table.find(socket);
    if (entry?.cut === true) return false;
    const { code } = error as { code?: unknown };
    if (entry !== undefined && code === 'ERR_TLS_HANDSHAKE_TIMEOUT')
      this.#table.told(entry, 'HANDSHAKE_TIMEOUT');
    answerPlainHttp(error, socket, names);
    return true;
  }

  /** 'clientError': Node closes what is too slow, unless the user's listener does. */
  clientFailed(error: unknown, socket: Duplex): void {
    tellSlow(this.#table, error, socket);
  }

  /** 'drop': Node's own, at `maxConnections`. */
  dropped(data: unknown): void {
    this.#onDrop('MAX_CONNECTIONS');
    publishDrop('MAX_CONNECTIONS', data ?? {});
  }

  closeAll(): void {
    this.#table.destroyAll();
    this.#plain.destroyAll();
  }

  /**
   * Ends all connections; `stop` ends what listens, and calls back. The report tells of the TLS port. For good: a
   * listener that is to listen once more begins anew by `reopen`.
   */
  async shutdown(
    timeout: number,
    stop: () => Promise<void>,
    http2: Drainable | undefined,
  ): Promise<ShutdownReport> {
    this.#draining = true;
    const stopped = stop();
    const plain = new Drain(this.#plain, undefined, timeout);
    const [report] = await Promise.all([new Drain(this.#table, http2, timeout).done, plain.done, stopped]);
    return report;
  }

  /** 'listening'. */
  reopen(): void {
    this.#draining = false;
    this.#local = undefined;
    this.#table.observer = undefined;
    this.#plain.observer = undefined;
  }

  /** Holds the plain listener to the same limits. */
  guard(redirect: HttpServer): void {
    const table = this.#plain;
    redirect.prependListener('connection', (socket) => {
      table.admit(socket, typeof redirect.address() === 'string');
    });
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      table.began(request.socket, response);
    };
    redirect.prependListener('request', onRequest);
    redirect.prependListener('checkContinue', onRequest).prependListener('checkExpectation', onRequest);
    redirect.prependListener('clientError', (error, socket) => tellSlow(table, error, socket));
    redirect.on('drop', (data) => this.dropped(data));
  }
}

/** By the state of the connection: Node's error is the same for a slow head and a slow body. */
function tellSlow(table: ConnectionTable, error: unknown, socket: Duplex): void {
  if ((error as { code?: unknown }).code !== 'ERR_HTTP_REQUEST_TIMEOUT') return;
  const entry = table.find(socket);
  if (entry === undefined) return;
  const { response } = entry;
  const inBody = response !== undefined && !response.req.complete;
  table.told(entry, inBody ? 'REQUEST_TIMEOUT' : 'HEADERS_TIMEOUT');
}
