import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type ConnectionOptions, type TlsOptions, type TLSSocket } from 'node:tls';

/** What came of one TLS handshake. */
export interface Handshake {
  /** What the server's OpenSSL says of the client's certificate. */
  readonly authorized: boolean;
  readonly authorizationError: string | null;
  readonly protocol: string | null;
  /** DER of the certificates, as the other side got them. */
  readonly clientCertificate: Buffer | undefined;
  readonly serverCertificate: Buffer;
}

/**
 * One handshake on 127.0.0.1 with a server that asks for a certificate and admits whatever comes. Rejects with the
 * client's error where the client refuses the server.
 */
export async function handshake(server: TlsOptions, client: ConnectionOptions): Promise<Handshake> {
  const listener = createServer({ requestCert: true, rejectUnauthorized: false, ...server });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({ host: '127.0.0.1', port, ...client });
  try {
    const [[peer]] = await Promise.all([accepted, once(socket, 'secureConnect')]);
    return outcomeOf(peer, socket);
  } finally {
    socket.destroy();
    listener.close();
  }
}

function outcomeOf(peer: TLSSocket, socket: TLSSocket): Handshake {
  // Node's types say Error; it is a text or null.
  const authorizationError = peer.authorizationError as unknown as string | null;
  const outcome = {
    authorized: peer.authorized,
    authorizationError,
    protocol: peer.getProtocol(),
    clientCertificate: peer.getPeerX509Certificate()?.raw,
    serverCertificate: socket.getPeerX509Certificate()!.raw,
  };
  peer.on('error', () => {}).destroy();
  return outcome;
}
