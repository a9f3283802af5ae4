import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainHttp, type IncomingMessage, request as requestHttp } from 'node:http';
import { type Server } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express, { type Express, type RequestHandler } from 'express';
import {
  createServer,
  denyList,
  exposeTls,
  type ForwardedClientCertificateOptions,
  forUpgrade,
  forwardedClientCertificate,
  type PortcullisServer,
  problemDetails,
  requireBoundToken,
  requireClientCertificate,
  requirePin,
  requireTls,
  rule,
  san,
} from 'portcullis';
import { Signatures } from '../../lib/trust/signatures.ts';
import { type Authority, createAuthority } from 'portcullis/pki';
import { createTestPki, recordDecisions, request, type TestPki } from 'portcullis/testing';
import { byteSequence, formatNames, unverified, writers } from '../forwarded/writers.ts';
import { closeSessions, openSession, overHttp1, overHttp2 } from '../listener/http2-harness.ts';
import {
  type Client,
  configErrorOf,
  keptConnection,
  listening,
  plainServer,
  portOf,
  sendRaw,
  whoAmI,
} from './harness.ts';

let pki: TestPki;
let proxies: Authority;
/** The proxy's own certificate, which the listener of `behindMutualTls` verifies. */
let proxy: { key: string; cert: string; ca: string };

beforeAll(async () => {
  pki = await createTestPki();
  proxies = await createAuthority({ subject: 'Proxies' });
  const { key, chain } = await proxies.issueClientCertificate({
    subject: 'proxy',
    names: { dns: ['proxy.internal'] },
  });
  proxy = { key, cert: chain, ca: pki.ca };
});
afterAll(closeSessions);

type Options = Partial<ForwardedClientCertificateOptions>;

const forwarding = (options: Options = {}): RequestHandler =>
  forwardedClientCertificate({ format: 'rfc9440', trust: 'loopback', ...options });

/** Everything that an app could read a header from. */
const shown: RequestHandler = (incoming, response) => {
  const { headers, rawHeaders, headersDistinct } = incoming;
  response.json({ headers, rawHeaders, headersDistinct });
};

const codeOnly: express.ErrorRequestHandler = (error, _incoming, response, _next) => {
  response.status(error.status ?? 500).json({ code: error.code ?? String(error) });
};

function appWith(middleware: RequestHandler): Express {
  const app = express();
  app.use(middleware);
  app.get('/accepts', requireClientCertificate({ acceptForwarded: true }), whoAmI);
  app.get('/by-ca', requireClientCertificate({ acceptForwarded: true, ca: pki.ca }), whoAmI);
  app.get('/direct', requireClientCertificate(), whoAmI);
  app.get('/direct-by-ca', requireClientCertificate({ ca: [pki.ca, proxies.root] }), whoAmI);
  app.get('/tls', requireTls(), whoAmI);
  app.get('/open', exposeTls(), whoAmI);
  app.get('/headers', shown);
  return app.use(codeOnly);
}

/** A listener that asks nobody for a certificate. */
const behind = (options: Options = {}): Promise<Server> =>
  listening(createServer({ ...pki.server }, appWith(forwarding(options))));

/** One that verifies the certificates of proxies. */
const behindMutualTls = (options: Options = {}): Promise<Server> =>
  listening(
    createServer(
      { ...pki.server, clientAuth: { mode: 'optional', ca: [proxies.root, pki.ca] } },
      appWith(forwarding(options)),
    ),
  );

interface Answer {
  readonly status: number;
  readonly body: Record<string, any>;
  readonly headers: Record<string, unknown>;
}

const clients = new WeakMap<Server, Map<object, Client>>();
const nobody = {};

/** One connection for each server and identity. */
function clientOf(server: Server, identity: object): Client {
  const known = clients.get(server) ?? new Map<object, Client>();
  clients.set(server, known);
  const client = known.get(identity) ?? keptConnection(server, { ca: pki.ca, ...identity });
  known.set(identity, client);
  return client;
}

async function get(
  server: Server,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  identity: object = nobody,
): Promise<Answer> {
  const { status, body, headers: got } = await clientOf(server, identity).get(path, headers);
  return { status, body: JSON.parse(body), headers: got };
}

const good = (): string => pki.clients.good.certificate;

describe.each(formatNames)('a client that a proxy forwards by %s', (format) => {
  it('passes where the route accepts it, and nowhere else', async () => {
    const server = await behind({ format });
    const headers = writers[format](good());
    const { status, body } = await get(server, '/by-ca', headers);
    expect([status, body['name'], body['tls'].source]).toEqual([200, 'good', 'forwarded']);
    const events = await recordDecisions(async () => {
      expect((await get(server, '/accepts', headers)).status).toBe(unverified.has(format) ? 403 : 200);
      expect(await get(server, '/direct', headers)).toMatchObject({
        status: 403,
        body: { code: 'CLIENT_CERTIFICATE_REQUIRED' },
      });
      expect((await get(server, '/direct-by-ca', headers)).status).toBe(403);
    });
    expect(events.filter(({ policy }) => policy === 'forwardedClientCertificate')).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({
      detail: expect.stringMatching(/acceptForwarded/),
      fingerprint256: undefined,
    });
  });

  it('leaves no header to the app, and none of its look-alikes', async () => {
    const server = await behind({ format });
    const headers = writers[format](good());
    const alike = Object.fromEntries(Object.keys(headers).map((name) => [name.replaceAll('-', '_'), 'x']));
    const { body } = await get(server, '/headers', { ...headers, ...alike, 'X-Other': 'stays' });
    expect(body['headers']).toMatchObject({ 'x-other': 'stays', host: expect.anything() });
    const all = JSON.stringify(body).toLowerCase().replaceAll('_', '-');
    for (const name of Object.keys(headers)) expect(all).not.toContain(`"${name.toLowerCase()}"`);
    expect(body['rawHeaders'].length % 2).toBe(0);
    expect(body['rawHeaders']).toContain('X-Other');
  });

  it('is nobody where somebody else sends the same headers', async () => {
    const server = await behind({ format, trust: '192.0.2.1' });
    const headers = writers[format](good());
    for (const path of ['/accepts', '/by-ca'])
      expect((await get(server, path, { ...headers, 'X-Forwarded-For': '192.0.2.1' })).status).toBe(403);
    const { body } = await get(server, '/headers', headers);
    for (const name of Object.keys(headers))
      expect(JSON.stringify(body).toLowerCase()).not.toContain(name.toLowerCase());
  });
});

