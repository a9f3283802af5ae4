import { beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:http2';
import express, { type RequestHandler, Router } from 'express';
import {
  allOf,
  createServer,
  type DecisionEvent,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  requireTls,
  rule,
  ruleName,
  san,
} from 'portcullis';
import { createTestPki, recordDecisions, type TestPki } from 'portcullis/testing';
import { X509Certificate } from 'node:crypto';
import { keptConnection, listeners, listening, portOf, whoAmI } from './harness.ts';
import { guard } from '../../middleware/guard.ts';
import { allow } from '../../lib/policy/decision.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

const credentials = (): { key: string; cert: string } => ({ key: pki.server.key, cert: pki.server.cert });

const noPins = ['00'.repeat(32), '01'.repeat(32)];
const deny = (): { allow: false; code: 'CLIENT_CERTIFICATE_DENIED'; detail: string } => ({
  allow: false,
  code: 'CLIENT_CERTIFICATE_DENIED',
  detail: 'nobody',
});

/** Each policy with what it says of the good client. */
const policies: ReadonlyArray<[string, (fingerprint: string) => RequestHandler, string | undefined]> = [
  ['requireTls', () => requireTls(), undefined],
  ['requireTls', () => requireTls({ groups: ['secp521r1'] }), 'GROUP_REFUSED'],
  ['requireClientCertificate', () => requireClientCertificate(), undefined],
  ['requireClientCertificate', () => requireClientCertificate(deny), 'CLIENT_CERTIFICATE_DENIED'],
  ['requirePin', (fingerprint) => requirePin([fingerprint, noPins[0]!]), undefined],
  ['requirePin', () => requirePin(noPins), 'PIN_MISMATCH'],
  ['requireMatchingHost', () => requireMatchingHost(), undefined],
];

describe.each(listeners)('on $name', ({ make }) => {
  it.each(policies)(
    '%s tells of whom, where and why it has decided (%#)',
    async (policy, middleware, code) => {
      const { fingerprint256 } = new X509Certificate(pki.clients.good.certificate);
      const router = Router().get('/in', middleware(fingerprint256), whoAmI);
      const app = express().use('/router', router);
      const server = await listening(make(pki, app));
      const client = keptConnection(server, { ...pki.clients.good, servername: 'localhost' });
      const events = await recordDecisions(() =>
        client.get('/router/in?token=secret#fragment', { Host: 'localhost' }),
      );
      client.close();
      expect(events).toEqual([
        {
          policy,
          outcome: code === undefined ? 'allow' : 'refuse',
          enforced: true,
          code,
          detail: code === undefined ? undefined : events[0]!.detail,
          fingerprint256,
          remoteAddress: '127.0.0.1',
          method: 'GET',
          path: '/router/in',
          rule: code === 'CLIENT_CERTIFICATE_DENIED' ? 'deny' : undefined,
          route: '/router/in',
          requestId: undefined,
        },
      ]);
      expect(typeof events[0]!.detail).toBe(code === undefined ? 'undefined' : 'string');
      expect(Object.isFrozen(events[0])).toBe(true);
    },
  );
});

it('tells of nobody without a verified certificate, and nothing of a bad one but why', async () => {
  const app = express().get('/', requireClientCertificate(), whoAmI);
  const server = await listening(listeners[0]!.make(pki, app));
  const events = await recordDecisions(async () => {
    for (const identity of [{ ca: pki.ca }, pki.clients.unknownCa]) {
      const client = keptConnection(server, identity);
      await client.get('/');
      client.close();
    }
  });
  expect(events.map(({ code, fingerprint256 }) => [code, fingerprint256])).toEqual([
    ['CLIENT_CERTIFICATE_REQUIRED', undefined],
    ['CLIENT_CERTIFICATE_UNTRUSTED', undefined],
  ]);
});

it('is made once for each policy and request, each route for itself', async () => {
  const app = express()
    .use(requireTls(), requireClientCertificate({ reportOnly: true }), requirePin(noPins))
    .get('/', whoAmI);
  const server = await listening(listeners[1]!.make(pki, app));
  const client = keptConnection(server, pki.clients.good);
  const events = await recordDecisions(async () => {
    await client.get('/');
    await client.get('/');
  });
  client.close();
  const each = [
    ['requireTls', 'allow', true],
    ['requireClientCertificate', 'allow', false],
    ['requirePin', 'refuse', true],
  ];
  expect(events.map(({ policy, outcome, enforced }) => [policy, outcome, enforced])).toEqual([
    ...each,
    ...each,
  ]);
});

it('is made once, and `next` called once, where what comes after it throws or rejects', async () => {
  const reached: string[] = [];
  const throwing: RequestHandler = ({ path }) => {
    reached.push(path);
    throw new Error('after it');
  };
  const rejecting: RequestHandler = async ({ path }) => {
    reached.push(path);
    return Promise.reject(new Error('after it'));
  };
  const slow = requireClientCertificate(async () => Promise.resolve({ allow: true }));
  const app = express().set('env', 'test');
  app.get('/throws', requireClientCertificate(), throwing).get('/slow', slow, throwing);
  app.get('/rejects', requireClientCertificate(), rejecting);
  const events = await decisionsOf(app, ['/throws', '/slow', '/rejects']);
  expect(reached).toEqual(['/throws', '/slow', '/rejects']);
  expect(events.map(({ outcome }) => outcome)).toEqual(['allow', 'allow', 'allow']);
});

/** What the policies of `app` say of one request for each path, in order. */
async function decisionsOf(app: express.Express, paths: readonly string[]): Promise<DecisionEvent[]> {
  const server = await listening(listeners[0]!.make(pki, app));
  const client = keptConnection(server, pki.clients.good);
  const events = await recordDecisions(async () => {
    // oxlint-disable-next-line no-await-in-loop -- one connection
    for (const path of paths) await client.get(path);
  });
  client.close();
  return events;
}

describe('the route is the pattern under which Express has come to the policy:', () => {
  const policy = requireTls();
  const later = requireClientCertificate(() => Promise.resolve({ allow: true }));
  const pass: RequestHandler = (_request, _response, next) => next();
  const inRouter = (...handlers: RequestHandler[]): Router => Router().use(...handlers);

  it.each<[string, (app: express.Express) => unknown, string, string]>([
    ["a route's", (app) => app.get('/accounts/:id', policy), '/accounts/42', '/accounts/:id'],
    ["an app's", (app) => app.use(policy), '/anything/else', '/'],
    ["a mount's", (app) => app.use('/admin', policy), '/admin/users/7', '/admin'],
    ['in the letters of the pattern', (app) => app.use('/admin', policy), '/aDmIn/users', '/admin'],
    [
      'where the mount has a parameter',
      (app) => app.use('/reset/:token', policy),
      '/reset/s3cret/now',
      '/reset/:token',
    ],
    [
      'mount and route',
      (app) => app.use('/tenants/:tenant', Router().get('/accounts/:id', policy)),
      '/tenants/acme/accounts/42',
      '/tenants/:tenant/accounts/:id',
    ],
    [
      'through routers in routers, with a promise',
      (app) => app.use('/a/:x', inRouter(pass, Router().use('/b/:y', Router().get('/', later)))),
      '/a/1/b/2',
      '/a/:x/b/:y',
    ],
    [
      'through apps in apps',
      (app) => app.use('/s/:x', express().use('/t', express().use(pass).get('/u/:z', policy))),
      '/s/1/t/u/3',
      '/s/:x/t/u/:z',
    ],
    [
      'the one of several that has matched',
      (app) => app.use(['/de/:page', '/en/:page'], inRouter(policy)),
      '/en/home',
      '/en/:page',
    ],
    ['a regular expression', (app) => app.use(/^\/v\d+/, inRouter(policy)), '/v17/x', String(/^\/v\d+/)],
    ['a wildcard', (app) => app.use('/files/*path', policy), '/files/a/b/c', '/files/*path'],
    [
      'not the one of a route that has passed the request on',
      (app) => app.all('/{*any}', pass).use('/admin', policy),
      '/admin/x',
      '/admin',
    ],
    [
      'within a function of somebody else',
      (app) => app.use('/m/:id', (request, response, next) => policy(request, response, next)),
      '/m/5',
      '/m/:id',
    ],
    [
      'of a route within a function of somebody else',
      (app) => app.get('/m/:id', (request, response, next) => policy(request, response, next)),
      '/m/5',
      '/m/:id',
    ],
  ])('%s', async (_what, mount, path, route) => {
    const app = express();
    mount(app);
    expect(await decisionsOf(app.use(whoAmI), [path])).toMatchObject([{ outcome: 'allow', route }]);
  });

  it('so that many paths are one route', async () => {
    const paths = Array.from({ length: 200 }, (_, index) => `/tenants/t${index}/accounts/${index}`);
    const tenants = Router().get('/accounts/:id', policy);
    const events = await decisionsOf(express().use('/tenants/:tenant', tenants).use(whoAmI), paths);
    expect(new Set(events.map(({ route }) => route))).toEqual(new Set(['/tenants/:tenant/accounts/:id']));
    expect(new Set(events.map(({ path }) => path)).size).toBe(200);
  });

  it('never what a client has chosen, where the routers do not tell', async () => {
    const hidden = express().get('/in/:id', policy);
    const routed: RequestHandler = (request, _response, next) => {
      request.baseUrl = '/s3cret';
      request.url = '/in/4';
      (hidden as unknown as { handle: RequestHandler }).handle(request, _response, next);
    };
    expect(await decisionsOf(express().use(routed).use(whoAmI), ['/s3cret/in/4'])).toMatchObject([
      { route: '*/in/:id' },
    ]);
  });

  // Of routers before 2.3.
  it.each<[string, string | RegExp, string]>([
    ['a secret in the middle of a segment', '/reset-:token', '/reset-s3cret'],
    ['a wildcard', '/files/*path', '/files/alice/private/salary'],
    ['a parameter', '/Tenants/:tenant', '/TENANTS/a%20b'],
    ['a regular expression', /^\/v\w+/, '/vs3cret'],
    ['no parameter at all', '/admin', '/admin'],
  ])('nothing of what has matched, where the routers hide their patterns: %s', async (_what, mount, path) => {
    const inner = Router().use('/in/:id', inRouter(policy)).get('/:own', policy).use(policy);
    const app = express().use(mount, inner).use(whoAmI);
    const layers = [...app.router.stack, ...inner.stack] as Array<{ rawPath?: unknown }>;
    for (const layer of layers) delete layer.rawPath;
    const paths = ['/in/s3cret', '/s3cret', ''].map((rest) => `${path}${rest}`);
    const routes = (await decisionsOf(app, paths)).map(({ route }) => route);
    expect(routes.length).toBeGreaterThanOrEqual(paths.length);
    expect(['*', '*/:own']).toEqual(expect.arrayContaining(routes));
  });

  it('and nothing outside Express, or where its parts throw', async () => {
    const alone = guard({ name: 'alone', reportOnly: false, failure: 'TLS_REQUIRED', decide: () => allow });
    const handle = (request: unknown, response: { end: (text: string) => void }): void =>
      void alone(request as never, response as never, () => response.end('in'));
    const server = await listening(createServer(credentials(), handle as never));
    const client = keptConnection(server, { ca: pki.ca });
    const events = await recordDecisions(() => client.get('/x?secret'));
    client.close();
    expect(events).toMatchObject([{ policy: 'alone', path: '/x', route: undefined, requestId: undefined }]);
    const broken: RequestHandler = (request, _response, next) => {
      Object.defineProperty(request, 'route', { get: () => nothing() });
      Object.defineProperty(request, 'id', { get: () => nothing() });
      next();
    };
    expect(await decisionsOf(express().use(broken, policy, whoAmI), ['/'])).toMatchObject([
      { outcome: 'allow', route: undefined, requestId: undefined },
    ]);
  });
});

function nothing(): never {
  throw new Error('nothing to see');
}

it('names the rule in words', async () => {
  const asked = allOf(
    san.dns('*.example.org'),
    rule('the admins', () => true),
  );
  const app = express().get('/', requireClientCertificate({ allow: asked, reportOnly: true }), whoAmI);
  expect(await decisionsOf(app, ['/'])).toMatchObject([
    { outcome: 'refuse', enforced: false, rule: ruleName(asked) },
  ]);
  expect(ruleName(asked)).toMatch(/the admins/);
});

describe('the request id', () => {
  it.each<[string, unknown, string | undefined]>([
    ['a text', '7f8c1f9e-0000-4000-8000-00000000abcd', '7f8c1f9e-0000-4000-8000-00000000abcd'],
    ['a number, as pino-http counts', 17, '17'],
    [
      'what AWS writes',
      'Root=1-67891233-abcdef012345678912345678',
      'Root=1-67891233-abcdef012345678912345678',
    ],
    ['no text with a line end', 'a\nb', undefined],
    ['no text with an escape', '\u001b[2J', undefined],
    ['no text with a quote', 'a"b', undefined],
    ['no empty text', '', undefined],
    ['no long text', 'a'.repeat(201), undefined],
    ['no object', { toString: () => 'a' }, undefined],
  ])('is request.id: %s', async (_what, id, requestId) => {
    const identify: RequestHandler = (request, _response, next) => {
      Object.assign(request, { id });
      next();
    };
    const app = express().use(identify, requireTls(), whoAmI);
    expect(await decisionsOf(app, ['/'])).toMatchObject([{ requestId }]);
  });

  it('is not read from a header by itself, which anybody can write', async () => {
    const app = express().use(requireTls(), whoAmI);
    const server = await listening(listeners[0]!.make(pki, app));
    const client = keptConnection(server, pki.clients.good);
    const events = await recordDecisions(() => client.get('/', { 'X-Request-Id': 'abc' }));
    client.close();
    expect(events).toMatchObject([{ requestId: undefined }]);
  });
});

it('tells the same over HTTP/2', async () => {
  const app = express().get('/accounts/:id', requireTls(), whoAmI);
  const server = await listening(createServer({ ...credentials(), http2: true }, app));
  const session = connect(`https://127.0.0.1:${portOf(server)}`, { ca: pki.ca });
  const events = await recordDecisions(async () => {
    const stream = session.request({ ':path': '/accounts/1?q' });
    stream.resume();
    await once(stream, 'close');
  });
  session.close();
  expect(events).toMatchObject([{ policy: 'requireTls', path: '/accounts/1', route: '/accounts/:id' }]);
});

it('tells of what the listener itself refuses, with the same fields', async () => {
  const app = express().use(whoAmI);
  const options = { ...credentials(), clientAuth: { mode: 'optional', ca: pki.ca } } as const;
  const server = await listening(createServer(options, app));
  const client = keptConnection(server, { ...pki.clients.good, servername: 'localhost' });
  const events = await recordDecisions(() => client.get('/x', { Host: 'elsewhere.example' }));
  client.close();
  expect(events).toEqual([
    {
      policy: 'requireMatchingHost',
      rule: undefined,
      outcome: 'refuse',
      enforced: true,
      code: 'HOST_MISMATCH',
      detail: expect.any(String),
      fingerprint256: new X509Certificate(pki.clients.good.certificate).fingerprint256,
      remoteAddress: '127.0.0.1',
      method: 'GET',
      path: '/x',
      route: undefined,
      requestId: undefined,
    },
  ]);
  expect(Object.keys(events[0]!)).toEqual(expect.arrayContaining(['rule', 'route', 'requestId']));
});
