import { constants } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Approach, type Connection, connectTls, HandshakeFailure } from './connect.ts';
import { readTicket } from './session.ts';

/** Of TLS 1.2, as tried with a connection of its own. */
export interface Tls12Facts {
  readonly ticket: boolean | null;
  readonly sessionId: boolean | null;
  readonly lifetime: number | null;
  /** Whether the server lets a client renegotiate. */
  readonly renegotiation: boolean | null;
}

/** Whether the server resumes `session`. */
export async function resumes(
  approach: Approach,
  session: Buffer | undefined,
  more: ConnectionOptions,
): Promise<boolean> {
  if (session === undefined) return false;
  const again = await attempt(approach, { ...more, session });
  const reused = again?.socket.isSessionReused() ?? false;
  again?.socket.destroy();
  return reused;
}

/** Tries tickets, session ids and, unless `quick`, renegotiation over TLS 1.2; all null where it is refused. */
export async function tryTls12(
  approach: Approach,
  legacy: ConnectionOptions,
  quick: boolean,
): Promise<Tls12Facts> {
  const version = { ...legacy, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const first = await attempt(approach, version);
  if (first === undefined) return { ticket: null, sessionId: null, lifetime: null, renegotiation: null };
  const session = first.socket.getSession();
  const given = readTicket(session);
  const renegotiation = quick ? null : await renegotiates(first.socket, approach.timeout);
  first.socket.destroy();
  const ticket = given?.ticket === true && (await resumes(approach, session, version));
  return {
    ticket,
    sessionId: await resumesById(approach, version),
    lifetime: given?.ticket === true ? (given.lifetime ?? null) : null,
    renegotiation,
  };
}

async function resumesById(approach: Approach, version: ConnectionOptions): Promise<boolean | null> {
  const withoutTickets = { ...version, secureOptions: constants.SSL_OP_NO_TICKET };
  const first = await attempt(approach, withoutTickets);
  if (first === undefined) return null;
  const session = first.socket.getSession();
  first.socket.destroy();
  return resumes(approach, session, withoutTickets);
}

/** Undefined where the handshake failed. */
export async function attempt(approach: Approach, more: ConnectionOptions): Promise<Connection | undefined> {
  try {
    return await connectTls(approach, more);
  } catch (error) {
    if (error instanceof HandshakeFailure) return undefined;
    throw error;
  }
}

function renegotiates(socket: TLSSocket, timeout: number): Promise<boolean | null> {
  return new Promise((resolve) => {
    const end = (answer: boolean | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    // Who neither agrees nor refuses lets nobody renegotiate.
    const timer = setTimeout(() => end(false), timeout);
    socket.on('error', () => end(false));
    socket.once('close', () => end(false));
    socket.resume();
    const started = socket.renegotiate({ rejectUnauthorized: false }, (error) => end(error === null));
    if (!started) end(false);
  });
}