describe('a forwarded client', () => {
  it('is shown in req.tls with the facts of the connection of its proxy, and with no keys', async () => {
    let state: Express.Request['tls'];
    const app = express().use(forwarding(), (incoming, response) => {
      state = incoming.tls;
      response.end();
    });
    const server = await listening(createServer({ ...pki.server }, app));
    await request(server, { ca: pki.ca }).get('/').set(writers.rfc9440(good()));
    expect(state).toMatchObject({
      source: 'forwarded',
      protocol: 'TLSv1.3',
      forwardSecrecy: true,
      authenticatedAt: undefined,
      clientCertificateError: undefined,
      clientCertificate: { subject: { CN: ['good'] } },
    });
    expect(Object.isFrozen(state)).toBe(true);
    expect(() => state!.channelBinding()).toThrow(/proxy/);
    expect(() => state!.exportKeyingMaterial(32, 'EXPORTER-x')).toThrow(/proxy/);
  });

  it.each([
    ['expired', 'CLIENT_CERTIFICATE_EXPIRED'],
    ['notYetValid', 'CLIENT_CERTIFICATE_NOT_YET_VALID'],
    ['wrongPurpose', 'CLIENT_CERTIFICATE_PURPOSE'],
  ] as const)('that is %s is refused whatever its proxy has found', async (name, code) => {
    const server = await behind();
    const answer = await get(server, '/accepts', writers.rfc9440(pki.clients[name].certificate));
    expect(answer).toMatchObject({ status: 403, body: { code } });
  });

  it('of an unknown CA is refused by a ca, here or at the route', async () => {
    const stranger = writers.rfc9440(pki.clients.unknownCa.certificate);
    const [trusting, verifying] = [await behind(), await behind({ ca: pki.ca })];
    expect((await get(trusting, '/accepts', stranger)).status).toBe(200);
    expect((await get(trusting, '/by-ca', stranger)).body['code']).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect((await get(verifying, '/accepts', stranger)).body['code']).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect((await get(verifying, '/accepts', writers.rfc9440(good()))).status).toBe(200);
  });

  it('that its proxy has not verified passes by a ca only, over the intermediates that are forwarded', async () => {
    const issuing = await pki.authority.issueIntermediate({ subject: 'Issuing' });
    const { certificate } = await issuing.issueClientCertificate({ subject: 'deep' });
    const headers = writers.rfc9440(certificate, [issuing.certificate]);
    const doubted = await behind({ verifiedByProxy: false });
    expect((await get(doubted, '/accepts', headers)).body['code']).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect((await get(doubted, '/by-ca', writers.rfc9440(certificate))).status).toBe(403);
    expect((await get(doubted, '/by-ca', headers)).body).toMatchObject({ name: 'deep' });
    const here = await behind({ verifiedByProxy: false, ca: pki.ca });
    expect((await get(here, '/accepts', headers)).body).toMatchObject({ name: 'deep' });
  });

  it('that its proxy has refused passes nowhere, not even by a ca of the route', async () => {
    const server = await behind({ format: 'nginx' });
    const headers = { ...writers.nginx(good()), 'X-SSL-Client-Verify': 'FAILED:certificate revoked' };
    for (const path of ['/accepts', '/by-ca'])
      expect((await get(server, path, headers)).body).toEqual({ code: 'CLIENT_CERTIFICATE_REVOKED' });
  });

  it('behind optional_no_ca passes by a ca of the route, whatever nginx found', async () => {
    const server = await behind({ format: 'nginx', verifiedByProxy: false });
    const failed = 'FAILED:unable to verify the first certificate';
    const headers = (pem: string): Record<string, string> => ({
      ...writers.nginx(pem),
      'X-SSL-Client-Verify': failed,
    });
    expect((await get(server, '/by-ca', headers(good()))).status).toBe(200);
    expect((await get(server, '/by-ca', headers(pki.clients.unknownCa.certificate))).status).toBe(403);
    expect((await get(server, '/accepts', headers(good()))).status).toBe(403);
  });

  it('is asked for rules, pins and age like any other', async () => {
    const fingerprint256 = fingerprintOf(good());
    const app = express().use(forwarding());
    const accepting = { acceptForwarded: true };
    app.get(
      '/rule',
      requireClientCertificate({ ...accepting, allow: san.email('good@example.org') }),
      whoAmI,
    );
    app.get(
      '/other',
      requireClientCertificate({ ...accepting, allow: san.email('ops@example.org') }),
      whoAmI,
    );
    app.get('/age', requireClientCertificate({ ...accepting, maxAge: 3600 }), whoAmI);
    app.get('/pin', requirePin([fingerprint256, '00'.repeat(32)], accepting), whoAmI);
    app.get('/wrong-pin', requirePin(['01'.repeat(32), '00'.repeat(32)], accepting), whoAmI);
    app.get('/closed-pin', requirePin([fingerprint256, '00'.repeat(32)]), whoAmI);
    const server = await listening(createServer({ ...pki.server }, app.use(codeOnly)));
    const outcomes: unknown[] = [];
    for (const path of ['rule', 'other', 'age', 'pin', 'wrong-pin', 'closed-pin']) {
      const { status, body } = await get(server, `/${path}`, writers.rfc9440(good()));
      outcomes.push([path, status, body['code']]);
    }
    expect(outcomes).toEqual([
      ['rule', 200, undefined],
      ['other', 403, 'CLIENT_CERTIFICATE_DENIED'],
      ['age', 403, 'AUTHENTICATION_TOO_OLD'],
      ['pin', 200, undefined],
      ['wrong-pin', 403, 'PIN_MISMATCH'],
      ['closed-pin', 403, 'CLIENT_CERTIFICATE_REQUIRED'],
    ]);
  });

  it('holds a token that is bound to its certificate, and the proxy holds none', async () => {
    const bound = (pem: string, acceptForwarded: boolean): RequestHandler =>
      requireBoundToken({
        acceptForwarded,
        selfSigned: true,
        confirmation: () => ({
          'x5t#S256': createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url'),
        }),
      });
    const app = express().use(forwarding({ trust: san.dns('proxy.internal') }));
    app.get('/accepts', bound(good(), true), whoAmI).get('/direct', bound(good(), false), whoAmI);
    app.get('/proxy', bound(proxy.cert, false), whoAmI).get('/proxy-too', bound(proxy.cert, true), whoAmI);
    const clientAuth = { mode: 'required', ca: proxies.root } as const;
    const server = await listening(createServer({ ...pki.server, clientAuth }, app.use(codeOnly)));
    const statuses: number[] = [];
    for (const path of ['/accepts', '/direct', '/proxy', '/proxy-too'])
      statuses.push((await get(server, path, writers.rfc9440(good()), proxy)).status);
    expect(statuses).toEqual([200, 401, 401, 401]);
  });

  it('counts before an upgrade as well', async () => {
    const server = await behind();
    const policies = [forwarding(), requireClientCertificate({ acceptForwarded: true })];
    const allowed = forUpgrade(...policies);
    const greet = async (incoming: IncomingMessage, socket: Duplex): Promise<void> => {
      const passes = await allowed(incoming, socket);
      const { tls, headers } = incoming as express.Request;
      if (passes) socket.end(`HTTP/1.1 101 ${tls?.source}, ${'client-cert' in headers}\r\n\r\n`);
    };
    server.on('upgrade', (incoming, socket) => void greet(incoming, socket));
    const head = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n';
    const upgrade = (line: string): Promise<string> =>
      sendRaw(server, `${head}${line}\r\n`, { ca: pki.ca, servername: 'localhost' });
    expect(await upgrade(`Client-Cert: ${byteSequence(good())}\r\n`)).toMatch(
      /^HTTP\/1.1 101 forwarded, false/,
    );
    expect(await upgrade('Client-Cert: x\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await upgrade('')).toMatch(/^HTTP\/1.1 403/);
  });

  it('is refused by the revocation lists and the deny list of the listener', async () => {
    const denied = denyList();
    const clientAuth = { mode: 'optional', ca: pki.ca, crl: pki.crl, denyList: denied } as const;
    const server = await listening(createServer({ ...pki.server, clientAuth }, appWith(forwarding())));
    const codeOf = async (pem: string, path = '/accepts'): Promise<unknown> =>
      (await get(server, path, writers.rfc9440(pem))).body['code'];
    expect(await codeOf(good())).toBeUndefined();
    for (const path of ['/accepts', '/by-ca'])
      expect(await codeOf(pki.clients.revoked.certificate, path)).toBe('CLIENT_CERTIFICATE_REVOKED');
    denied.add({ fingerprint256: fingerprintOf(good()) });
    for (const path of ['/accepts', '/by-ca'])
      expect(await codeOf(good(), path)).toBe('CLIENT_CERTIFICATE_DENIED');
  });

  it('of each request on a kept connection is that of its own header', async () => {
    const server = await behind();
    const spiffe = pki.clients.spiffe.certificate;
    const { get: ask, close } = keptConnection(server, { ca: pki.ca });
    const seen: unknown[] = [];
    for (const pem of [good(), undefined, spiffe, pki.clients.expired.certificate, good()]) {
      const { status, body } = await ask('/accepts', pem === undefined ? {} : writers.rfc9440(pem));
      seen.push([status, JSON.parse(body).tls?.clientCertificate?.fingerprint256]);
    }
    close();
    const [first, second] = [fingerprintOf(good()), fingerprintOf(spiffe)];
    expect(seen).toEqual([
      [200, first],
      [403, undefined],
      [200, second],
      [403, undefined],
      [200, first],
    ]);
  });

  it('counts over HTTP/2 as over HTTP/1.1, one stream beside the other, on a plain server as well', async () => {
    const server = await listening(createServer({ ...pki.server, http2: true }, appWith(forwarding())));
    const session = await openSession(portOf(server));
    const ask = async (path: string, headers: Record<string, string | string[]>): Promise<unknown> => {
      const { status, body } = await overHttp2(session, { path, headers });
      return [status, JSON.parse(body.toString()).name];
    };
    const twice = { 'client-cert': [byteSequence(good()), byteSequence(good())] };
    expect(
      await Promise.all([
        ask('/accepts', writers.rfc9440(good())),
        ask('/accepts', {}),
        ask('/direct', writers.rfc9440(good())),
        ask('/accepts', writers.rfc9440(pki.clients.unknownCa.certificate)),
        ask('/accepts', twice),
      ]),
    ).toEqual([
      [200, 'good'],
      [403, undefined],
      [403, undefined],
      [200, 'unknownCa'],
      [400, undefined],
    ]);
    const plain = await listening(plainServer(pki, appWith(forwarding())));
    expect((await get(plain, '/accepts', writers.rfc9440(good()))).status).toBe(200);
    expect((await get(plain, '/direct', writers.rfc9440(good()))).status).toBe(403);
  });
});

/** The certificate's SHA-256, as pins and deny lists name it. */
const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

describe('400 FORWARDED_CERTIFICATE_MALFORMED', () => {
  const malformed = { status: 400, body: { code: 'FORWARDED_CERTIFICATE_MALFORMED' } };

  it('is the answer to damaged headers, before any route', async () => {
    const server = await behind();
    const events = await recordDecisions(async () => {
      expect(await get(server, '/open', { 'Client-Cert': ':AAAA:' })).toMatchObject(malformed);
    });
    expect(events).toEqual([
      expect.objectContaining({
        policy: 'forwardedClientCertificate',
        outcome: 'refuse',
        enforced: true,
        code: 'FORWARDED_CERTIFICATE_MALFORMED',
        detail: expect.stringMatching(/cannot be read/),
        fingerprint256: undefined,
      }),
    ]);
    expect((server as PortcullisServer).stats().refusals.byCode).toEqual({
      FORWARDED_CERTIFICATE_MALFORMED: 1,
    });
  });

  it('is the answer to a header that is repeated, whatever Node makes of it', async () => {
    const server = await behind();
    const line = `Client-Cert: ${byteSequence(good())}\r\n`;
    const head = 'GET /accepts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
    const options = { ca: pki.ca, servername: 'localhost' };
    expect(await sendRaw(server, `${head}${line}\r\n`, options)).toMatch(/^HTTP\/1.1 200/);
    expect(await sendRaw(server, `${head}${line}${line}\r\n`, options)).toMatch(/^HTTP\/1.1 400/);
    expect(await sendRaw(server, `${head}${line}cLIENT-cERT: x\r\n\r\n`, options)).toMatch(/^HTTP\/1.1 400/);
  });

  it('is the answer to a certificate of the connection beside that of a header', async () => {
    const server = await behindMutualTls();
    for (const identity of [pki.clients.good, pki.clients.unknownCa])
      expect(await get(server, '/accepts', writers.rfc9440(good()), identity)).toMatchObject(malformed);
    // Without the header it is a client like any other, and nothing was forwarded.
    expect((await get(server, '/open')).body['tls']).toMatchObject({ source: 'socket' });
    expect((await get(server, '/direct', {}, pki.clients.good)).body).toMatchObject({ name: 'good' });
    expect((await get(server, '/accepts', {}, pki.clients.good)).body).toMatchObject({ name: 'good' });
  });

  it('leaves nobody behind for an app that goes on all the same', async () => {
    const app = express().use(forwarding({ trust: san.dns('proxy.internal') }));
    app.use(((_error, _incoming, _response, next) => next()) as express.ErrorRequestHandler);
    app.get('/direct', requireClientCertificate(), whoAmI);
    app.get('/accepts', requireClientCertificate({ acceptForwarded: true }), whoAmI);
    const clientAuth = { mode: 'optional', ca: proxies.root } as const;
    const server = await listening(createServer({ ...pki.server, clientAuth }, app.use(codeOnly)));
    const damaged = { 'Client-Cert': 'x' };
    expect((await get(server, '/direct', damaged, proxy)).status).toBe(403);
    expect(await get(server, '/accepts', damaged, proxy)).toMatchObject(malformed);
  });

  it('names nothing of the header in the answer', async () => {
    const app = express().use(forwarding(), problemDetails());
    const server = await listening(createServer({ ...pki.server }, app));
    const { body } = await request(server, { ca: pki.ca })
      .get('/')
      .set('Client-Cert', ':SECRETSECRETSECRET:')
      .expect(400);
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Forwarded client certificate malformed',
      status: 400,
      code: 'FORWARDED_CERTIFICATE_MALFORMED',
    });
  });
});

