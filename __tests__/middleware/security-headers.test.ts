import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express, { type Express, type RequestHandler } from 'express';
import helmet, { contentSecurityPolicy, type HelmetOptions } from 'helmet';
import { profiles, securityHeaders, type SecurityHeadersOptions } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { configErrorOf, everywhere, listeners, listening, places, plainServer, sendRaw } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['www.example.org', 'localhost', '127.0.0.1'] });
});

const twoYears = 'max-age=63072000; includeSubDomains';

/** An app that hides nothing of what a middleware does to the headers. */
const appWith = (...middleware: RequestHandler[]): Express =>
  express().get('/', ...middleware, (_incoming, response) => void response.end());

const tls = (app: Express): ReturnType<typeof plainServer> => plainServer(pki, app, { requestCert: false });

/** The header lines of an answer as they stand on the wire, sorted, but for those that Node adds. */
async function linesOf(app: Express, host = 'www.example.org'): Promise<string[]> {
  const server = await listening(tls(app));
  const text = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const answer = await sendRaw(server, text, { ca: pki.ca, servername: 'www.example.org' });
  const [status, ...lines] = answer.split('\r\n\r\n')[0]!.split('\r\n');
  expect(status).toBe('HTTP/1.1 200 OK');
  return lines
    .filter((line) => !/^(?:Date|Connection|Content-Length|Transfer-Encoding):/.test(line))
    .toSorted();
}

const nonce: RequestHandler = (_incoming, response, next) => {
  response.locals['nonce'] = 'r4nd0m';
  next();
};
const byNonce = (_incoming: IncomingMessage, response: ServerResponse): string =>
  `'nonce-${(response as express.Response).locals['nonce']}'`;

const options: readonly HelmetOptions[] = [
  {},
  { hsts: true },
  { hsts: false },
  { strictTransportSecurity: false },
  { strictTransportSecurity: { maxAge: 123, includeSubDomains: false, preload: true } },
  { hsts: { preload: true } },
  { noSniff: false },
  { xContentTypeOptions: false },
  { frameguard: { action: 'deny' } },
  { xFrameOptions: false },
  { hidePoweredBy: false },
  { xPoweredBy: false },
  { xPoweredBy: true },
  { dnsPrefetchControl: { allow: true } },
  { ieNoOpen: false, xssFilter: false },
  { permittedCrossDomainPolicies: { permittedPolicies: 'by-content-type' } },
  { crossOriginEmbedderPolicy: true, crossOriginOpenerPolicy: { policy: 'unsafe-none' } },
  { crossOriginResourcePolicy: { policy: 'cross-origin' }, originAgentCluster: false },
  { referrerPolicy: { policy: ['origin', 'unsafe-url'] } },
  { contentSecurityPolicy: false },
  { contentSecurityPolicy: true },
  { contentSecurityPolicy: { reportOnly: true } },
  {
    contentSecurityPolicy: {
      directives: { scriptSrc: ["'self'", 'cdn.example.org'], upgradeInsecureRequests: null },
    },
  },
  {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'upgrade-insecure-requests': [] },
    },
  },
  { contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: new Set(["'self'", 'data:']) } } },
  {
    contentSecurityPolicy: {
      directives: { defaultSrc: contentSecurityPolicy.dangerouslyDisableDefaultSrc },
    },
  },
  { contentSecurityPolicy: { directives: { scriptSrc: ["'self'", byNonce] } } },
  { contentSecurityPolicy: { reportOnly: true, directives: { scriptSrc: [byNonce] } }, xPoweredBy: false },
];

const named = options.map((option): [string, HelmetOptions] => [
  JSON.stringify(option, (_key, value: unknown) =>
    typeof value === 'function' || typeof value === 'symbol' ? String(value).slice(0, 30) : value,
  ),
  option,
]);

