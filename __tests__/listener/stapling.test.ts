import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type ConnectionOptions, type SecureVersion } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CertificateSource,
  createServer,
  type Logger,
  type PortcullisOptions,
  type PortcullisServer,
} from 'portcullis';
import { encodeOcspRequest } from '../../lib/trust/ocsp/ocsp-request.ts';
import { impostorOf, type Overrides } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { newKeys } from '../support/odd-keys.ts';
import { generalName } from '../support/odd-names.ts';
import {
  answering,
  LoopbackResponder,
  ocspDelegate,
  type OcspOverrides,
  ocspRefusal,
  ocspResponse,
  type OcspServer,
  ocspServer,
} from '../support/ocsp.ts';
import { closeAll, listen, Recording } from './harness.ts';

const server = ocspServer();
const good = ocspResponse({ id: server.id, signer: server.issuer });
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

let responder: LoopbackResponder;
let url: string;
let logger: { info: jest.Mock<Logger['info']>; warn: jest.Mock<Logger['warn']> };

beforeEach(async () => {
  responder = new LoopbackResponder(answering(good));
  url = await responder.listen();
  logger = { info: jest.fn<Logger['info']>(), warn: jest.fn<Logger['warn']>() };
});
afterEach(async () => {
  await closeAll();
  await responder.close();
});

const start = (options: PortcullisOptions = {}, { key, chain }: OcspServer = server): PortcullisServer =>
  createServer(
    { key, cert: chain, logger, ocspStapling: { responder: url, timeout: 2_000 }, ...options },
    (_request, response) => response.end('in'),
  );

/** What is stapled to a handshake; null: nothing. The client asks for it. */
async function stapled(port: number, options: ConnectionOptions = {}): Promise<Buffer | null> {
  const asking = { host: '127.0.0.1', port, rejectUnauthorized: false, requestOCSP: true, ...options };
  // Node's types know requestOCSP for sockets only.
  const socket = connect(asking as ConnectionOptions);
  let response: Buffer | null = null;
  socket.on('OCSPResponse', (octets: Buffer | null) => (response = octets));
  try {
    await once(socket, 'secureConnect');
    return response;
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

const speaking = (version: SecureVersion): ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
});

describe.each(versions)('over %s a client that asks for it', (version) => {
  it('is given the answer of the responder', async () => {
    const events = new Recording('portcullis:ocsp');
    const port = await listen(start());
    expect(await events.take()).toMatchObject({
      outcome: 'good',
      names: ['localhost', '127.0.0.1'],
      nextUpdate: expect.any(Date),
      code: undefined,
    });
    expect(await stapled(port, speaking(version))).toEqual(good);
  });

  it('is not kept waiting for it', async () => {
    const events = new Recording('portcullis:ocsp');
    const asked = new Promise<() => void>((hold) => {
      responder.answer = (request, reply, body) => hold(() => answering(good)(request, reply, body));
    });
    const port = await listen(start());
    const release = await asked;
    expect(await stapled(port, speaking(version))).toBeNull();
    release();
    await events.take();
    expect(await stapled(port, speaking(version))).toEqual(good);
  });

  it('is given the answer that belongs to the name', async () => {
    const other = ocspServer({}, { issuer: server.issuer, ...named('other.example') });
    const response = ocspResponse({ id: other.id, signer: server.issuer });
    responder.answer = (request, reply, body) =>
      answering(body.includes(other.id.serialNumber) ? response : good)(request, reply, body);
    const source = ({ key, chain }: OcspServer): CertificateSource => ({
      load: () => ({ key, cert: chain }),
    });
    const events = new Recording('portcullis:ocsp');
    const listener = createServer({
      certificate: [source(server), source(other)],
      logger,
      ocspStapling: { responder: url },
    });
    const port = await listen(listener);
    await events.take(2);
    expect(await stapled(port, { ...speaking(version), servername: 'other.example' })).toEqual(response);
    expect(await stapled(port, { ...speaking(version), servername: 'localhost' })).toEqual(good);
    expect(await stapled(port, speaking(version))).toEqual(good);
  });
});