describe('a rule on the certificate of the proxy', () => {
  const trust = (): ForwardedClientCertificateOptions['trust'] => san.dns('proxy.internal');

  it('lets that proxy forward, and nobody else', async () => {
    const server = await behindMutualTls({ trust: trust() });
    const headers = writers.rfc9440(good());
    expect((await get(server, '/accepts', headers, proxy)).body).toMatchObject({ name: 'good' });
    for (const identity of [nobody, pki.clients.good, pki.clients.unknownCa, pki.clients.selfSigned]) {
      const { body } = await get(server, '/open', headers, identity);
      expect(body['tls'].source).toBe('socket');
    }
    expect((await get(server, '/accepts', headers)).body).toEqual({ code: 'CLIENT_CERTIFICATE_REQUIRED' });
    expect((await get(server, '/accepts', headers, pki.clients.unknownCa)).status).toBe(403);
  });

  it("never takes the proxy's own certificate for that of a user, with a header or without", async () => {
    const server = await behindMutualTls({ trust: trust() });
    for (const headers of [{}, writers.rfc9440(good())]) {
      for (const path of ['/direct', '/direct-by-ca'])
        expect(await get(server, path, headers, proxy)).toMatchObject({
          status: 403,
          body: { code: 'CLIENT_CERTIFICATE_REQUIRED' },
        });
    }
    for (const path of ['/accepts', '/by-ca'])
      expect((await get(server, path, {}, proxy)).body).toEqual({ code: 'CLIENT_CERTIFICATE_REQUIRED' });
    const { body } = await get(server, '/open', {}, proxy);
    expect(body['tls']).toMatchObject({ source: 'forwarded' });
    expect(body['tls']).not.toHaveProperty('clientCertificate');
    // What concerns the connection alone is decided all the same, and hides the client from nobody.
    expect((await get(server, '/tls', writers.rfc9440(good()), proxy)).body).toMatchObject({ name: 'good' });
  });

  it('may answer later', async () => {
    const server = await behindMutualTls({ trust: rule('later', async () => true) });
    expect((await get(server, '/accepts', writers.rfc9440(good()), proxy)).body).toMatchObject({
      name: 'good',
    });
  });

  it('that says no leaves a client like any other', async () => {
    const server = await behindMutualTls({ trust: rule('never', () => false) });
    const { body } = await get(server, '/accepts', writers.rfc9440(good()), proxy);
    expect(body).toMatchObject({ name: 'proxy', tls: { source: 'socket' } });
  });

  it.each([
    ['throws', () => fails()],
    ['gives a truthy value', () => 1],
    ['rejects', async () => fails()],
    ['is answered with a promise of something else', async () => 1],
  ])('that %s lets nobody in, neither as the user nor as the proxy', async (_what, given) => {
    const server = await behindMutualTls({ trust: given as never });
    for (const headers of [writers.rfc9440(good()), {}])
      for (const path of ['/accepts', '/by-ca', '/direct', '/direct-by-ca'])
        expect((await get(server, path, headers, proxy)).status).toBe(403);
    const { body } = await get(server, '/open', writers.rfc9440(good()), proxy);
    expect(body['tls']).toMatchObject({
      source: 'forwarded',
      clientCertificateError: { code: expect.anything() },
    });
  });

  const fails = (): never => {
    throw new Error('x');
  };

  it('counts no longer once the proxy stands in the deny list', async () => {
    const denied = denyList();
    const clientAuth = { mode: 'optional', ca: proxies.root, denyList: denied } as const;
    const app = appWith(forwarding({ trust: trust() }));
    const server = await listening(createServer({ ...pki.server, clientAuth }, app));
    expect((await get(server, '/accepts', writers.rfc9440(good()), proxy)).status).toBe(200);
    denied.add({ fingerprint256: fingerprintOf(proxy.cert) });
    expect((await get(server, '/accepts', writers.rfc9440(good()), proxy)).status).toBe(403);
  });
});

