import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { constants } from './node-http2.ts';

type Kind = 'ending' | 'forbidden' | 'ignored' | 'stream' | 'timeout';

const named = (kind: Kind, names: readonly string[]): ReadonlyArray<[PropertyKey, Kind]> =>
  names.map((name) => [name, kind]);

/** What is not the connection's. */
const kinds: ReadonlyMap<PropertyKey, Kind> = new Map([
  // What belongs to the one stream.
  ...named('stream', [
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
  ]),
  // They would reach into the frames of all streams (Node's own proxy refuses the same).
  ...named('forbidden', [
    'pause',
    'pipe',
    'push',
    'read',
    'resume',
    'setEncoding',
    'unpipe',
    'unshift',
    'write',
  ]),
  ...named('ending', ['destroy', 'destroySoon', 'end', 'resetAndDestroy']),
  // They are the connection's, on which other streams run: nothing happens, as nobody's answer depends on it.
  ...named('ignored', ['setKeepAlive', 'setNoDelay']),
  ...named('timeout', ['setTimeout']),
]);

/**
 * What a request and its response have as `socket`: the connection's facts (addresses, certificate, `req.tls`), but the
 * life of the stream: its events, and a `destroy()` or `end()` that resets this stream and no other. It can be read after
 * both are closed. To read, write or pause it throws `ERR_HTTP2_NO_SOCKET_MANIPULATION`. `onTimeout` hears of
 * `setTimeout`.
 */
export function streamSocket(
  stream: ServerHttp2Stream,
  socket: TLSSocket,
  onTimeout: (this: ServerHttp2Stream) => void,
): Socket {
  return new Proxy(stream, new StreamSocketHandler(stream, socket, onTimeout)) as unknown as Socket;
}

class StreamSocketHandler implements ProxyHandler<ServerHttp2Stream> {
  readonly #stream: ServerHttp2Stream;
  readonly #socket: TLSSocket;
  readonly #onTimeout: (this: ServerHttp2Stream) => void;

  constructor(stream: ServerHttp2Stream, socket: TLSSocket, onTimeout: (this: ServerHttp2Stream) => void) {
    this.#stream = stream;
    this.#socket = socket;
    this.#onTimeout = onTimeout;
  }

  get(_target: ServerHttp2Stream, name: PropertyKey, receiver: unknown): unknown {
    switch (kinds.get(name)) {
      case undefined:
        return memberOf(this.#socket, name);
      case 'stream':
        return memberOf(this.#stream, name);
      case 'ending':
        return (error?: unknown) => this.#end(error, receiver);
      case 'ignored':
        return () => receiver;
      case 'timeout':
        return (ms: number, callback?: () => void) => this.#setTimeout(ms, callback, receiver);
      case 'forbidden':
        break;
    }
    throw manipulation();
  }

  set(_target: ServerHttp2Stream, name: PropertyKey, value: unknown): boolean {
    return Reflect.set(this.#ownerOf(name), name, value);
  }

  has(_target: ServerHttp2Stream, name: PropertyKey): boolean {
    return Reflect.has(this.#ownerOf(name), name);
  }

  getPrototypeOf(): object | null {
    return Reflect.getPrototypeOf(this.#socket);
  }

  #ownerOf(name: PropertyKey): object {
    return kinds.get(name) === 'stream' ? this.#stream : this.#socket;
  }

  #end(error: unknown, receiver: unknown): unknown {
    const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants;
    resetStream(this.#stream, error instanceof Error ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
    return receiver;
  }

  #setTimeout(ms: number, callback: (() => void) | undefined, receiver: unknown): unknown {
    this.#stream.setTimeout(ms);
    this.#stream.removeListener('timeout', this.#onTimeout);
    if (ms > 0) this.#stream.on('timeout', this.#onTimeout);
    if (callback !== undefined) this.#stream.once('timeout', callback);
    return receiver;
  }
}

function memberOf(owner: object, name: PropertyKey): unknown {
  const value = (owner as Record<PropertyKey, unknown>)[name];
  return typeof value === 'function' && name !== 'constructor' ? value.bind(owner) : value;
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
