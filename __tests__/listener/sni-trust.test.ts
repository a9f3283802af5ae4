import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type CertificateSource, createServer } from 'portcullis';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import type { PortcullisServer } from '../../lib/listener/server.ts';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { Recording } from './harness.ts';
import { appOf, hideIntermediates } from './revocation-harness.ts';

let pki: TestPki;
let others: Authority;
let certificate: CertificateSource[];
let below: IssuedCertificate;
let stranger: IssuedCertificate;
const sockets: Socket[] = [];

beforeAll(async () => {
  [pki, others] = await Promise.all([
    createTestPki({ serverNames: ['a.test'] }),
    createAuthority({ subject: 'Others' }),
  ]);
  const clientBelow = async (root: Authority, subject: string): Promise<IssuedCertificate> =>
    (await root.issueIntermediate({ subject: 'Intermediate' })).issueClientCertificate({ subject });
  const [b, ...clients] = await Promise.all([
    pki.issueServer({ names: ['b.test'] }),
    clientBelow(pki.authority, 'below'),
    clientBelow(others, 'stranger'),
  ]);
  certificate = [pki.server, b].map(({ key, cert }) => ({ load: () => ({ key, cert }) }));
  [below, stranger] = clients;
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeEverything();
});

/** A client whose hello, and what it says to the answer of the server, each go out when they are let. */
async function slowClient(port: number, options: ConnectionOptions): Promise<SlowClient> {
  const raw = connectTcp(port, '127.0.0.1');
  sockets.push(raw.on('error', () => {}));
  await once(raw, 'connect');
  const beneath = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => void raw.write(chunk, () => done()),
  });
  raw.on('close', () => beneath.push(null));
  return {
    async hello() {
      const answered = once(raw, 'data');
      const socket = connect({ ...options, socket: beneath, rejectUnauthorized: false });
      sockets.push(socket.on('error', () => {}));
      const [answer] = (await answered) as [Buffer];
      // Nobody listens from here to the end, and nothing is lost.
      raw.pause();
      return {
        async goOn(request) {
          raw.on('data', (chunk: Buffer) => beneath.push(chunk)).resume();
          beneath.push(answer);
          let text = '';
          socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
          socket.write(request);
          await new Promise<void>((settle) => raw.once('close', () => settle()));
          return text;
        },
      };
    },
  };
}

interface SlowClient {
  hello(): Promise<{ goOn(request: string): Promise<string> }>;
}

const question = 'GET /in HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n';

function requiring(ca: string): PortcullisServer {
  return createServer({ certificate, clientAuth: { mode: 'required', ca }, logger: false }, appOf());
}

describe.each(versions)(
  'where Node hides the intermediates over %s and several names are served',
  (version) => {
    const asking = (name: string, { key, chain }: IssuedCertificate): ConnectionOptions => ({
      ...speaking(version),
      servername: name,
      key,
      cert: chain,
    });

    it.each(['a.test', 'b.test'])('good clients come in at %s, before and after a reload', async (name) => {
      const server = requiring(pki.ca);
      const port = await listen(server);
      hideIntermediates(server);
      const enter = async (): Promise<string> => {
        const wire = await open(port, { ...asking(name, below), ca: pki.ca });
        return (await wire.ask('/in', { host: name })).body;
      };
      await expect(enter()).resolves.toBe('in: below');
      await server.reload({ clientAuth: { mode: 'required', ca: [pki.ca, others.root] } });
      await expect(enter()).resolves.toBe('in: below');
      await server.reload({ clientAuth: { mode: 'required', ca: pki.ca } });
      await expect(enter()).resolves.toBe('in: below');
    });

    it('a client slow enough for a reload by which a CA is added comes in', async () => {
      const server = requiring(pki.ca);
      const port = await listen(server);
      hideIntermediates(server);
      const client = await slowClient(port, asking('b.test', below));
      await server.reload({ clientAuth: { mode: 'required', ca: [pki.ca, others.root] } });
      expect(await (await client.hello()).goOn(question)).toContain('in: below');
    });

    it('a client slow enough for a reload of the certificates comes in', async () => {
      const server = requiring(pki.ca);
      const port = await listen(server);
      hideIntermediates(server);
      const client = await slowClient(port, asking('b.test', below));
      await server.reload({ certificate: certificate.toReversed() });
      const greeted = await client.hello();
      await server.reload({ certificate });
      expect(await greeted.goOn(question)).toContain('in: below');
    });

    it('nobody is let in whom a CA has vouched for that came and went during the handshake', async () => {
      const server = requiring(pki.ca);
      const port = await listen(server);
      hideIntermediates(server);
      const failures = new Recording('portcullis:handshake-error');
      const client = await slowClient(port, asking('b.test', stranger));
      await server.reload({ clientAuth: { mode: 'required', ca: [pki.ca, others.root] } });
      const greeted = await client.hello();
      await server.reload({ clientAuth: { mode: 'required', ca: pki.ca } });
      expect(await greeted.goOn(question)).toBe('');
      expect(await failures.take()).toMatchObject({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
      failures.stop();
    });
  },
);

describe.each(versions)('a route with its own ca lets its clients in over %s', (version) => {
  it.each(['a.test', 'b.test', 'unknown.test'])('at %s', async (name) => {
    const app = appOf(others.root);
    const server = createServer(
      { certificate, clientAuth: { mode: 'optional', ca: pki.ca }, logger: false },
      app,
    );
    const port = await listen(server);
    const options = { ...speaking(version), servername: name, rejectUnauthorized: false };
    const wire = await open(port, { ...options, key: stranger.key, cert: stranger.chain });
    expect((await wire.ask('/route', { host: name })).body).toBe('in: stranger');
    expect((await wire.ask('/in', { host: name })).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    const other = await open(port, { ...options, key: below.key, cert: below.chain });
    expect((await other.ask('/route', { host: name })).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
  });

  it('but not who is on a list of the listener, at any name', async () => {
    const crl = await others.crl({ revoked: [{ certificate: revoked.certificate }] });
    const ca = [pki.ca, others.root];
    const server = createServer(
      { certificate, clientAuth: { mode: 'optional', ca, crl }, logger: false },
      appOf(others.root),
    );
    const port = await listen(server);
    const told = await Promise.all(
      ['a.test', 'b.test'].map(async (name) => {
        const options = { ...speaking(version), servername: name, rejectUnauthorized: false };
        const wire = await open(port, { ...options, key: revoked.key, cert: revoked.chain });
        return (await wire.ask('/route', { host: name })).body;
      }),
    );
    expect(told).toEqual(['CLIENT_CERTIFICATE_REVOKED', 'CLIENT_CERTIFICATE_REVOKED']);
  });
});

let revoked: IssuedCertificate;
beforeAll(async () => {
  revoked = await others.issueClientCertificate({ subject: 'revoked' });
});