describe('headers of somebody who is not trusted', () => {
  it('are told of, and the request passes without them', async () => {
    const server = await behind({ trust: '192.0.2.1' });
    const events = await recordDecisions(() => get(server, '/open', writers.rfc9440(good())));
    expect(events).toEqual([
      expect.objectContaining({
        policy: 'forwardedClientCertificate',
        outcome: 'refuse',
        enforced: false,
        detail: expect.stringMatching(/nobody trusts/),
        remoteAddress: '127.0.0.1',
      }),
    ]);
    expect(await recordDecisions(() => get(server, '/open'))).toEqual([]);
  });

  it('are refused by untrusted: refuse, look-alikes included', async () => {
    const server = await behind({ trust: '192.0.2.1', untrusted: 'refuse' });
    for (const name of ['Client-Cert', 'Client-Cert-Chain', 'client_cert', 'CLIENT.CERT'])
      expect((await get(server, '/open', { [name]: 'x' })).status).toBe(400);
    expect((await get(server, '/open')).status).toBe(200);
  });

  it('are removed from the trailers, too', async () => {
    const app = express();
    app.post('/', forwarding({ trust: '192.0.2.1' }), (incoming, response) => {
      incoming.on('end', () => {
        const { trailers, rawTrailers, trailersDistinct } = incoming as IncomingMessage;
        response.json({ trailers, rawTrailers, trailersDistinct });
      });
      incoming.resume();
    });
    const server = await listening(createServer({ ...pki.server, http2: true }, app));
    const sent = {
      method: 'POST',
      path: '/',
      chunks: ['body'],
      trailers: { 'client-cert': ':AAAA:', client_cert_chain: 'x', 'x-other': 'stays' },
    };
    const session = await openSession(portOf(server));
    for (const { body } of [await overHttp1(portOf(server), sent), await overHttp2(session, sent)])
      expect(JSON.parse(body.toString())).toEqual({
        trailers: { 'x-other': 'stays' },
        rawTrailers: ['x-other', 'stays'],
        trailersDistinct: { 'x-other': ['stays'] },
      });
  });
});

