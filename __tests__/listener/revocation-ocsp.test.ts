import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { requirePin, type RevocationOptions } from 'portcullis';
import { octetString } from '../../lib/pki/der.ts';
import { certIdOf } from '../../lib/trust/ocsp/ocsp-request.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { closeEverything, open, request, speaking } from '../support/attacks.ts';
import { oddAuthority, impostorOf, type OddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import {
  answering,
  LoopbackResponder,
  ocspDelegate,
  type OcspOverrides,
  ocspRefusal,
  ocspResponse,
} from '../support/ocsp.ts';
import { clientOf, responders } from '../support/revocation.ts';
import { Recording } from './harness.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';
import { appOf, type Ask, closeWays, connect, start, ways } from './revocation-online.ts';

const ca = oddAuthority();
const delegate = ocspDelegate(ca);
const [isRevoked, isUnknown] = ['CLIENT_CERTIFICATE_REVOKED', 'REVOCATION_STATUS_UNKNOWN'];

let responder: LoopbackResponder;
let url: string;
let client: OddCertificate;

const idOf = (one: OddCertificate, issuer: OddCertificate = ca): OcspOverrides['id'] =>
  certIdOf(new Certificate(one.der), new Certificate(issuer.der));
const of = (overrides: Partial<OcspOverrides> = {}): Buffer =>
  ocspResponse({ id: idOf(client), signer: ca, ...overrides });
/** The nonce of a request, which is the last octets of it. */
const nonceIn = (body: Buffer): Buffer => body.subarray(-32);
const echoing = (nonce: Buffer): Buffer => extension.raw('1.3.6.1.5.5.7.48.1.2', octetString(nonce));

beforeEach(async () => {
  responder = new LoopbackResponder((_request, reply) => reply.end(of()));
  url = await responder.listen();
  client = clientOf(ca, 'client', [responders(url)]);
});
afterEach(async () => {
  jest.restoreAllMocks();
  closeWays();
  closeSessions();
  await closeEverything();
  await responder.close();
});

const hosts = (): string[] => [new URL(url).host];
const ocsp = (more: RevocationOptions['ocsp'] = {}): RevocationOptions => ({
  ocsp: { hosts: hosts(), timeout: 2_000, ...more },
});
const everyWay = async (asks: readonly Ask[], path = '/in'): Promise<string> =>
  [...new Set(await Promise.all(asks.map((ask) => ask(path))))].join(' | ');

describe.each(['optional', 'required'] as const)("with a responder in mode '%s'", (mode) => {
  it('a client waits for its word, and one that it takes back is refused at its next request', async () => {
    const events = new Recording('portcullis:revocation');
    const started = await start(ca, ocsp(), mode);
    const asks = await Promise.all(ways.map((way) => connect(started, client, way)));
    expect(await everyWay(asks)).toBe('in');
    // One question, however many connections.
    expect(responder.questions).toHaveLength(1);
    expect(await events.take()).toMatchObject({
      source: 'ocsp',
      outcome: 'good',
      fingerprint256: new Certificate(client.der).fingerprint256,
      url,
      nextUpdate: expect.any(Date),
    });
    responder.answer = answering(of({ status: 'revoked' }));
    await started.server.reload();
    // Asked again behind the request, which is still served by what was known.
    expect(await asks[0]!('/open')).toBe('open');
    await everyWay(asks.slice(0, 1));
    expect(await events.take(2)).toMatchObject({ outcome: 'revoked' });
    expect(await everyWay(mode === 'required' ? asks.slice(1) : asks)).toBe(isRevoked);
  });

  it('a revoked one is refused at its first request, whatever protocol it speaks', async () => {
    const revoked = of({ status: 'revoked', signer: delegate, certificates: [delegate.der] });
    let release = (): void => {};
    const opened = new Promise<void>((resolve) => (release = resolve));
    responder.answer = (_request, reply) => void opened.then(() => reply.end(revoked));
    const started = await start(ca, ocsp(), mode);
    const asks = await Promise.all(ways.map((way) => connect(started, client, way)));
    release();
    expect(await everyWay(asks)).toBe(isRevoked);
  });

  it('many requests at once are answered in their order', async () => {
    let release = (): void => {};
    const asked = new Promise<void>((resolve) => {
      responder.answer = (_request, reply) => {
        release = () => void reply.end(of());
        resolve();
      };
    });
    const started = await start(ca, ocsp(), mode);
    const wire = await open(started.port, {
      ...speaking('TLSv1.3'),
      key: client.key,
      cert: client.certificate,
      rejectUnauthorized: false,
    });
    await asked;
    const body = 'hello';
    wire.send(request('/in'));
    wire.send(
      `POST /in HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    wire.send(request('/open') + request('/in'));
    setImmediate(release);
    const bodies = [];
    for (let count = 0; count < 4; count++) bodies.push((await wire.answer()).body);
    expect(bodies).toEqual(['in', 'in: hello', 'open', 'in']);
  });

  it.each<[string, (reply: Parameters<LoopbackResponder['answer']>[1], asked: IncomingMessage) => void]>([
    ['does not know it', (reply) => void reply.end(of({ status: 'unknown' }))],
    ['is busy', (reply) => void reply.end(ocspRefusal(3))],
    ['hangs up', (reply) => void reply.destroy()],
    ['answers what has ended', (reply) => void reply.end(of({ nextUpdate: new Date(Date.now() - 60_000) }))],
    ['is somebody else', (reply) => void reply.end(of({ signer: impostorOf(ca) }))],
    ['speaks of somebody else', (reply) => void reply.end(of({ id: idOf(delegate) }))],
    [
      'answers another question',
      (reply) => void reply.end(of({ extensions: [echoing(Buffer.alloc(32, 1))] })),
    ],
  ])(
    'a client is refused, or with soft let in and told of, where the responder %s',
    async (_what, answer) => {
      responder.answer = (asked, reply) => answer(reply, asked);
      const events = new Recording('portcullis:revocation');
      const hard = await connect(await start(ca, ocsp(), mode), client);
      expect(await hard('/in')).toBe(isUnknown);
      const soft = await connect(await start(ca, ocsp({ mode: 'soft' }), mode), client);
      expect(await soft('/in')).toBe('in');
      expect(await events.take(2)).toMatchObject({ outcome: 'failed', code: expect.any(String) });
    },
  );
});

describe('a responder', () => {
  it('that does not answer is waited for no longer than the timeout, and then left alone', async () => {
    responder.answer = () => {};
    const started = await start(ca, ocsp({ timeout: 30 }));
    const ask = await connect(started, client);
    for (let count = 0; count < 5; count++) expect(await ask('/in')).toBe(isUnknown);
    expect(responder.questions.length).toBeLessThanOrEqual(1);
    expect(await ask('/open')).toBe('open');
  });

  it('is one for all where it is named, on this machine or not', async () => {
    const plain = clientOf(ca, 'plain', []);
    responder.answer = (_request, reply) => void reply.end(of({ id: idOf(plain) }));
    const started = await start(ca, { ocsp: { responder: url } });
    expect(await (await connect(started, plain))('/in')).toBe('in');
    expect(await (await connect(started, client))('/in')).toBe(isUnknown);
  });

  it('that only a certificate names, and no option, is not asked', async () => {
    const started = await start(ca, { ocsp: { hosts: ['ocsp.test', '127.0.0.1'] } });
    const ask = await connect(started, client);
    expect(await ask('/in')).toBe(isUnknown);
    expect(await ask('/seen')).toBe(isUnknown);
    expect(responder.questions).toEqual([]);
    responder.answer = answering(of({ status: 'revoked' }));
    const revoked = await connect(await start(ca, ocsp({ mode: 'soft' })), client);
    expect(await revoked('/in')).toBe(isRevoked);
    expect(await revoked('/seen')).toBe(isRevoked);
  });

  it('is not there for a certificate that names none, which the lists decide on', async () => {
    const plain = clientOf(ca, 'plain', []);
    const lenient = await start(ca, ocsp());
    expect(await (await connect(lenient, plain))('/in')).toBe('in');
    const strict = await start(ca, { ...ocsp(), unknown: 'deny' });
    expect(await (await connect(strict, plain))('/in')).toBe(isUnknown);
  });

  it('gets a nonce, and must give it back where that is required', async () => {
    responder.answer = (_request, reply, body) =>
      void reply.end(of({ extensions: [echoing(nonceIn(body))] }));
    expect(await (await connect(await start(ca, ocsp({ nonce: 'require' })), client))('/in')).toBe('in');
    expect(await (await connect(await start(ca, ocsp({ nonce: 'send' })), client))('/in')).toBe('in');
    responder.answer = answering(of());
    expect(await (await connect(await start(ca, ocsp({ nonce: 'require' })), client))('/in')).toBe(isUnknown);
    expect(await (await connect(await start(ca, ocsp({ nonce: 'none' })), client))('/in')).toBe('in');
    const [first, second, , without] = responder.questions.map(({ body }) => body);
    expect(nonceIn(first!).equals(nonceIn(second!))).toBe(false);
    expect(first!.includes(Buffer.from('2b0601050507300102', 'hex'))).toBe(true);
    expect(without!.includes(Buffer.from('2b0601050507300102', 'hex'))).toBe(false);
  });

  it('is asked about intermediates as well, unless only the leaf is checked', async () => {
    const middle = oddAuthority({ issuer: ca, moreExtensions: [responders(url)] });
    const below = clientOf(middle, 'below', [responders(url)]);
    const status =
      (revoked: boolean) => (_request: unknown, reply: { end(octets: Buffer): void }, body: Buffer) =>
        reply.end(
          body.includes(idOf(below, middle).serialNumber)
            ? of({ id: idOf(below, middle), signer: middle })
            : of({ id: idOf(middle), status: revoked ? 'revoked' : 'good' }),
        );
    const clientAuth = (check: 'leaf' | 'chain') =>
      ({
        mode: 'optional',
        ca: [ca.certificate, middle.certificate],
        revocation: { ...ocsp(), check },
      }) as const;
    responder.answer = status(false);
    const started = await start(ca, {}, 'optional', undefined, { clientAuth: clientAuth('chain') });
    expect(await (await connect(started, below))('/in')).toBe('in');
    expect(responder.questions).toHaveLength(2);
    responder.answer = status(true);
    const again = await start(ca, {}, 'optional', undefined, { clientAuth: clientAuth('chain') });
    expect(await (await connect(again, below))('/in')).toBe(isRevoked);
    const leaf = await start(ca, {}, 'optional', undefined, { clientAuth: clientAuth('leaf') });
    expect(await (await connect(leaf, below))('/in')).toBe('in');
  });

  it('is waited for by requirePin, and by an upgrade', async () => {
    const { pin } = new Certificate(client.der);
    const app = appOf((made) =>
      made.get(
        '/pin',
        requirePin([pin, pin.replace(/.=$/, 'A=')]),
        (_request, response) => void response.send('pinned'),
      ),
    );
    const started = await start(ca, ocsp(), 'optional', app);
    expect(await (await connect(started, client))('/pin')).toBe('pinned');
    responder.answer = answering(of({ status: 'revoked' }));
    const strict = await start(ca, ocsp(), 'required');
    strict.server.on('upgrade', (_request, socket) => void socket.end('HTTP/1.1 101 Switching\r\n\r\n'));
    const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: any\r\n\r\n';
    const refused = await open(strict.port, {
      key: client.key,
      cert: client.certificate,
      rejectUnauthorized: false,
    });
    refused.send(upgrade);
    expect((await refused.answer()).body).toContain(isRevoked);
  });

  it('that has revoked somebody is remembered over a reload with other options, while it is down', async () => {
    responder.answer = answering(of({ status: 'revoked' }));
    const started = await start(ca, ocsp({ mode: 'soft' }));
    const ask = await connect(started, client);
    expect(await ask('/in')).toBe(isRevoked);
    responder.answer = (_request, reply) => void reply.writeHead(500).end();
    for (const changed of [
      ocsp({ mode: 'soft', timeout: 1_500 }),
      { ocsp: { mode: 'soft', hosts: ['ocsp.test'] } } as const,
    ]) {
      await started.server.reload({
        clientAuth: { mode: 'optional', ca: ca.certificate, revocation: changed },
      });
      expect(await ask('/in')).toBe(isRevoked);
      expect(await (await connect(started, client))('/in')).toBe(isRevoked);
    }
  });

  it('that is waited for holds some requests of a connection, and no endless number of them', async () => {
    responder.answer = () => {};
    const started = await start(ca, ocsp(), 'required');
    const wire = await open(started.port, {
      key: client.key,
      cert: client.certificate,
      rejectUnauthorized: false,
    });
    wire.send(request('/in').repeat(300));
    expect(await wire.answer()).toMatchObject({ status: 'closed' });
  });

  it('that goes over to another protocol is one that has not answered, of however many clients', async () => {
    responder.answer = (_request, reply) =>
      void reply.socket!.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      );
    const started = await start(ca, ocsp({ timeout: 60_000 }));
    const { keys } = client;
    const others = Array.from({ length: 17 }, (_, n) =>
      clientOf(ca, `client ${n}`, [responders(url)], { keys }),
    );
    for (const other of others) expect(await (await connect(started, other))('/in')).toBe(isUnknown);
  });

  it('is waited for by who expects 100 (Continue) over HTTP/2, and by who expects something else', async () => {
    const releases: Array<() => void> = [];
    const asked = new Promise<void>((resolve) => {
      responder.answer = (_request, reply) => {
        releases.push(() => void reply.end(of()));
        resolve();
      };
    });
    const started = await start(ca, ocsp(), 'required');
    const session = await openSession(started.port, {
      key: client.key,
      cert: client.certificate,
      servername: 'localhost',
    });
    const post = (
      expectation: string,
    ): Promise<{ status: number; body: Buffer; interim: readonly unknown[] }> =>
      overHttp2(session, {
        method: 'POST',
        path: '/in',
        headers: { ':authority': 'localhost', 'content-type': 'text/plain', expect: expectation },
        body: 'hello',
      });
    const answers = Promise.all([post('100-continue'), post('something')]);
    await asked;
    setImmediate(() => releases[0]!());
    const [continued, refused] = await answers;
    expect([continued.status, continued.body.toString(), continued.interim.length > 0]).toEqual([
      200,
      'in: hello',
      true,
    ]);
    expect(refused.status).toBe(417);
  });

  it('that answers after the client has gone is heard by nobody, and harms nobody', async () => {
    const held: Array<() => void> = [];
    const asked = new Promise<void>((resolve) => {
      responder.answer = (_request, reply) => {
        held.push(() => void reply.end(of()));
        resolve();
      };
    });
    const events = new Recording('portcullis:revocation');
    const seen: string[] = [];
    const app = appOf((made) => made.use((asking, _response, next) => (seen.push(asking.url), next())));
    const { server, port } = await start(ca, ocsp(), 'required', app);
    const gone = new Promise<void>((resolve) => {
      server.on('secureConnection', (socket: TLSSocket) => void once(socket, 'close').then(() => resolve()));
    });
    const wire = await open(port, { key: client.key, cert: client.certificate, rejectUnauthorized: false });
    await asked;
    wire.send(request('/gone'));
    wire.send(request('/gone'));
    wire.close();
    await gone;
    for (const release of held) release();
    await events.take();
    expect(seen).toEqual([]);
  });
});
