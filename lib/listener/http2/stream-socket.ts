import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What belongs to the one stream; everything else is the connection's. */
const ofStream: ReadonlySet<PropertyKey> = new Set<PropertyKey>([
  '_events',
  '_eventsCount',
  '_readableState',
  '_writableState',
  'addListener',
  'closed',
  'cork',
  'destroyed',
  'emit',
  'errored',
  'eventNames',
  'listenerCount',
  'listeners',
  'off',
  'on',
  'once',
  'prependListener',
  'prependOnceListener',
  'rawListeners',
  'readable',
  'readableEnded',
  'readableHighWaterMark',
  'readableLength',
  'removeAllListeners',
  'removeListener',
  'uncork',
  'writable',
  'writableCorked',
  'writableEnded',
  'writableFinished',
  'writableHighWaterMark',
  'writableLength',
  'writableNeedDrain',
]);

/** They would reach into the frames of all streams (Node's own proxy refuses the same). */
const forbidden: ReadonlySet<PropertyKey> = new Set<PropertyKey>([
  'pause',
  'pipe',
  'push',
  'read',
  'resume',
  'setEncoding',
  'unpipe',
  'unshift',
  'write',
]);

const endings: ReadonlySet<PropertyKey> = new Set(['destroy', 'destroySoon', 'end', 'resetAndDestroy']);
/** They are the connection's, on which other streams run: nothing happens, as nobody's answer depends on it. */
const ignored: ReadonlySet<PropertyKey> = new Set(['setKeepAlive', 'setNoDelay']);

/**
 * What a request and its response have as `socket`: the connection's facts (addresses, certificate, `req.tls`), but the
 * life of the stream: its events, and a `destroy()` or `end()` that resets this stream and no other. It can be read after
 * both are closed. To read, write or pause it throws `ERR_HTTP2_NO_SOCKET_MANIPULATION`. `onTimeout` hears of
 * `setTimeout`.
 */
export function streamSocket(stream: ServerHttp2Stream, socket: TLSSocket, onTimeout: () => void): Socket {
  return new Proxy(stream, new StreamSocketHandler(stream, socket, onTimeout)) as unknown as Socket;
}

class StreamSocketHandler implements ProxyHandler<ServerHttp2Stream> {
  readonly #stream: ServerHttp2Stream;
  readonly #socket: TLSSocket;
  readonly #onTimeout: () => void;

  constructor(stream: ServerHttp2Stream, socket: TLSSocket, onTimeout: () => void) {
    this.#stream = stream;
    this.#socket = socket;
    this.#onTimeout = onTimeout;
  }

  get(_target: ServerHttp2Stream, name: PropertyKey, receiver: unknown): unknown {
    if (endings.has(name)) {
      return (error?: unknown): unknown => {
        const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants;
        resetStream(this.#stream, error instanceof Error ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
        return receiver;
      };
    }
    if (ignored.has(name)) return () => receiver;
    if (name === 'setTimeout')
      return (ms: number, callback?: () => void) => this.#setTimeout(ms, callback, receiver);
    if (forbidden.has(name)) throw manipulation();
    const owner = ofStream.has(name) ? this.#stream : this.#socket;
    const value: unknown = Reflect.get(owner, name);
    return typeof value === 'function' && name !== 'constructor' ? value.bind(owner) : value;
  }

  set(_target: ServerHttp2Stream, name: PropertyKey, value: unknown): boolean {
    return Reflect.set(ofStream.has(name) ? this.#stream : this.#socket, name, value);
  }

  has(_target: ServerHttp2Stream, name: PropertyKey): boolean {
    return Reflect.has(ofStream.has(name) ? this.#stream : this.#socket, name);
  }

  getPrototypeOf(): object | null {
    return Reflect.getPrototypeOf(this.#socket);
  }

  #setTimeout(ms: number, callback: (() => void) | undefined, receiver: unknown): unknown {
    this.#stream.setTimeout(ms);
    this.#stream.removeListener('timeout', this.#onTimeout);
    if (ms > 0) this.#stream.on('timeout', this.#onTimeout);
    if (callback !== undefined) this.#stream.once('timeout', callback);
    return receiver;
  }
}

/** Ends a stream at once, whatever is left of it; nothing where it has ended. */
export function resetStream(stream: ServerHttp2Stream, code: number): void {
  if (stream.closed || stream.destroyed) return;
  ours.add(stream);
  stream.close(code);
}

const ours = new WeakSet<ServerHttp2Stream>();

/** Whether a stream that is closed was reset, and by nobody here: by the client, or because of what it sent. */
export const wasResetByClient = (stream: ServerHttp2Stream): boolean =>
  stream.rstCode !== constants.NGHTTP2_NO_ERROR && !ours.has(stream);

const manipulation = (): Error =>
  Object.assign(
    new Error('HTTP/2 sockets are not to be read, written or paused: use the request and response.'),
    {
      code: 'ERR_HTTP2_NO_SOCKET_MANIPULATION',
    },
  );