describe('an app', () => {
  it('may keep the headers of its proxy, and never those of others', async () => {
    const kept = await behind({ keepHeaders: true });
    const headers = { ...writers.rfc9440(good()), client_cert: 'x' };
    const { body } = await get(kept, '/headers', headers);
    expect(body['headers']).toMatchObject({ 'client-cert': byteSequence(good()) });
    expect(body['headers']).not.toHaveProperty('client_cert');
    const others = await behind({ keepHeaders: true, trust: '192.0.2.1' });
    expect((await get(others, '/headers', headers)).body['headers']).not.toHaveProperty('client-cert');
  });

  it('is told by Vary or no-store what caches need to know, beside what it says itself', async () => {
    const early: RequestHandler = (_incoming, response, next) => next(void response.vary('Accept'));
    const late: RequestHandler = (_incoming, response) => void response.vary('Origin').end();
    const app = express()
      .get('/vary', early, forwarding(), late)
      .get('/all', (_incoming, response, next) => next(void response.set('Vary', '*')), forwarding(), late)
      .get('/twice', forwarding(), forwarding(), late)
      .get('/no-store', forwarding({ caching: 'no-store' }), late)
      .get('/none', forwarding({ caching: 'none' }), late)
      .get('/nginx', forwarding({ format: 'nginx' }), late);
    const server = await listening(createServer({ ...pki.server }, app));
    const { get: ask, close } = keptConnection(server, { ca: pki.ca });
    const told: unknown[] = [];
    for (const path of ['/vary', '/all', '/twice', '/no-store', '/none', '/nginx']) {
      const { headers } = await ask(path);
      told.push([headers['vary'], headers['cache-control']]);
    }
    close();
    expect(told).toEqual([
      ['Accept, Client-Cert, Client-Cert-Chain, Origin', undefined],
      ['*', undefined],
      ['Client-Cert, Client-Cert-Chain, Origin', undefined],
      ['Origin', 'no-store'],
      ['Origin', undefined],
      ['X-Ssl-Client-Cert, X-Ssl-Client-Verify, Origin', undefined],
    ]);
  });

  it('may have it twice, in a sub-app, or for two proxies that write differently', async () => {
    const sub = express().get('/in', requireClientCertificate({ acceptForwarded: true }), whoAmI);
    const inner = express().use(forwarding()).use(sub);
    const two = express()
      .use(forwarding(), forwarding({ format: 'nginx' }))
      .use(sub)
      .use(codeOnly);
    const app = express().use('/sub', forwarding(), sub).use('/inner', inner).use('/two', two);
    const kept = forwarding({ keepHeaders: true });
    app.use('/kept', kept, kept, sub);
    app.use(codeOnly);
    const server = await listening(createServer({ ...pki.server }, app));
    const [one, other] = [writers.rfc9440(good()), writers.nginx(pki.clients.unknownCa.certificate)];
    expect((await get(server, '/sub/in', one)).body).toMatchObject({ name: 'good' });
    expect((await get(server, '/inner/in', one)).body).toMatchObject({ name: 'good' });
    expect((await get(server, '/kept/in', one)).body).toMatchObject({ name: 'good' });
    expect((await get(server, '/two/in', one)).body).toMatchObject({ name: 'good' });
    expect((await get(server, '/two/in', other)).body).toMatchObject({ name: 'unknownCa' });
    expect((await get(server, '/two/in', { ...one, ...writers.nginx(good()) })).status).toBe(200);
    expect((await get(server, '/two/in', { ...one, ...other })).status).toBe(400);
  });

  it('finds no forwarded client in a route that only reports, nor may it put one there itself', async () => {
    let stolen: Express.Request['tls'];
    const app = express().use(forwarding());
    app.get(
      '/steal',
      (incoming, response) => void response.json({ had: (stolen = incoming.tls) !== undefined }),
    );
    app.get(
      '/use',
      (incoming, _response, next) => {
        if (stolen !== undefined) incoming.tls = stolen;
        next();
      },
      requirePin([`sha256/${Buffer.alloc(32).toString('base64')}`, '00'.repeat(32)], {
        acceptForwarded: true,
      }),
      whoAmI,
    );
    app.get('/reports', requireClientCertificate({ reportOnly: true }), whoAmI);
    const server = await listening(createServer({ ...pki.server }, app.use(codeOnly)));
    const { get: ask, close } = keptConnection(server, { ca: pki.ca });
    await ask('/steal', writers.rfc9440(good()));
    expect(JSON.parse((await ask('/use')).body)).toEqual({ code: 'CLIENT_CERTIFICATE_REQUIRED' });
    expect((await ask('/reports', writers.rfc9440(good()))).status).toBe(200);
    close();
  });
});

