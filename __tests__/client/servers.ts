import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { otherRoot } from './pki.ts';

/** A server that keeps what it has been told. */
export interface Witness {
  readonly port: number;
  /** Plaintext that it has read, on all connections. */
  readonly heard: () => string;
  /** Whether a client has shown it a certificate. */
  readonly sawCertificate: () => boolean;
  /** Waits until all connections are over. */
  readonly quiet: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const open = new Set<Witness>();

/** For `afterEach`. */
export const closeServers = async (): Promise<void> => {
  await Promise.all([...open].map((server) => server.close()));
};

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nin';

/** Asks for a certificate, of whomever, and answers each request with 200. */
export async function startTls(options: TlsOptions & { staple?: Buffer | undefined }): Promise<Witness> {
  const { staple, ...rest } = options;
  let heard = '';
  let certificates = 0;
  const server = createServer({
    requestCert: true,
    rejectUnauthorized: false,
    ca: otherRoot.certificate,
    ...rest,
  });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket: TLSSocket) => {
    if (Object.keys(socket.getPeerCertificate()).length > 0) certificates++;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.endsWith('\r\n\r\n')) socket.write(answer);
    });
  });
  if (staple !== undefined)
    server.on('OCSPRequest', (_certificate, _issuer, done: (error: null, response: Buffer) => void) =>
      done(null, staple),
    );
  return witness(
    server,
    () => heard,
    () => certificates > 0,
  );
}

/** Speaks no TLS: `greet` says what it does instead. */
export function startTcp(greet: (socket: Socket) => void): Promise<Witness> {
  let heard = '';
  const server = createTcpServer((socket) => {
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
    greet(socket);
  });
  return witness(
    server,
    () => heard,
    () => false,
  );
}

async function witness(server: Server, heard: () => string, sawCertificate: () => boolean): Promise<Witness> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const quiet = async (): Promise<void> => {
    await Promise.all([...sockets].map((socket) => new Promise((done) => socket.once('close', done))));
  };
  const self: Witness = {
    port: (server.address() as AddressInfo).port,
    heard,
    sawCertificate,
    quiet,
    close: async () => {
      open.delete(self);
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
  open.add(self);
  return self;
}
