import { createHash, X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer as createPlainServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createServer, type DecisionEvent, type PortcullisServer } from 'portcullis';
import {
  createTestPki,
  request,
  type RequestIdentity,
  type TestClient,
  type TestPki,
} from 'portcullis/testing';
import supertest from 'supertest';
import { createApp } from '../../examples/app/app.ts';
import { oddAuthority, oddCertificate, type OddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { attribute, generalName, name } from '../support/odd-names.ts';

let pki: TestPki;
let pinned: TestClient;
let backup: TestClient;
let oddRoot: OddCertificate;
let server: PortcullisServer;

beforeAll(async () => {
  pki = await createTestPki();
  [pinned, backup] = (await Promise.all(
    ['pinned', 'backup'].map((CN) => pki.issueClient({ subject: { CN } })),
  )) as [TestClient, TestClient];
  oddRoot = oddAuthority();
  const ca = [pki.ca, oddRoot.certificate];
  server = createServer(
    { ...pki.server, clientAuth: { mode: 'optional', ca } },
    createApp([pinOf(pinned), pinOf(backup)]),
  );
});

afterAll(() => {
  server.close();
});

function pinOf({ certificate }: TestClient): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

interface Overview {
  readonly routes: ReadonlyArray<{ path: string; allowed: boolean; code?: string; reason?: string }>;
  readonly tls: { readonly clientCertificate?: { readonly fingerprint256: string } };
}

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const anyone = (): ReturnType<typeof request> => request(server, { ca: pki.ca });
const as = (client: RequestIdentity): ReturnType<typeof request> => request(server).as(client);
const pageFor = async (client: RequestIdentity, path: string): Promise<string> =>
  (await as(client).get(path).set('Accept', browser)).text;

const visitors = [
  'nobody',
  'good',
  'pinned',
  'backup',
  'expired',
  'unknownCa',
  'wrongPurpose',
  'spiffe',
] as const;

test.each(visitors)('what %s is told of the routes is what the routes then do', async (visitor) => {
  const others = { pinned, backup };
  const agent = (): ReturnType<typeof request> => {
    if (visitor === 'nobody') return anyone();
    return as(visitor in others ? others[visitor as 'pinned'] : pki.clients[visitor as 'good']);
  };
  const { routes } = (await agent().get('/')).body as Overview;
  expect(routes.map(({ path }) => path)).toEqual(['/', '/admin', '/payments']);
  for (const { path, allowed, code, reason } of routes) {
    // oxlint-disable-next-line no-await-in-loop -- few
    const answer = await agent().get(path);
    expect({ path, allowed, code, reason }).toEqual({
      path,
      allowed: answer.status === 200,
      code: answer.status === 200 ? undefined : (answer.body as { code: string }).code,
      reason: answer.status === 200 ? undefined : (answer.body as { title: string }).title,
    });
  }
});

test('the doors open as they should', async () => {
  expect(await opened(pinned)).toEqual(['/', '/admin', '/payments']);
  expect(await opened(backup)).toEqual(['/', '/admin', '/payments']);
  expect(await opened(pki.clients.good)).toEqual(['/', '/admin']);
  expect(await opened(pki.clients.unknownCa)).toEqual(['/']);
});

test('the facts are those of the connection', async () => {
  const { tls } = (await as(pki.clients.good).get('/')).body as Overview;
  const { fingerprint256, serialNumber } = new X509Certificate(pki.clients.good.certificate);
  expect(tls).toMatchObject({
    protocol: 'TLSv1.3',
    resumed: false,
    clientCertificate: { fingerprint256, serialNumber, pin: pinOf(pki.clients.good) },
  });
});

test.each([
  ['a browser', browser, 'text/html; charset=utf-8'],
  ['curl', '*/*', 'application/json; charset=utf-8'],
  ['who asks for JSON', 'application/json', 'application/json; charset=utf-8'],
  ['who prefers JSON', 'text/html;q=0.5, application/json', 'application/json; charset=utf-8'],
  ['who wants something else', 'image/png', 'application/json; charset=utf-8'],
])('%s gets the form it can read', async (_who, accept, type) => {
  const { headers } = await anyone().get('/').set('Accept', accept).expect(200);
  expect(headers).toMatchObject({ 'content-type': type, vary: 'Accept', 'cache-control': 'no-store' });
});

test('a refusal is a page for a browser and problem+json for others', async () => {
  const page = await as(pki.clients.good).get('/payments').set('Accept', browser).expect(403);
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    vary: 'Accept',
    'cache-control': 'no-store',
  });
  expect(page.text).toContain('<h1>Client certificate refused</h1>');
  expect(page.text).toContain('<code>PIN_MISMATCH</code>');
  // The detail, which names the client's pin, is for the operator.
  expect(page.text).not.toContain(pinOf(pki.clients.good));
  const problem = await as(pki.clients.good).get('/payments').expect(403);
  expect(problem.headers).toMatchObject({ 'content-type': 'application/problem+json', vary: 'Accept' });
  expect(problem.body).toEqual({
    type: 'about:blank',
    title: 'Client certificate refused',
    status: 403,
    code: 'PIN_MISMATCH',
  });
});