/** The same for helmet, with the profile's HSTS where nothing else is said. */
function likeHelmet(option: HelmetOptions): RequestHandler {
  const { hsts, strictTransportSecurity = hsts, ...others } = option;
  if (strictTransportSecurity === false) return helmet({ ...others, hsts: false });
  const given = typeof strictTransportSecurity === 'object' ? strictTransportSecurity : {};
  return helmet({ ...others, hsts: { maxAge: 63_072_000, ...given } });
}

/** Does what a route can do with headers that are set already. */
const meddle: RequestHandler = (_incoming, response, next) => {
  response.setHeader('X-Read', String(response.getHeader('X-Frame-Options')));
  response.setHeader('X-Has', String(response.hasHeader('content-security-policy')));
  response.setHeader('X-Names', response.getHeaderNames().toSorted().join(' '));
  response.setHeader('Referrer-Policy', 'origin');
  response.set('x-content-type-options', 'other');
  response.removeHeader('Content-Security-Policy');
  response.removeHeader('strict-transport-security');
  next();
};

describe('beside helmet', () => {
  it.each(named)('sends the same lines with %s', async (_name, option) => {
    const [ours, helmets] = await Promise.all([
      linesOf(appWith(nonce, securityHeaders(option))),
      linesOf(appWith(nonce, likeHelmet(option))),
    ]);
    expect(ours).toEqual(helmets);
    expect(ours.length).toBeGreaterThan(5);
  });

  it.each<[string, HelmetOptions]>([
    ['constant', {}],
    ['with a function', { contentSecurityPolicy: { directives: { scriptSrc: [byNonce] } } }],
  ])('lets a route read, change and remove what was set (%s)', async (_name, option) => {
    const [ours, helmets] = await Promise.all([
      linesOf(appWith(nonce, securityHeaders(option), meddle)),
      linesOf(appWith(nonce, likeHelmet(option), meddle)),
    ]);
    expect(ours).toEqual(helmets);
    expect(ours).toContain('X-Read: SAMEORIGIN');
    expect(ours).not.toContainEqual(expect.stringMatching(/^Content-Security-Policy|^Strict/));
  });

  it('asks a function at each request, and never shares its answer', async () => {
    let count = 0;
    const csp = { directives: { scriptSrc: [() => `'nonce-${++count}'`] } };
    const server = await listening(tls(appWith(securityHeaders({ contentSecurityPolicy: csp }))));
    const ask = async (): Promise<string> =>
      (await request(server, { ca: pki.ca }).get('/')).headers['content-security-policy']!;
    expect([await ask(), await ask()]).toEqual([
      expect.stringContaining("script-src 'nonce-1'"),
      expect.stringContaining("script-src 'nonce-2'"),
    ]);
  });

  it('gives what a function throws, or an injected directive, to the error handler, once', async () => {
    for (const answer of [
      () => "'self'; script-src *",
      (): never => {
        throw new Error('no nonce');
      },
    ]) {
      const csp = { directives: { scriptSrc: [answer] } };
      const seen: unknown[] = [];
      const app = appWith(securityHeaders({ contentSecurityPolicy: csp }));
      app.use(((error, _incoming, response, _next) => {
        seen.push(error);
        response.status(500).end();
      }) as express.ErrorRequestHandler);
      await request(tls(app), { ca: pki.ca }).get('/').expect(500);
      expect(seen).toHaveLength(1);
    }
  });
});

describe.each(listeners)('securityHeaders() on $name', ({ make }) => {
  it.each(places)('sets the headers at %s, and X-Powered-By is gone', async (place) => {
    const server = make(pki, everywhere(securityHeaders()));
    const { headers } = await request(server, { ca: pki.ca }).get(place).expect(200);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
    expect(headers).not.toHaveProperty('x-powered-by');
  });
});

const upgrades = async (lines: Promise<string[]>): Promise<[hsts: string | undefined, upgrade: boolean]> => {
  const all = await lines;
  expect(all).toContainEqual(expect.stringMatching(/^Content-Security-Policy: .*script-src-attr 'none'/));
  return [
    all.find((line) => /^strict-transport-security: /i.test(line))?.slice(27),
    all.some((line) => line.includes('upgrade-insecure-requests')),
  ];
};

