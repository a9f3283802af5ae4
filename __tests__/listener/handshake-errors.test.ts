import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer, type HandshakeErrorEvent, type PortcullisOptions } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { closeAll, ended, exchange, listen, Recording } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

/** The first octets that a client sends. */
async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const transport = new Duplex({ read() {}, write: (chunk: Buffer) => transport.emit('hello', chunk) });
  const sent = once(transport, 'hello') as Promise<[Buffer]>;
  const socket = connect({ socket: transport, ...options });
  socket.on('error', () => {});
  const [hello] = await sent;
  socket.destroy();
  return hello;
}

/** Speaks to the port, and gives its own port. */
type Attack = (port: number) => Promise<number | undefined>;

const sending =
  (octets: Buffer | string, then: (socket: Socket) => void = () => {}): Attack =>
  async (port) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const { localPort } = socket;
    socket.write(octets);
    then(socket);
    socket.resume();
    await ended(socket);
    return localPort;
  };

const shaking =
  (options: () => ConnectionOptions): Attack =>
  async (port) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options() });
    socket.on('error', () => {});
    let localPort: number | undefined;
    socket.once('connect', () => ({ localPort } = socket));
    socket.resume();
    await ended(socket);
    return localPort;
  };

const as = (name: 'expired' | 'unknownCa'): ConnectionOptions => {
  const { key, cert } = pki.clients[name];
  return { key, cert };
};
const required = (): PortcullisOptions => ({ clientAuth: { mode: 'required', ca: pki.ca } });

const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close'];

describe('portcullis:handshake-error tells, and neither the server nor a clientError listener is harmed by,', () => {
  /** A fatal alert of the description 48, unknown_ca, as it is sent before encryption begins. */
  const unknownCa = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 48]);

  it.each<[string, Attack, PortcullisOptions | (() => PortcullisOptions), string | RegExp, RegExp]>([
    ['garbage', sending(Buffer.alloc(64, 0xaa)), {}, 'ERR_SSL_WRONG_VERSION_NUMBER', /no TLS/],
    [
      'plain HTTP',
      sending('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      {},
      'ERR_SSL_HTTP_REQUEST',
      /plain HTTP/,
    ],
    [
      'a request to a proxy',
      sending('CONNECT example.org:443 HTTP/1.1\r\n\r\n'),
      {},
      'ERR_SSL_HTTPS_PROXY_REQUEST',
      /CONNECT/,
    ],
    [
      'an old version',
      shaking(() => ({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })),
      {},
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      /versions that are switched off/,
    ],
    [
      'no shared cipher',
      shaking(() => ({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })),
      {},
      'ERR_SSL_NO_SHARED_CIPHER',
      /no cipher of the profile/,
    ],
    [
      'no shared ALPN protocol',
      shaking(() => ({ ALPNProtocols: ['h2'] })),
      {},
      'ERR_SSL_NO_APPLICATION_PROTOCOL',
      /ALPN/,
    ],
    [
      'a client that resets after half a hello',
      async (port) =>
        sending((await clientHello()).subarray(0, 50), (socket) =>
          setImmediate(() => socket.resetAndDestroy()),
        )(port),
      {},
      'ECONNRESET',
      /closed the connection/,
    ],
    [
      'a client that ends after half a hello',
      async (port) => sending((await clientHello()).subarray(0, 50), (socket) => socket.end())(port),
      {},
      'ECONNRESET',
      /closed the connection/,
    ],
    [
      'a client that resets after the server has spoken',
      async (port) =>
        sending(await clientHello(), (socket) => socket.once('data', () => socket.resetAndDestroy()))(port),
      {},
      'ECONNRESET',
      /closed the connection/,
    ],
    [
      'a client of TLS 1.2 that refuses the certificate by an alert',
      async (port) =>
        sending(await clientHello({ maxVersion: 'TLSv1.2' }), (socket) =>
          socket.once('data', () => socket.write(unknownCa)),
        )(port),
      {},
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      /does not know the CA/,
    ],
    [
      'a client of TLS 1.3 that refuses the certificate',
      shaking(() => ({ rejectUnauthorized: true, minVersion: 'TLSv1.3' })),
      {},
      'ECONNRESET',
      /may have refused this server’s certificate/,
    ],
    [
      'a client that says nothing',
      sending(''),
      { limits: { handshakeTimeout: 200 } },
      'ERR_TLS_HANDSHAKE_TIMEOUT',
      /in time/,
    ],
    [
      'no certificate where one is required',
      shaking(() => ({})),
      required,
      'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
      /required, and the client sent none/,
    ],
    [
      'an expired certificate where one is required',
      shaking(() => as('expired')),
      required,
      'CLIENT_CERTIFICATE_EXPIRED',
      /expired/,
    ],
    [
      'a stranger’s certificate where one is required',
      shaking(() => as('unknownCa')),
      required,
      'CLIENT_CERTIFICATE_UNTRUSTED',
      /issuer is not known|did not sign/,
    ],
  ])('%s', async (_what, attack, given, code, reason) => {
    const options = typeof given === 'function' ? given() : given;
    const failures = new Recording('portcullis:handshake-error');
    const server = createServer(
      { key: pki.server.key, cert: pki.server.cert, ...options },
      (_request, response) => response.end('in'),
    );
    const clientError = jest.fn();
    server.on('clientError', clientError);
    const port = await listen(server);
    const remotePort = await attack(port);
    const event: HandshakeErrorEvent = await failures.take();
    expect(event).toEqual({
      code,
      reason: expect.stringMatching(reason),
      remoteAddress: '127.0.0.1',
      remotePort,
    });
    expect(failures.events).toHaveLength(1);
    expect(clientError).not.toHaveBeenCalled();
    const { key, cert } = pki.clients.good;
    expect(await exchange(port, lines, { servername: 'localhost', key, cert })).toMatch(/in$/);
  });

  it('a certificate that OpenSSL lets pass and no guideline does', async () => {
    const issuer = oddAuthority();
    const { key, certificate } = oddCertificate({
      issuer,
      extensions: { basicConstraints: extension.basicConstraints({ ca: true }) },
    });
    const failures = new Recording('portcullis:handshake-error');
    const app = jest.fn();
    const server = createServer(
      {
        key: pki.server.key,
        cert: pki.server.cert,
        clientAuth: { mode: 'required', ca: issuer.certificate },
      },
      app,
    );
    const remotePort = await shaking(() => ({ key, cert: certificate }))(await listen(server));
    expect(await failures.take()).toEqual({
      code: 'CLIENT_CERTIFICATE_PURPOSE',
      reason: 'it is a CA certificate (purpose, RFC 5280 4.2.1.9)',
      remoteAddress: '127.0.0.1',
      remotePort,
    });
    expect(app).not.toHaveBeenCalled();
  });
});