describe('a second forwardedClientCertificate, behind the first', () => {
  const unknown = (): Record<string, string> => writers.rfc9440(pki.clients.unknownCa.certificate);
  const behindBoth = (first: Options, second: Options): Promise<Server> =>
    listening(
      createServer(
        { ...pki.server },
        express()
          .use(forwarding(first))
          .use(appWith(forwarding(second))),
      ),
    );

  it.each([[{}], [{ keepHeaders: true }]])('judges by its own ca (first: %j)', async (first) => {
    const server = await behindBoth(first, { ca: pki.ca });
    expect((await get(server, '/accepts', unknown())).body).toEqual({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
    expect((await get(server, '/accepts', writers.rfc9440(good()))).status).toBe(200);
  });

  it.each([[{}], [{ keepHeaders: true }]])('believes no more than both do (first: %j)', async (first) => {
    const doubting = await behindBoth(first, { verifiedByProxy: false });
    expect((await get(doubting, '/accepts', unknown())).status).toBe(403);
    expect((await get(doubting, '/by-ca', writers.rfc9440(good()))).status).toBe(200);
    const believing = await behindBoth({ ...first, verifiedByProxy: false }, { verifiedByProxy: true });
    expect((await get(believing, '/accepts', unknown())).status).toBe(403);
    const verifying = await behindBoth({ ...first, ca: pki.ca }, {});
    expect((await get(verifying, '/accepts', unknown())).status).toBe(403);
  });

  it.each([[{}], [{ keepHeaders: true }]])(
    'drops a client by its narrower trust (first: %j)',
    async (first) => {
      const dropping = await behindBoth(first, { trust: '192.0.2.1' });
      for (const path of ['/accepts', '/by-ca'])
        expect(await get(dropping, path, writers.rfc9440(good()))).toMatchObject({
          status: 403,
          body: { code: 'CLIENT_CERTIFICATE_UNTRUSTED' },
        });
      const refusing = await behindBoth(first, { trust: '192.0.2.1', untrusted: 'refuse' });
      expect((await get(refusing, '/open', writers.rfc9440(good()))).status).toBe(400);
      expect((await get(refusing, '/open')).status).toBe(200);
    },
  );

  it('leaves a client alone of whom another header has told', async () => {
    const server = await behindBoth({}, { format: 'nginx', trust: '192.0.2.1', untrusted: 'refuse' });
    expect((await get(server, '/accepts', writers.rfc9440(good()))).status).toBe(200);
  });
});

describe('a list of proxies', () => {
  const behindList = (...all: Options[]): Promise<Server> =>
    listening(
      createServer(
        { ...pki.server, clientAuth: { mode: 'optional', ca: [proxies.root, pki.ca] } },
        appWith(
          forwardedClientCertificate(
            all.map((one) => Object.assign({ format: 'rfc9440', trust: 'loopback' } as const, one)),
          ),
        ),
      ),
    );
  const stranger = (): Record<string, string> => writers.rfc9440(pki.clients.unknownCa.certificate);

  it('that write the same headers is read by the settings of the one that speaks', async () => {
    const late = rule('late', async ({ subject }) => subject['CN']?.includes('proxy') === true);
    for (const trust of [san.dns('proxy.internal'), late]) {
      const server = await behindList({ trust: '192.0.2.1' }, { trust, ca: pki.ca }, {});
      expect((await get(server, '/accepts', writers.rfc9440(good()), proxy)).status).toBe(200);
      expect((await get(server, '/accepts', stranger(), proxy)).status).toBe(403);
      expect((await get(server, '/accepts', stranger())).status).toBe(200);
    }
  });

  it("never takes a proxy's certificate for a user's, though an address or another rule speaks for it", async () => {
    const named = { trust: san.dns('proxy.internal') };
    const silent = { trust: rule('silent', () => 1 as never) };
    for (const all of [
      [{}, named],
      [named, {}],
      [{}, silent],
      [silent, {}],
      [silent, named],
    ]) {
      const server = await behindList(...all);
      for (const path of ['/accepts', '/by-ca', '/direct', '/direct-by-ca'])
        expect((await get(server, path, {}, proxy)).status).toBe(403);
      const isRead = all.includes(named);
      expect((await get(server, '/accepts', writers.rfc9440(good()), proxy)).status).toBe(isRead ? 200 : 403);
    }
  });

  it('keeps from the app what the others would write, and what a stranger sends', async () => {
    const server = await behindList({ keepHeaders: true }, { format: 'nginx', trust: '192.0.2.1' });
    const both = { ...writers.rfc9440(good()), ...writers.nginx(good()) };
    const { headers } = (await get(server, '/headers', both)).body;
    expect(headers).toHaveProperty('client-cert');
    expect(JSON.stringify(headers)).not.toMatch(/ssl-client/);
    const closed = await behindList({ trust: '192.0.2.1' }, { trust: '192.0.2.2', untrusted: 'refuse' });
    expect((await get(closed, '/open', writers.rfc9440(good()))).status).toBe(400);
  });
});

it('judges a forwarded client once somebody looks, and then shows the same', async () => {
  const leafs = await pki.authority.issueClientCertificate({ subject: 'asked late' });
  const check = jest.spyOn(Signatures.prototype, 'has');
  const app = express().use(forwarding({ ca: pki.ca }));
  app.get('/unasked', (_incoming, response) => void response.json({ checks: check.mock.calls.length }));
  app.get('/asked', (incoming, response) => {
    const { tls } = incoming;
    const shows = [
      Object.keys(incoming).includes('tls'),
      incoming.tls === tls,
      JSON.stringify({ ...incoming.tls }),
    ];
    delete incoming.tls;
    response.json({ shows, checks: check.mock.calls.length, isGone: !('tls' in incoming) });
  });
  const server = await listening(createServer({ ...pki.server }, app));
  const headers = writers.rfc9440(leafs.certificate);
  expect((await get(server, '/unasked', headers)).body).toEqual({ checks: 0 });
  expect((await get(server, '/asked', headers)).body).toEqual({
    shows: [true, true, expect.stringContaining('asked late')],
    checks: 1,
    isGone: true,
  });
  check.mockRestore();
});

it('answers headers that are too long for it by its own code, before Node does, over HTTP/1.1 and 2', async () => {
  const server = await listening(createServer({ ...pki.server, http2: true }, appWith(forwarding())));
  const sent = { path: '/open', headers: { 'client-cert': `:${'A'.repeat(12_288)}:` } };
  const session = await openSession(portOf(server));
  for (const answer of [await overHttp1(portOf(server), sent), await overHttp2(session, sent)])
    expect(JSON.parse(answer.body.toString())).toEqual({ code: 'FORWARDED_CERTIFICATE_MALFORMED' });
});

describe('over plain HTTP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** One request to a server of node:http, over TCP or a Unix socket. */
  async function overPlain(options: Options, path: string, socketPath?: string): Promise<Answer> {
    const server = createPlainHttp(appWith(forwarding(options)));
    server.listen(socketPath ?? { port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const where = socketPath === undefined ? { host: '127.0.0.1', port: portOf(server) } : { socketPath };
    const outgoing = requestHttp({ ...where, path, headers: writers.rfc9440(good()), agent: false });
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    server.close();
    return { status: incoming.statusCode!, body: JSON.parse(body), headers: incoming.headers };
  }

  it('a forwarded client is nobody, though its proxy is trusted', async () => {
    for (const path of ['/accepts', '/by-ca'])
      expect(await overPlain({}, path)).toMatchObject({ status: 403, body: { code: 'TLS_REQUIRED' } });
    expect((await overPlain({}, '/headers')).body['headers']).not.toHaveProperty('client-cert');
    expect((await overPlain({}, '/open')).body).toMatchObject({ hasTls: false });
  });

  it('passes by dangerouslyAllowPlainHttp, where the route accepts it and asks for no TLS', async () => {
    const options = { dangerouslyAllowPlainHttp: true };
    expect((await overPlain(options, '/accepts')).body).toMatchObject({
      name: 'good',
      tls: { source: 'forwarded', forwardSecrecy: false },
    });
    expect((await overPlain(options, '/by-ca')).status).toBe(200);
    for (const path of ['/direct', '/tls'])
      expect((await overPlain(options, path)).body).toEqual({ code: 'TLS_REQUIRED' });
    expect((await overPlain({ ...options, trust: '192.0.2.1' }, '/accepts')).body).toEqual({
      code: 'TLS_REQUIRED',
    });
    expect((await overPlain({ ...options, trust: san.dns('a.b') }, '/accepts')).status).toBe(403);
  });

  it('passes over a Unix socket by trust: unix', async () => {
    const socket = join(folder, 'app.sock');
    const options = { dangerouslyAllowPlainHttp: true };
    expect((await overPlain({ ...options, trust: 'unix' }, '/accepts', socket)).body).toMatchObject({
      name: 'good',
    });
    expect((await overPlain({ ...options, trust: 'loopback' }, '/accepts', socket)).status).toBe(403);
    expect((await overPlain({ ...options, trust: ['unix'] }, '/accepts')).status).toBe(403);
  });
});

describe('a configuration is refused', () => {
  it.each([
    [undefined, 'OPTION_INVALID', 'forwardedClientCertificate'],
    [[], 'OPTION_INVALID', 'forwardedClientCertificate'],
    [[{ format: 'rfc9440' }], 'OPTION_INVALID', 'forwardedClientCertificate[0].trust'],
    [[undefined], 'OPTION_INVALID', 'forwardedClientCertificate[0]'],
    [{ format: 'rfc9440' }, 'OPTION_INVALID', 'forwardedClientCertificate.trust'],
    [{ format: 'rfc9440', trust: [] }, 'OPTION_INVALID', 'forwardedClientCertificate.trust'],
    [{ format: 'rfc9440', trust: '0.0.0.0/0' }, 'OPTION_WEAKENS', 'forwardedClientCertificate.trust'],
    [{ trust: 'loopback' }, 'OPTION_INVALID', 'forwardedClientCertificate.format'],
    [
      { trust: 'loopback', format: 'rfc9440', Trust: 1 },
      'OPTION_UNKNOWN',
      'forwardedClientCertificate.Trust',
    ],
    [
      { trust: 'loopback', format: 'rfc9440', ca: undefined },
      'CLIENT_CA_MISSING',
      'forwardedClientCertificate.ca',
    ],
    [{ trust: 'loopback', format: 'rfc9440', ca: 'x' }, 'CLIENT_CA_INVALID', 'forwardedClientCertificate.ca'],
    [
      { trust: 'loopback', format: 'rfc9440', untrusted: 'drop' },
      'OPTION_INVALID',
      'forwardedClientCertificate.untrusted',
    ],
    [
      { trust: 'loopback', format: 'rfc9440', caching: true },
      'OPTION_INVALID',
      'forwardedClientCertificate.caching',
    ],
    [
      { trust: 'loopback', format: 'rfc9440', keepHeaders: 1 },
      'OPTION_INVALID',
      'forwardedClientCertificate.keepHeaders',
    ],
  ])('%j', (options, code, path) => {
    expect(configErrorOf(() => forwardedClientCertificate(options as never))).toMatchObject({ code, path });
  });

  it.each([
    [
      () => requireClientCertificate({ acceptForwarded: 'yes' as never }),
      'requireClientCertificate.acceptForwarded',
    ],
    [
      () => requirePin(['00'.repeat(32), '01'.repeat(32)], { acceptForwarded: 1 as never }),
      'requirePin.acceptForwarded',
    ],
  ])('acceptForwarded that is no boolean (%#)', (make, path) => {
    expect(configErrorOf(make)).toMatchObject({ code: 'OPTION_INVALID', path });
  });
});
