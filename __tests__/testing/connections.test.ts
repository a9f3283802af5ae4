import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer as createHttp2Server } from 'node:http2';
import { Agent, createServer as createPlainServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, it } from '@jest/globals';
import express, { type Express } from 'express';
import {
  createServer,
  type PortcullisOptions,
  type PortcullisServer,
  requireClientCertificate,
} from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import {
  createTestPki,
  request,
  type RequestIdentity,
  type TestAgent,
  type TestPki,
  type TestResponse,
} from 'portcullis/testing';
import { expect } from '../support/matchers.ts';

let pki: TestPki;
let app: Express;
const opened: Server[] = [];

beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['localhost', 'a.localhost', '127.0.0.1', '::1'] });
  app = makeApp();
});

afterEach(async () => {
  await Promise.all(
    opened.splice(0).map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
});

function makeApp(): Express {
  const kinds = express();
  kinds.get('/', ({ tls, socket, headers, httpVersion }, response) => {
    const { remotePort: port, remoteAddress: address } = socket;
    const client = tls?.clientCertificate?.subject['CN']?.[0];
    const { protocol, alpn, serverName, resumed, group, cipher } = tls ?? {};
    const negotiated = { protocol, alpn, serverName, resumed, group, cipher };
    response.json({ port, address, client, host: headers.host, httpVersion, negotiated });
  });
  kinds.get('/admin', requireClientCertificate(), (_request, response) => void response.send('in'));
  kinds.post('/echo', express.raw({ type: () => true, limit: '2mb' }), (incoming, response) => {
    response.type('octet').send(incoming.body);
  });
  kinds.get('/cookies', (_request, response) => {
    response.cookie('a', '1').cookie('b', '2').sendStatus(204);
  });
  kinds.get('/packed', (_request, response) => {
    response.set('Content-Encoding', 'gzip').type('text').send(gzipSync('unpacked'));
  });
  kinds.get('/elsewhere', (_request, response) => response.redirect('/packed'));
  kinds.get('/never', () => undefined);
  kinds.get('/cut', ({ socket }) => void socket.destroy());
  kinds.get('/half', (_request, response) => {
    response.set('Content-Length', '10').write('half');
    setImmediate(() => response.destroy());
  });
  return kinds;
}

const make = (options: Partial<PortcullisOptions> = {}, route: Express = app): PortcullisServer =>
  createServer({ ...pki.server, http2: true, logger: false, ...options }, route);
const asking = (options: Partial<PortcullisOptions> = {}, route: Express = app): PortcullisServer =>
  make({ clientAuth: { mode: 'optional', ca: pki.ca }, ...options }, route);

async function listen<S extends Server>(server: S): Promise<S> {
  opened.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return server;
}

interface Way {
  readonly protocol: 'h2' | 'http/1.1';
  readonly version: 'TLSv1.2' | 'TLSv1.3';
}

const ways: readonly Way[] = [
  { protocol: 'h2', version: 'TLSv1.3' },
  { protocol: 'http/1.1', version: 'TLSv1.2' },
];
const allWays: readonly Way[] = (['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) =>
  ways.map((way) => ({ ...way, version })),
);

describe.each(allWays)('the handshake of $protocol and $version', ({ protocol, version }) => {
  const by = (agent: TestAgent): TestAgent => agent.over(protocol).tls(version);

  it('a session is resumed, one that was kept as well, and only where it is asked for', async () => {
    const server = await listen(make());
    const agent = by(request(server, { pki }));
    const session = await agent.takeSession();
    const seen = await Promise.all([
      agent.resumed().get('/'),
      agent.resumed({ session: session! }).get('/'),
      agent.resumed().fresh().get('/'),
    ]);
    expect(seen.map(({ tls }) => tls.resumed)).toEqual([true, true, false]);
    expect(seen.map(({ body }) => body.negotiated.resumed)).toEqual([true, true, false]);
    expect(JSON.stringify(session)).toBe(JSON.stringify({ protocol: version }));
  });

  it('a refused handshake is one error, whatever the server', async () => {
    const required = make({ clientAuth: { mode: 'required', ca: pki.ca } });
    // Without h2 only the other protocol can be tried on it.
    const plain = createPlainServer({ ...pki.server, ca: pki.ca, requestCert: true }, app);
    for (const server of protocol === 'h2' ? [required] : [required, plain]) {
      const agent = by(request(server, { pki }));
      await expect(agent.get('/')).toFailHandshake('CLIENT_CERTIFICATE_REQUIRED');
      await expect(agent.as(pki.clients.expired).resumed().post('/echo').send('x')).rejects.toMatchObject({
        name: 'HandshakeRefused',
        code: 'HANDSHAKE_REFUSED',
        reason: 'CLIENT_CERTIFICATE_EXPIRED',
      });
      expect(server.listening).toBe(false);
    }
  });
});

describe.each(ways)('over $protocol and $version', ({ protocol, version }) => {
  const by = (agent: TestAgent): TestAgent => agent.over(protocol).tls(version);

  it('a request tells of its connection what the server knows of it', async () => {
    const server = asking();
    const { body, tls, httpVersion } = await by(request(server))
      .as(pki.clients.good)
      .sni('localhost')
      .get('/');
    const { fingerprint256, pin, pem } = tls.serverCertificate!;
    expect(body).toMatchObject({
      client: 'good',
      httpVersion,
      host: expect.stringMatching(/^localhost:\d+$/),
    });
    expect(httpVersion).toBe(protocol === 'h2' ? '2.0' : '1.1');
    expect({ ...tls }).toMatchObject(body.negotiated);
    expect(tls).toMatchObject({ protocol: version, alpn: protocol, serverName: 'localhost', reused: false });
    expect(pem).toBe(new X509Certificate(pki.server.certificate).toString());
    expect(fingerprint256).toBe(new X509Certificate(pki.server.certificate).fingerprint256);
    expect(pin).toMatch(/^sha256\/.{43}=$/);
    expect(server.listening).toBe(false);
  });

  it('several come on one connection, also after a reload, until it is closed', async () => {
    const server = await listen(asking());
    const agent = by(request(server)).as(pki.clients.good).keepAlive();
    const seen = [await agent.get('/'), await agent.get('/')];
    await server.reload({ ...(await pki.issueServer()) });
    seen.push(await agent.get('/'));
    agent.close();
    seen.push(await agent.get('/'));
    agent.close();
    expect(seen.map(({ tls }) => tls.reused)).toEqual([false, true, true, false]);
    const [first, second, third, last] = seen.map(({ body }) => (body as { port: number }).port);
    expect([second, third]).toEqual([first, first]);
    expect(last).not.toBe(first);
  });

  it('also those that are made at once', async () => {
    const server = await listen(asking());
    let connections = 0;
    server.on('secureConnection', () => connections++);
    const agent = by(request(server)).as(pki.clients.good).keepAlive();
    const ask = (): Promise<TestResponse[]> =>
      Promise.all(['/', '/admin', '/'].map((path) => agent.get(path)));
    const seen = [...(await ask()), ...(await ask())];
    agent.close();
    expect(seen.map(({ status, tls }) => [status, tls.reused])).toContainEqual([200, true]);
    expect([connections, seen.filter(({ decisions }) => decisions.length === 1).length]).toEqual([1, 2]);
    const refusing = await listen(make({ clientAuth: { mode: 'required', ca: pki.ca } }));
    const refused = by(request(refusing)).as(pki.clients.expired).keepAlive();
    const outcomes = await Promise.allSettled(['/', '/', '/'].map((path) => refused.get(path)));
    refused.close();
    expect(outcomes).toEqual(
      outcomes.map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ name: 'HandshakeRefused' }),
      })),
    );
  });

  it('a server that does not resume is told of, before any request, unless that is allowed', async () => {
    const agent = by(request(asking())).as(pki.clients.good);
    await expect(agent.resumed().get('/')).rejects.toMatchObject({
      name: 'ConnectionUnfit',
      code: 'SESSION_NOT_RESUMED',
      message: expect.stringContaining('required: false'),
    });
    expect((await agent.resumed({ required: false }).get('/admin').expect(200)).tls.resumed).toBe(false);
  });

  it('what fails after the handshake is an error of its own', async () => {
    const agent = by(request(make(), { pki }));
    await expect(agent.get('/cut')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(agent.get('/cut')).rejects.not.toMatchObject({ name: 'HandshakeRefused' });
    await expect(agent.get('/half')).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });

  it('another try is made where superagent makes one, and tells of itself', async () => {
    const tries: number[] = [];
    const busy = express().get(
      '/',
      (_request, response, next) => void (tries.push(1) === 1 ? response.sendStatus(503) : next()),
      requireClientCertificate(),
      (_request, response) => void response.send('in'),
    );
    const answer = await by(request(busy, { pki })).as(pki.clients.good).get('/').retry(2).expect(200);
    expect(tries).toHaveLength(2);
    expect(answer.decisions).toMatchObject([{ outcome: 'allow' }]);
  });

  it('one that is aborted closes the server that was opened for it', async () => {
    const server = asking();
    const agent = by(request(server)).as(pki.clients.good);
    for (const moment of ['listening', 'request', undefined]) {
      const closed = once(server, 'close');
      const asked = agent.get('/never');
      const failure = expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
      if (moment !== undefined) await once(server, moment);
      asked.abort();
      await Promise.all([failure, closed]);
      expect(server.listening).toBe(false);
    }
  });

  it('each kind of request and answer is superagent’s own', async () => {
    const agent = by(request(make(), { pki }));
    const large = Buffer.alloc(300_000, 'large');
    const [echo, json, cookies, packed, head, followed] = await Promise.all([
      agent.post('/echo').type('bin').send(large),
      agent.post('/echo').send({ a: ['b'] }),
      agent.get('/cookies').expect(204),
      agent.get('/packed').expect('unpacked'),
      agent.head('/').expect(200),
      agent.get('/elsewhere').redirects(1).expect(200, 'unpacked'),
    ]);
    expect(large.equals(echo.body as Buffer)).toBe(true);
    expect(String(json.body)).toBe('{"a":["b"]}');
    expect(cookies.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; Path=/']);
    expect(packed.type).toBe('text/plain');
    expect(head.headers['content-length']).toMatch(/^\d+$/);
    expect(Object.keys(head.headers).filter((name) => name.startsWith(':'))).toEqual([]);
    expect(followed.tls.alpn).toBe(protocol);
    const pipe = new PassThrough();
    agent.get('/packed').pipe(pipe);
    expect(await text(pipe)).toBe('unpacked');
    const form = await agent.post('/echo').attach('file', Buffer.from('content'), 'name.txt');
    expect(String(form.body)).toContain('content');
  });
});

