import type { Duplex } from 'node:stream';

/**
 * How long a client may take to read the answer and to close (ms): behind a refused upgrade there is no parser any
 * more, and with it none of Node's time limits.
 */
const linger = 1_000;

/**
 * Ends a socket after what has been written to it. What still comes is thrown away for a moment: closed with octets
 * unread the connection would be reset, and the client might never see the answer (RFC 9112 9.6).
 */
export function closeLingering(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), linger).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('error', () => socket.destroy());
  socket.resume();
  socket.end();
}
