import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { dial } from './dial.ts';

/** A handshake, and the end of the connection. */
export const shakeHands = (port: number) => (): (() => Promise<void>) => async () => {
  const socket = await dial(port);
  await end(socket);
};

/**
 * The same, where every connection of a worker resumes the session of its first one: that is a full handshake, as there
 * is nothing to resume yet.
 */
export const resume = (port: number) => (): (() => Promise<void>) => {
  let session: Buffer | undefined;
  return async () => {
    const socket = await dial(port, session);
    if (session === undefined) session = await ticketOf(socket);
    else if (!socket.isSessionReused()) throw new Error('a session was not resumed');
    await end(socket);
  };
};

/** With TLS 1.2 it has come by now, with 1.3 it comes after the handshake, to whoever reads. */
async function ticketOf(socket: TLSSocket): Promise<Buffer> {
  if (socket.getProtocol() === 'TLSv1.2') return socket.getSession()!;
  socket.resume();
  const [ticket] = (await Promise.race([once(socket, 'session'), failOnClose(socket)])) as [Buffer];
  return ticket;
}

async function failOnClose(socket: TLSSocket): Promise<never> {
  await once(socket, 'close');
  throw new Error('a connection was closed without a ticket');
}

async function end(socket: TLSSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.resume();
  socket.end();
  await closed;
}