describe('nothing is stapled, and no handshake fails', () => {
  const of = (overrides: Partial<OcspOverrides>): Buffer =>
    ocspResponse({ id: server.id, signer: server.issuer, ...overrides });
  const impostor = impostorOf(server.issuer);

  it.each<[string, string, (reply: ServerResponse) => void]>([
    ['answers garbage', 'OCSP_MALFORMED', (reply) => reply.end('<!doctype html>')],
    ['answers nothing', 'OCSP_MALFORMED', (reply) => reply.end()],
    ['is busy', 'OCSP_UNSUCCESSFUL', (reply) => reply.end(ocspRefusal(3))],
    ['signs with another key', 'OCSP_UNTRUSTED', (reply) => reply.end(of({ signer: impostor }))],
    [
      'is appointed by another CA',
      'OCSP_UNTRUSTED',
      (reply) => {
        const signer = ocspDelegate(impostor);
        reply.end(of({ signer, certificates: [signer.der] }));
      },
    ],
    [
      'answers what has ended',
      'OCSP_STALE',
      (reply) => reply.end(of({ nextUpdate: new Date(Date.now() - 60_000), thisUpdate: new Date(0) })),
    ],
    [
      'answers about another certificate',
      'OCSP_WRONG_CERTIFICATE',
      (reply) => reply.end(ocspResponse({ id: ocspServer().id, signer: server.issuer })),
    ],
    ['does not know the certificate', 'OCSP_UNKNOWN', (reply) => reply.end(of({ status: 'unknown' }))],
    [
      'answers too much',
      'OCSP_UNREACHABLE',
      (reply) => reply.end(Buffer.concat([good, Buffer.alloc(65_536)])),
    ],
    ['fails', 'OCSP_UNREACHABLE', (reply) => reply.writeHead(500).end(good)],
    ['hangs up', 'OCSP_UNREACHABLE', (reply) => reply.destroy()],
    [
      'hangs up in the middle of it',
      'OCSP_UNREACHABLE',
      (reply) => {
        reply.writeHead(200, { 'Content-Length': good.length });
        reply.write(good.subarray(0, 20), () => reply.destroy());
      },
    ],
  ])('where the responder %s', async (_what, code, answer) => {
    responder.answer = (_request, reply) => answer(reply);
    const events = new Recording('portcullis:ocsp');
    const port = await listen(start());
    expect(await events.take()).toMatchObject({ outcome: 'failed', code, reason: expect.any(String) });
    for (const version of versions) expect(await stapled(port, speaking(version))).toBeNull();
    expect(logger.warn.mock.calls).toEqual([[expect.stringContaining('no OCSP response')]]);
  });

  it('where the responder is too slow', async () => {
    responder.answer = () => {};
    const events = new Recording('portcullis:ocsp');
    const port = await listen(start({ ocspStapling: { responder: url, timeout: 20 } }));
    expect(await events.take()).toMatchObject({ outcome: 'failed', code: 'OCSP_UNREACHABLE' });
    expect(await stapled(port)).toBeNull();
  });

  it('where the responder is down', async () => {
    const down = new LoopbackResponder(answering(good));
    const gone = await down.listen();
    await down.close();
    const events = new Recording('portcullis:ocsp');
    const port = await listen(start({ ocspStapling: { responder: gone } }));
    expect(await events.take()).toMatchObject({
      code: 'OCSP_UNREACHABLE',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await stapled(port)).toBeNull();
  });

  it('where the responder sends us elsewhere, and nobody goes there', async () => {
    const elsewhere = new LoopbackResponder(answering(good));
    const there = await elsewhere.listen();
    responder.answer = (_request, reply) => void reply.writeHead(307, { Location: there }).end();
    const events = new Recording('portcullis:ocsp');
    const port = await listen(start());
    expect(await events.take()).toMatchObject({ reason: expect.stringContaining('307') });
    expect(await stapled(port)).toBeNull();
    expect(elsewhere.questions).toEqual([]);
    await elsewhere.close();
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '169.254.169.254'])(
    'where only the certificate says that the responder is at %s, which is not asked',
    async (host) => {
      const named = ocspServer({ responder: url.replace('127.0.0.1', host) });
      const events = new Recording('portcullis:ocsp');
      const port = await listen(start({ ocspStapling: true }, named));
      expect(await events.take()).toMatchObject({
        code: 'OCSP_UNREACHABLE',
        reason: expect.stringContaining('ocspStapling.responder'),
      });
      expect(responder.questions).toEqual([]);
      expect(await stapled(port)).toBeNull();
    },
  );

  it('where the certificate names no responder, which is said once', async () => {
    const listener = start({ ocspStapling: true });
    const port = await listen(listener);
    expect(await stapled(port)).toBeNull();
    expect(logger.warn.mock.calls).toEqual([[expect.stringContaining('names no OCSP responder')]]);
    expect(codesOf(listener)).toContain('STAPLING_NO_RESPONDER');
  });

  it('where the issuer did not come with the certificate', async () => {
    const listener = start({ cert: server.certificate });
    const port = await listen(listener);
    expect(await stapled(port)).toBeNull();
    expect(responder.questions).toEqual([]);
    expect(codesOf(listener)).toContain('STAPLING_NO_ISSUER');
  });

  it('where RSA and ECDSA serve one name, as Node does not tell which', async () => {
    const { issuer } = server;
    const rsa = ocspServer({}, { issuer, keys: newKeys('rsa-2048') });
    const listener = start({ key: [server.key, rsa.key], cert: [server.chain, rsa.chain] });
    const port = await listen(listener);
    expect(await stapled(port)).toBeNull();
    expect(codesOf(listener)).toContain('STAPLING_SEVERAL_KEYS');
  });

  it('without the option, and nobody is asked', async () => {
    const listener = start({ ocspStapling: undefined });
    const port = await listen(listener);
    expect(await stapled(port)).toBeNull();
    expect(listener.listenerCount('OCSPRequest')).toBe(0);
    expect(responder.questions).toEqual([]);
  });
});

describe('stapling', () => {
  it('asks by POST, as RFC 6960 A.1 has it', async () => {
    const events = new Recording('portcullis:ocsp');
    await listen(start());
    await events.take();
    const body = encodeOcspRequest(server.id);
    expect(responder.questions).toEqual([{ method: 'POST', type: 'application/ocsp-request', body }]);
  });

  it('hides no revocation', async () => {
    const revoked = ocspResponse({ id: server.id, signer: server.issuer, status: 'revoked' });
    responder.answer = answering(revoked);
    const events = new Recording('portcullis:ocsp');
    const listener = start();
    const port = await listen(listener);
    expect(await events.take()).toMatchObject({ outcome: 'revoked' });
    expect(await stapled(port)).toEqual(revoked);
    expect(logger.warn.mock.calls).toEqual([[expect.stringContaining('REVOKED')]]);
    expect(listener.audit()).toMatchObject({ ok: false });
    expect(codesOf(listener)).toContain('CERTIFICATE_REVOKED');
  });

  it('goes on with a new certificate after a reload', async () => {
    const next = ocspServer({}, { issuer: server.issuer });
    const response = ocspResponse({ id: next.id, signer: server.issuer });
    const events = new Recording('portcullis:ocsp');
    const listener = start();
    const port = await listen(listener);
    await events.take();
    responder.answer = answering(response);
    await listener.reload({ key: next.key, cert: next.chain });
    await events.take(2);
    expect(await stapled(port)).toEqual(response);
    await listener.reload();
    expect(await stapled(port)).toEqual(response);
    expect(responder.questions).toHaveLength(2);
  });

  it("leaves the answer to a listener of the user's", async () => {
    const own = Buffer.from('own');
    const events = new Recording('portcullis:ocsp');
    const listener = start();
    listener.on('OCSPRequest', (_certificate, _issuer, done) => done(null, own));
    const port = await listen(listener);
    await events.take();
    expect(await stapled(port)).toEqual(own);
  });

  it('ends what it asks when the server closes', async () => {
    const hungUp = new Promise<void>((settle) => {
      responder.answer = (_request, reply) => void reply.once('close', settle);
    });
    const asked = new Promise<void>((settle) => {
      const { answer } = responder;
      responder.answer = (...of) => (answer(...of), settle());
    });
    const listener = start({ ocspStapling: { responder: url, timeout: 60_000 } });
    await listen(listener);
    await asked;
    listener.close();
    await hungUp;
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it('is demanded by a certificate that cannot do without', async () => {
    const demanding = ocspServer({ mustStaple: true });
    const response = ocspResponse({ id: demanding.id, signer: demanding.issuer });
    responder.answer = answering(response);
    expect(codesOf(start({ ocspStapling: false }, demanding))).toContain('MUST_STAPLE_WITHOUT_RESPONSE');
    const events = new Recording('portcullis:ocsp');
    const listener = start({}, demanding);
    expect(codesOf(listener)).toContain('MUST_STAPLE_WITHOUT_RESPONSE');
    await listen(listener);
    await events.take();
    expect(codesOf(listener)).not.toContain('MUST_STAPLE_WITHOUT_RESPONSE');
  });
});

describe('ocspStapling refuses', () => {
  it.each<[string, unknown, string, string]>([
    ['a word', 'yes', 'OPTION_INVALID', 'ocspStapling'],
    ['an unknown key', { url: 'http://a.example' }, 'OPTION_UNKNOWN', 'ocspStapling.url'],
    ['an https responder', { responder: 'https://a.example' }, 'OPTION_INVALID', 'ocspStapling.responder'],
    ['a password', { responder: 'http://a:b@a.example' }, 'OPTION_INVALID', 'ocspStapling.responder'],
    ['what is no URL', { responder: 'a.example' }, 'OPTION_INVALID', 'ocspStapling.responder'],
    ['no time', { timeout: 0 }, 'OPTION_INVALID', 'ocspStapling.timeout'],
    ['an hour', { timeout: 3_600_000 }, 'OPTION_INVALID', 'ocspStapling.timeout'],
  ])('%s', (_what, ocspStapling, code, path) => {
    expect(() => start({ ocspStapling: ocspStapling as boolean })).toThrow(
      expect.objectContaining({ code, path, remedy: expect.any(String) }),
    );
  });
});

const named = (name: string): Pick<Overrides, 'extensions'> => ({
  extensions: { subjectAltName: extension.subjectAltName([generalName.dns(name)]) },
});
const codesOf = (listener: PortcullisServer): string[] => listener.audit().findings.map(({ code }) => code);
