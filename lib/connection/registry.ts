import { TLSSocket } from 'node:tls';
import { Connection, type Origin } from './connection.ts';

/** On the socket itself and not in a WeakMap: HTTP/2 shows each request the socket through a proxy of its own. */
const key = Symbol('portcullis.connection');

type Bearer = TLSSocket & { [key]?: Connection };

/** Takes a connection at the end of its handshake; throws where its facts cannot be read. */
export function takeConnection(socket: TLSSocket, origin: Origin, now: number): Connection {
  const connection = new Connection(socket, origin, now);
  Object.defineProperty(socket, key, { value: connection });
  return connection;
}

/** The connection that was taken of this socket, if one was. */
export const takenConnection = (socket: object): Connection | undefined => (socket as Bearer)[key];

/**
 * The connection beneath a request, taken now where a plain `https.Server` did not; undefined without TLS.
 * From here on a renegotiation ends it: the facts would no longer be those of the one who speaks.
 */
export function connectionOf(socket: object | null | undefined, now?: number): Connection | undefined {
  if (socket === null || socket === undefined) return undefined;
  const taken = takenConnection(socket);
  if (taken !== undefined || !(socket instanceof TLSSocket) || socket.destroyed) return taken;
  const connection = takeConnection(socket, { guarded: false }, now ?? Date.now());
  socket.disableRenegotiation();
  endOnRenegotiation(socket);
  return connection;
}

/** The facts of a connection are of its first handshake, and so is who speaks: a second one ends it. */
export function endOnRenegotiation(socket: TLSSocket): void {
  socket.on('secure', destroyed);
}

/** One listener for all sockets. */
function destroyed(this: TLSSocket): void {
  this.destroy();
}