const variants: ReadonlyArray<[string, SecurityHeadersOptions]> = [
  ['constant', {}],
  ['with a function', { contentSecurityPolicy: { directives: { scriptSrc: [byNonce] } } }],
];

describe.each(variants)('Strict-Transport-Security and upgrade-insecure-requests, %s', (_name, option) => {
  const app = appWith(nonce, securityHeaders(option));
  it.each([
    'www.example.org',
    'WWW.example.org:8443',
    'localhost.example.org',
    'example.localhost.org',
    '192.0.2.1',
  ])('are sent over TLS for %s, for two years', async (host) =>
    expect(await upgrades(linesOf(app, host))).toEqual([twoYears, true]),
  );

  it.each([
    'localhost',
    'LocalHost:8443',
    'app.localhost',
    'localhost.',
    '127.0.0.1:8443',
    '127.1.2.3',
    '[::1]:8443',
  ])('are not sent for %s, where they would lock other servers out', async (host) =>
    expect(await upgrades(linesOf(app, host))).toEqual([undefined, false]),
  );

  it('are never sent over plain HTTP, whatever a header claims and a proxy is trusted with', async () => {
    const trusting = appWith(nonce, securityHeaders(option)).set('trust proxy', true);
    const { headers } = await request(createHttpServer(trusting))
      .get('/')
      .set('Host', 'www.example.org')
      .set('X-Forwarded-Proto', 'https')
      .set('Forwarded', 'proto=https')
      .expect(200);
    expect(headers).not.toHaveProperty('strict-transport-security');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
  });
});

it('leaves a policy away that had nothing but upgrade-insecure-requests', async () => {
  const option: HelmetOptions = {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        upgradeInsecureRequests: [],
        defaultSrc: contentSecurityPolicy.dangerouslyDisableDefaultSrc,
      },
    },
  };
  const app = appWith(securityHeaders(option));
  expect(await linesOf(app, 'localhost')).not.toContainEqual(
    expect.stringMatching(/^Content-Security-Policy/),
  );
  expect(await linesOf(app)).toContain('Content-Security-Policy: upgrade-insecure-requests');
});

it('takes the duration from the profile, by name, as an object, or in part', async () => {
  for (const [profile, expected] of [
    ['modern', twoYears],
    [profiles.intermediate, twoYears],
    [{ hstsMaxAge: 86_400 }, 'max-age=86400; includeSubDomains'],
    [undefined, twoYears],
  ] as const)
    expect(await linesOf(appWith(securityHeaders({ profile })))).toContain(
      `Strict-Transport-Security: ${expected}`,
    );
});

it.each<[unknown, string, string]>([
  [{ contentSecurityPolcy: false }, 'OPTION_UNKNOWN', 'securityHeaders.contentSecurityPolcy'],
  [{ hsts: {}, strictTransportSecurity: {} }, 'OPTION_INVALID', 'securityHeaders'],
  [{ hsts: { maxAge: -1 } }, 'OPTION_INVALID', 'securityHeaders'],
  [{ hsts: { maxage: 1 } }, 'OPTION_INVALID', 'securityHeaders'],
  [{ frameguard: { action: 'sometimes' } }, 'OPTION_INVALID', 'securityHeaders'],
  [{ contentSecurityPolicy: { directives: { defaultSrc: ['self'] } } }, 'OPTION_INVALID', 'securityHeaders'],
  [{ contentSecurityPolicy: { directives: { 'bad name': ['x'] } } }, 'OPTION_INVALID', 'securityHeaders'],
  [{ profile: 'old' }, 'OPTION_INVALID', 'profile'],
  [{ profile: { hstsMaxAge: '1' } }, 'OPTION_INVALID', 'profile.hstsMaxAge'],
  [null, 'OPTION_INVALID', 'securityHeaders'],
  ['strict', 'OPTION_INVALID', 'securityHeaders'],
])('does not take %j: %s at %s', (option, code, path) => {
  expect(configErrorOf(() => securityHeaders(option as never))).toMatchObject({ code, path });
});
