import { constants } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Approach, type Connection, connectTls, HandshakeFailure, isWordless } from './connect.ts';
import { readTicket } from './session.ts';

/** Of TLS 1.2, as tried with a connection of its own. */
export interface Tls12Facts {
  readonly ticket: boolean | null;
  readonly sessionId: boolean | null;
  readonly lifetime: number | null;
  /** Whether the server lets a client renegotiate. */
  readonly renegotiation: boolean | null;
}

/** Whether the server resumes `session`; null where it cannot be tried. */
export async function resumes(
  approach: Approach,
  session: Buffer | undefined,
  more: ConnectionOptions,
): Promise<boolean | null> {
  if (session === undefined) return null;
  const again = await attempt(approach, { ...more, session });
  if (again === undefined) return null;
  const reused = again.socket.isSessionReused();
  again.socket.destroy();
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
  const renegotiation = quick ? null : await mayRenegotiate(first.socket, approach, version);
  first.socket.destroy();
  return {
    ticket: given?.ticket === true ? await resumes(approach, session, version) : (given?.ticket ?? null),
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
  await hangUp(first.socket, approach.timeout);
  return resumes(approach, session, withoutTickets);
}

/** As long as a server may take to say goodbye, at most. */
const goodbye = 1000;

/** Ends by close_notify: OpenSSL forgets the session of a connection that was torn off. */
function hangUp(socket: TLSSocket, timeout: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), Math.min(timeout, goodbye));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume().end();
  });
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

/** Closing is how some refuse, and what a path does that loses connections: then it is tried once more. */
async function mayRenegotiate(
  socket: TLSSocket,
  approach: Approach,
  version: ConnectionOptions,
): Promise<boolean | null> {
  const answer = await renegotiates(socket, approach.timeout);
  if (answer !== 'closed') return answer;
  const again = await attempt(approach, version);
  return again === undefined ? null : (await renegotiates(again.socket, approach.timeout)) === true;
}

function renegotiates(socket: TLSSocket, timeout: number): Promise<boolean | 'closed'> {
  return new Promise((resolve) => {
    const end = (answer: boolean | 'closed'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    // Who neither agrees nor refuses lets nobody renegotiate.
    const timer = setTimeout(() => end(false), timeout);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(isWordless(code) ? 'closed' : false));
    socket.once('close', () => end('closed'));
    socket.resume();
    const started = socket.renegotiate({ rejectUnauthorized: false }, (error) => {
      if (error === null) end(true);
      else end(isWordless((error as NodeJS.ErrnoException).code) ? 'closed' : false);
    });
    if (!started) end(false);
  });
}
