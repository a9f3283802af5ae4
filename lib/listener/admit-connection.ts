import type { TLSSocket } from 'node:tls';
import { type Connection, takeConnection } from '../connection/index.ts';
import type { Origin } from '../connection/connection.ts';
import { messageOf } from '../errors.ts';
import { type HandshakeErrorEvent, publish } from '../events.ts';
import { peerOf } from './handshake-errors.ts';

/** Why a finished handshake leads nowhere. */
export type HandshakeProblem = Pick<HandshakeErrorEvent, 'code' | 'reason'>;

/**
 * Takes the facts of a finished handshake, before anyone else sees its socket: the connection, or why it is refused,
 * which is told to nobody but the event. With `required` no connection is admitted without a verified client.
 */
export function admitConnection(
  socket: TLSSocket,
  origin: Origin,
  required: boolean,
): Connection | HandshakeProblem {
  const now = Date.now();
  let connection: Connection;
  try {
    connection = takeConnection(socket, origin, now);
  } catch (error) {
    const reason = `the connection could not be read as its handshake ended: ${messageOf(error)}`;
    return { code: 'CONNECTION_LOST', reason };
  }
  const { clientCertificate, clientCertificateError } = connection.stateAt(now);
  if (!required || clientCertificate !== undefined) return connection;
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