/** Answers with what a plain `https.Server` knows of the client. */
function makePlain(options: object = {}): Server {
  const cookies = express().all('/', (incoming, response) => {
    const socket = incoming.socket as TLSSocket;
    if (incoming.headers.cookie === undefined) response.cookie('seen', 'yes');
    response.json({
      authorized: socket.authorized,
      client: socket.getPeerX509Certificate()?.serialNumber ?? null,
      method: incoming.method,
      cookie: incoming.headers.cookie ?? null,
      port: socket.remotePort,
    });
  });
  return createPlainServer(
    { ...pki.server, ca: pki.ca, requestCert: true, rejectUnauthorized: false, ...options },
    cookies,
  );
}

describe('request(server)', () => {
  it('comes as each client it was told, to a server that listens, and leaves it listening', async () => {
    const server = await listen(makePlain());
    const { good, expired, spiffe } = pki.clients;
    const base = request(server, { ca: pki.ca });
    const { key, cert } = good;
    const answers = await Promise.all([
      base.as(good).get('/'),
      base.as(expired).get('/'),
      base.get('/'),
      base.as(expired).as(spiffe).get('/'),
      // This one trusts nobody of its own.
      base.as({ key, cert }).get('/'),
    ]);
    expect(answers.map(({ body }) => [body.authorized, body.client])).toEqual([
      [true, good.serialNumber],
      [false, expired.serialNumber],
      [false, null],
      [true, spiffe.serialNumber],
      [true, good.serialNumber],
    ]);
    expect(new Set(answers.map(({ body }) => body.port)).size).toBe(answers.length);
    expect(server.listening).toBe(true);
  });

  it('is supertest’s agent: it has methods, expectations and cookies of its own', async () => {
    const server = makePlain();
    const agent = request(server).as(pki.clients.good);
    const first = await agent.post('/').expect('Content-Type', /json/).expect(200);
    expect(first.body).toMatchObject({ method: 'POST', cookie: null });
    const second = await agent.delete('/').expect(200);
    expect(second.body).toMatchObject({ method: 'DELETE', cookie: 'seen=yes' });
    const third = await agent.as(pki.clients.good).get('/');
    expect(third.body).toMatchObject({ cookie: null });
    await expect(agent.get('/').expect(404)).rejects.toThrow('expected 404 "Not Found", got 200 "OK"');
    expect(server.listening).toBe(false);
  });

  it('verifies the server: without a CA, with another one, and for a name that it does not have', async () => {
    const { root } = await createAuthority();
    const chain = { code: 'SELF_SIGNED_CERT_IN_CHAIN' };
    await expect(request(makePlain()).get('/')).rejects.toMatchObject(chain);
    await expect(request(makePlain(), { ca: root }).get('/')).rejects.toMatchObject(chain);
    const elsewhere = makePlain(await pki.issueServer({ names: ['api.example.org'] }));
    await expect(request(elsewhere, { ca: pki.ca }).get('/')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });
});

describe('SNI and Host', () => {
  const seen = async (answer: PromiseLike<TestResponse>): Promise<unknown> => {
    const { host, negotiated } = (await answer).body;
    return [negotiated.serverName, (host as string).replace(/:\d+$/, '')];
  };

  it.each(['h2', 'http/1.1'] as const)('are set apart from each other (%s)', async (protocol) => {
    const agent = request(make(), { pki }).over(protocol);
    expect(await seen(agent.get('/'))).toEqual([undefined, '127.0.0.1']);
    expect(await seen(agent.get('/').set('Host', 'a.test'))).toEqual([undefined, 'a.test']);
    expect(await seen(agent.sni('a.localhost').get('/'))).toEqual(['a.localhost', 'a.localhost']);
    expect(await seen(agent.sni('a.localhost').get('/').set('Host', 'b.test'))).toEqual([
      'a.localhost',
      'b.test',
    ]);
    expect(await seen(agent.sni('a.localhost').sni(false).get('/'))).toEqual([undefined, '127.0.0.1']);
  });

  it('let the server be judged by the name that was asked for, or by the one that is expected', async () => {
    const agent = request(make(), { pki });
    await expect(agent.sni('a.test').get('/')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await expect(agent.sni(false, { expect: 'a.test' }).get('/')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await seen(agent.sni('a.test', { expect: 'localhost' }).get('/'))).toEqual(['a.test', 'a.test']);
  });

  it('that differ are refused where clients are asked for certificates', async () => {
    const agent = request(asking(), { pki }).sni('a.localhost');
    const answer = await agent.get('/').set('Host', 'b.localhost');
    expect(answer).toBeRefusedWith('HOST_MISMATCH');
    expect(answer.status).toBe(421);
  });
});

describe('an agent', () => {
  it('stays as it is when others are made of it', async () => {
    const server = await listen(asking());
    const base = request(server, { pki }).set('X-From', 'base');
    const changed = base.as(pki.clients.good).over('h2').tls('TLSv1.2').from('127.0.0.2').sni('localhost');
    const [before, after, nobody] = await Promise.all([
      base.get('/'),
      changed.get('/'),
      changed.anonymous().get('/admin'),
    ]);
    expect(before.body).toMatchObject({ address: '127.0.0.1', httpVersion: '1.1' });
    expect(before.body).not.toHaveProperty('client');
    expect(after.body).toMatchObject({ address: '127.0.0.2', httpVersion: '2.0', client: 'good' });
    expect(nobody).toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED');
    const headers = express().get(
      '/',
      (incoming, response) => void response.json(incoming.headers['x-from']),
    );
    const derived = request(headers, { pki }).set('X-From', 'base').as(pki.clients.good);
    expect((await derived.get('/')).body).toBe('base');
  });

  it('resumes the session of another, as whoever stole it would', async () => {
    const plain = createPlainServer(
      { ...pki.server, ca: pki.ca, requestCert: true, rejectUnauthorized: false },
      (incoming, response) => {
        response.end(String((incoming.socket as unknown as { authorized: boolean }).authorized));
      },
    );
    const server = await listen(plain);
    const session = await request(server).as(pki.clients.good).takeSession();
    const thief = request(server, { pki }).anonymous().resumed({ session: session! });
    expect((await thief.get('/')).text).toBe('true');
    expect((await thief.fresh().get('/')).text).toBe('false');
  });

  it('serves an app alone by a PKI, as a route for certificates is served', async () => {
    for (const agent of [request(app, { pki }), request(app, { pki }).over('h2')]) {
      expect(await agent.as(pki.clients.good).get('/admin')).toBeAdmitted();
      expect(await agent.as(pki.clients.revoked).get('/admin')).toBeRefusedWith('CLIENT_CERTIFICATE_REVOKED');
    }
  });

  it('tells apart what was decided about requests that come at once, on one connection or many', async () => {
    const server = await listen(asking());
    const kept = request(server).as(pki.clients.good).over('h2').keepAlive();
    const answers = await Promise.all([
      kept.get('/admin'),
      kept.get('/'),
      kept.get('/admin?again'),
      request(server, { pki }).get('/admin'),
      request(server).as(pki.clients.expired).get('/admin'),
    ]);
    kept.close();
    expect(answers.map(({ decisions }) => decisions.map(({ outcome, code }) => code ?? outcome))).toEqual([
      ['allow'],
      [],
      ['allow'],
      ['CLIENT_CERTIFICATE_REQUIRED'],
      ['CLIENT_CERTIFICATE_EXPIRED'],
    ]);
  });

  it('comes over plain HTTP where the server speaks no more, and then has no certificates to show', async () => {
    const server = createHttpServer(app);
    const answer = await request(server).get('/admin');
    expect(answer).toBeRefusedWith('TLS_REQUIRED');
    expect(answer).not.toHaveProperty('tls');
    expect(() => request(server).as(pki.clients.good)).toThrow(
      expect.objectContaining({ code: 'OPTION_CONFLICT', path: 'as' }),
    );
    await expect(request(server).takeSession()).rejects.toMatchObject({ path: 'takeSession' });
  });

  it('tells of a connection that the limits have cut', async () => {
    const server = await listen(make({ limits: { connectionsPerAddress: 1 } }));
    const first = request(server, { pki }).keepAlive();
    await first.get('/').expect(200);
    await expect(request(server, { pki }).get('/')).toFailHandshake('CONNECTIONS_PER_ADDRESS');
    first.close();
  });

  it('reaches a server by its IPv6 address, over either protocol', async () => {
    const server = make();
    opened.push(server.listen(0, '::1'));
    await once(server, 'listening');
    for (const protocol of ['h2', 'http/1.1'] as const) {
      const { body } = await request(server, { pki }).over(protocol).get('/').expect(200);
      expect(body).toMatchObject({ address: '::1', host: expect.stringMatching(/^\[::1\]:\d+$/) });
    }
  });

  it('leaves to superagent what was told to it: another agent, other certificates, its own HTTP/2', async () => {
    const server = await listen(asking());
    const own = new Agent({ keepAlive: true });
    const { good, spiffe } = pki.clients;
    const by = await request(server).as(good).get('/').agent(own).expect(200);
    own.destroy();
    const shown = await request(server).as(good).over('h2').get('/').key(spiffe.key).cert(spiffe.cert);
    const http2 = await request(server).as(good).get('/').http2().expect(200);
    expect(by.body).toMatchObject({ client: 'good' });
    expect(shown.body).not.toHaveProperty('client');
    expect([http2.body.httpVersion, http2.httpVersion]).toEqual(['2.0', '2.0']);
  });

  it('does not take one protocol for the other, nor for a refusal of the client', async () => {
    const oldOnly = request(make({ http2: false }), { pki }).over('h2');
    const newOnly = request(createHttp2Server(pki.server), { pki });
    const deaf = createTlsServer(pki.server, (socket) => void socket.on('error', () => {}).resume());
    const unfit = { name: 'ConnectionUnfit', code: 'HTTP2_NOT_NEGOTIATED' };
    await expect(oldOnly.get('/')).rejects.toMatchObject(unfit);
    await expect(expect(oldOnly.get('/')).toFailHandshake()).rejects.toThrow(/failed otherwise/);
    await expect(request(deaf, { pki }).over('h2').get('/')).rejects.toMatchObject(unfit);
    await expect(newOnly.get('/')).rejects.toMatchObject({ ...unfit, code: 'HTTP1_NOT_NEGOTIATED' });
  });

  it('tells apart what was decided about requests that are equal, where one was given up', async () => {
    const arrivals = new EventEmitter();
    const waiting = express().get(
      '/',
      (_request, _response, next) => void arrivals.emit('one', next),
      requireClientCertificate(),
      (_request, response) => void response.send('in'),
    );
    const server = await listen(asking({}, waiting));
    const agent = request(server).as(pki.clients.good).over('h2').keepAlive();
    const arrived = async (): Promise<() => void> => (await once(arrivals, 'one'))[0] as () => void;
    const [other, otherArrived] = [agent.get('/').then((answer) => answer), arrived()];
    const goOn = await otherArrived;
    const [givenUp, givenUpArrived] = [agent.get('/'), arrived()];
    const failure = expect(givenUp).rejects.toMatchObject({ code: 'ABORTED' });
    await givenUpArrived;
    givenUp.abort();
    await failure;
    const [last, lastArrived] = [agent.get('/').then((answer) => answer), arrived()];
    (await lastArrived)();
    expect((await last).decisions).toMatchObject([{ outcome: 'allow' }]);
    goOn();
    expect((await other).decisions).toMatchObject([{ outcome: 'allow' }]);
    agent.close();
  });

  it('reaches a server on any address that it listens on', async () => {
    const server = make();
    opened.push(server.listen(0));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { body } = await request(server, { pki }).keepAlive().get('/').expect(200);
    expect(body.host).toBe(`127.0.0.1:${port}`);
  });
});

describe('misuse is told at once', () => {
  let server: PortcullisServer;
  beforeAll(() => {
    server = make();
  });

  type Misuse = [string, (agent: TestAgent) => unknown, string, RegExp];

  it.each<Misuse>([
    [
      'as one who is not there',
      (agent) => agent.as((pki.clients as never)['gud']),
      'as',
      /client of the test PKI/,
    ],
    ['as nobody', (agent) => agent.as({} as RequestIdentity), 'as.key', /\{ key, cert, ca \}/],
    ['as an issued one', (agent) => agent.as({ key: 'k', chain: 'c' } as never), 'as.cert', /its chain/],
    ['another protocol', (agent) => agent.over('http2' as 'h2'), 'over', /Did you mean 'h2'|Allowed: h2/],
    ['another version', (agent) => agent.tls('TLSv1.1' as 'TLSv1.2'), 'tls', /Did you mean/],
    ['an address as SNI', (agent) => agent.sni('127.0.0.1'), 'sni', /false for none/],
    ['no name as SNI', (agent) => agent.sni(''), 'sni', /false for none/],
    ['a name with a line end', (agent) => agent.sni('a\n'), 'sni', /a\.example\.org/],
    ...(['over:h2', 'tls:TLSv1.3', 'from:127.0.0.1', 'sni:localhost'] as const).map((said): Misuse => {
      const [name, value] = said.split(':') as ['over', 'h2'];
      const call = (agent: TestAgent): unknown =>
        (agent[name] as (...given: unknown[]) => unknown)(value, {}, {});
      return [`${name} with more than it takes`, call, name, /^Give /];
    }),
    ['an unknown option', (agent) => agent.sni('a', { except: 'b' } as never), 'sni.except', /'expect'/],
    ['no address', (agent) => agent.from('localhost'), 'from', /127\.0\.0\.2/],
    [
      'a session that is none',
      (agent) => agent.resumed({ session: {} as never }),
      'resumed.session',
      /takeSession/,
    ],
    [
      'a missing one',
      (agent) => agent.resumed({ session: undefined as never }),
      'resumed.session',
      /takeSession/,
    ],
    ['an odd flag', (agent) => agent.resumed({ required: 'no' as never }), 'resumed.required', /boolean/],
    ['keepAlive while nobody listens', (agent) => agent.keepAlive().get('/'), 'keepAlive', /listen\(0/],
  ])('%s', (_what, act, path, remedy) => {
    expect(() => act(request(server, { pki }))).toThrow(
      expect.objectContaining({ name: 'ConfigError', path, remedy: expect.stringMatching(remedy) }),
    );
  });

  it.each<[unknown, unknown, string, RegExp]>([
    [() => express(), {}, 'server', /request\(app, \{ pki \}\)/],
    [() => undefined, {}, 'server', /createServer/],
    [() => 'https://localhost', {}, 'server', /createServer/],
    [() => server, { pki: Promise.resolve() }, 'pki', /promise/],
    [() => server, { cas: 'pem' }, 'cas', /Did you mean 'ca'/],
    [() => server, { ca: Buffer.from('') }, 'ca', /PEM/],
  ])('request(%p, %p)', (given, options, path, remedy) => {
    expect(() => request((given as () => Server)(), options as never)).toThrow(
      expect.objectContaining({ name: 'ConfigError', path, remedy: expect.stringMatching(remedy) }),
    );
  });

  it('a session cannot be taken of a server that does not listen', async () => {
    await expect(request(server, { pki }).takeSession()).rejects.toMatchObject({ code: 'OPTION_CONFLICT' });
  });
});
