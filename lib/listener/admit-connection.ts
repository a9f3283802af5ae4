import type { TLSSocket } from 'node:tls';
import { type Connection, takeConnection } from '../connection/index.ts';
import type { Origin } from '../connection/connection.ts';
import { messageOf } from '../errors.ts';
import { type HandshakeErrorEvent, publish } from '../events.ts';
import { peerOf, serverNameUnknown } from './handshake-errors.ts';

/** Why a finished handshake leads nowhere. */
export type HandshakeProblem = Pick<HandshakeErrorEvent, 'code' | 'reason'>;

/** Who is let in. */
export interface Admission {
  /** Nobody without a verified client. */
  readonly required: boolean;
  /** Whether a client that asks for this name is served. */
  readonly knows: (serverName: string) => boolean;
}

/**
 * Takes the facts of a finished handshake, before anyone else sees its socket: the connection, or why it is refused,
 * which is told to nobody but the event.
 */
export function admitConnection(
  socket: TLSSocket,
  origin: Origin,
  { required, knows }: Admission,
): Connection | HandshakeProblem {
  const now = Date.now();
  let connection: Connection;
  try {
    connection = takeConnection(socket, origin, now);
  } catch (error) {
    const reason = `the connection could not be read as its handshake ended: ${messageOf(error)}`;
    return { code: 'CONNECTION_LOST', reason };
  }
  const { clientCertificate, clientCertificateError, serverName } = connection.stateAt(now);
  // OpenSSL 3.0 (Node 20) resumes a session under any name, and then no SNICallback is asked.
  if (serverName !== undefined && !knows(serverName)) return serverNameUnknown;
  // Asked now, so that the answer may be there at the first request, which waits for it.
  const isPending = connection.pending(now) !== undefined;
  if (!required || clientCertificate !== undefined || isPending) return connection;
  return clientCertificateError ?? { code: 'CLIENT_CERTIFICATE_REQUIRED', reason: 'no client certificate' };
}

export function publishHandshake(socket: TLSSocket, connection: Connection): void {
  publish('portcullis:handshake', () => {
    const { protocol, cipher, group, alpn, serverName, resumed, clientCertificate, clientCertificateError } =
      connection.stateAt(Date.now());
    return {
      protocol,
      cipher: cipher.standardName,
      group,
      alpn,
      serverName,
      resumed,
      fingerprint256: clientCertificate?.fingerprint256,
      clientCertificateError,
      ...peerOf(socket),
    };
  });
}

export function publishHandshakeProblem(socket: TLSSocket, { code, reason }: HandshakeProblem): void {
  publish('portcullis:handshake-error', () => ({ code, reason, ...peerOf(socket) }));
}