test.each([
  ['get', '/nowhere', 404, 'Not Found'],
  ['post', '/', 404, 'Not Found'],
] as const)('%s %s is answered in both forms', async (method, path, status, title) => {
  const page = await anyone()[method](path).set('Accept', browser).expect(status);
  expect(page.text).toContain(`<h1>${title}</h1>`);
  const problem = await anyone()[method](path).expect(status);
  expect(problem.body).toMatchObject({ title, status });
});

test('what lies below a guarded route is guarded, in every spelling', async () => {
  const paths = ['/admin/', '/ADMIN', '/admin/x', '/payments/../admin', '/Payments/', '//admin'];
  const answers = await Promise.all(paths.map(async (path) => (await anyone().get(path)).status));
  expect(answers).toEqual([403, 403, 403, 403, 403, 404]);
});

test('asking for the routes changes nothing for the request, and events name the route that was asked for', async () => {
  const events: DecisionEvent[] = [];
  const note = (event: unknown): unknown => events.push(event as DecisionEvent);
  subscribe('portcullis:decision', note);
  try {
    const { tls } = (await as(pinned).get('/')).body as Overview;
    expect(tls.clientCertificate?.fingerprint256).toBe(
      new X509Certificate(pinned.certificate).fingerprint256,
    );
  } finally {
    unsubscribe('portcullis:decision', note);
  }
  expect(events.map(({ policy, path, outcome }) => [policy, path, outcome])).toEqual([
    ['requireTls', '/', 'allow'],
    ['requireTls', '/', 'allow'],
    ['requireClientCertificate', '/admin', 'allow'],
    ['requirePin', '/payments', 'allow'],
  ]);
});

test('a certificate that is made of markup and control characters is shown as what it is', async () => {
  const { certificate, key } = oddCertificate({
    issuer: oddRoot,
    subject: name(
      attribute('CN', `<script>alert("1")</script> & 'quoted'`),
      attribute('O', 'line\nfeed, nul\0, right\u202eot-left'),
      attribute('OU', '"><img src=x onerror=alert(2)>'),
    ),
    extensions: {
      subjectAltName: extension.subjectAltName([generalName.email('<b>"\'&\n@example.org')]),
    },
  });
  const client = { cert: certificate, key, ca: pki.ca };
  const page = await pageFor(client, '/admin');
  expect(page).toContain('<h1>Admin</h1>');
  expect(page).toContain('CN=&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;quoted&#39;<');
  expect(page).toContain('O=line\\u{a}feed, nul\\u{0}, right\\u{202e}ot-left<');
  expect(page).toContain('OU=&quot;&gt;&lt;img src=x onerror=alert(2)&gt;<');
  expect(page).toContain('&lt;b&gt;&quot;&#39;&amp;\\u{a}@example.org<');
  expect(page).not.toMatch(/<script|<img src=x|<b>|[\0\u202e]/);
});

test('one name with a comma does not look like two', async () => {
  const client = await pki.issueClient({ subject: { O: 'Example, CN=ops', CN: 'mallory' } });
  const page = await pageFor(client, '/');
  expect(page).toContain('<span class="line">O=Example, CN=ops</span><span class="line">CN=mallory</span>');
});

test('no page needs an exception from its content security policy', async () => {
  const { headers, text } = await as(pinned).get('/payments').set('Accept', browser).expect(200);
  expect(headers['content-security-policy']).toBe(
    "default-src 'none';style-src 'self';img-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  );
  expect(headers).not.toHaveProperty('x-powered-by');
  expect(text).not.toMatch(/<style|style=|<script|\son\w+=/);
  const linked = [...text.matchAll(/(?:href|src)="(\/[^"]*\.[^"]*)"/g)].map(([, path]) => path!);
  expect(new Set(linked)).toEqual(new Set(['/style.css', '/icon.svg']));
  await anyone().get('/style.css').expect(200).expect('Content-Type', 'text/css; charset=utf-8');
  await anyone()
    .get('/icon.svg')
    .expect(200)
    .expect('Content-Type', /^image\/svg\+xml/);
});

test('over plain HTTP every route is refused', async () => {
  const plain = createPlainServer(createApp([pinOf(pinned), pinOf(backup)]));
  const statuses = await Promise.all(
    ['/', '/admin', '/payments'].map(async (path) => {
      const { status, body } = await supertest(plain).get(path).set('X-Forwarded-Proto', 'https');
      return [status, (body as { code: string }).code];
    }),
  );
  expect(statuses).toEqual(Array.from({ length: 3 }, () => [403, 'TLS_REQUIRED']));
});

async function opened(client: RequestIdentity): Promise<string[]> {
  const { routes } = (await as(client).get('/')).body as Overview;
  return routes.filter(({ allowed }) => allowed).map(({ path }) => path);
}
