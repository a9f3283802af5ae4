import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { Proxy } from '../interop/support/proxy.ts';
import { ask, type Asked, blocksOf, Kitchen } from './run-recipe.ts';

// That each program runs is shown by snippets.test.ts; here, that it does what its page says.

type Identity = Pick<TestPki['clients']['good'], 'key' | 'cert'>;

let pki: TestPki;
let kitchen: Kitchen;
let proxy: Proxy | undefined;
let people: Readonly<Record<'alice' | 'operator' | 'ops' | 'checkout' | 'security' | 'revoked', Identity>>;
let caddysOwn: Identity;

beforeAll(async () => {
  pki = await createTestPki();
  const [alice, operator, ops, checkout, security] = await Promise.all([
    pki.issueClient({ subject: { CN: 'alice' } }),
    pki.issueClient({ subject: { OU: 'Operators', CN: 'carol' } }),
    pki.issueClient({ names: { email: ['ops@example.org'] } }),
    pki.issueClient({ names: { uri: ['spiffe://example.org/ns/shop/sa/checkout'] } }),
    pki.issueClient({ subject: { OU: 'Security', CN: 'dave' } }),
  ]);
  people = { alice, operator, ops, checkout, security, revoked: pki.clients.revoked };
  const proxies = await createAuthority({ subject: 'Proxies' });
  const issued = await proxies.issueClientCertificate({ names: { dns: ['caddy.internal'] } });
  caddysOwn = { key: issued.key, cert: issued.chain };
  const server = await pki.issueServer({
    names: ['localhost', '127.0.0.1', 'www.example.org', 'app.internal'],
  });
  kitchen = new Kitchen({
    'server.key': server.key,
    'server.pem': server.cert,
    'clients-ca.pem': pki.ca,
    'clients.crl': pki.crl,
    'proxies-ca.pem': proxies.root,
    'app-ca.pem': pki.ca,
    'proxy.key': caddysOwn.key,
    'proxy.pem': caddysOwn.cert,
  });
});

afterAll(async () => {
  await proxy?.stop();
  await kitchen.close();
});

const program = (page: string, index = 0): string => blocksOf(page, 'js')[index]!;
const as = (who: Identity | undefined, more: Asked = {}): Asked => ({
  ca: pki.ca,
  ...(who && { key: who.key, cert: who.cert }),
  ...more,
});
const noHandshake = { code: expect.stringMatching(/^(ECONNRESET|EPIPE|ERR_SSL_\w+)$/) };

it('from-https-create-server.md: both programs let alice in and nobody else, the second with a code', async () => {
  const page = 'migration/from-https-create-server.md';
  const [before, after] = await Promise.all([kitchen.start(program(page)), kitchen.start(program(page, 1))]);
  const statuses = async ({ port }: { readonly port: number }): Promise<unknown[]> => {
    const answers = await Promise.all([
      ask(port, '/', as(undefined)),
      ask(port, '/admin', as(people.alice)),
      ask(port, '/admin', as(people.operator)),
      ask(port, '/admin', as(undefined)),
    ]);
    return answers.map(({ status, code }) => (code === undefined ? status : [status, code]));
  };
  expect(await statuses(before)).toEqual([200, 200, 403, 401]);
  expect(await statuses(after)).toEqual([
    200,
    200,
    [403, 'CLIENT_CERTIFICATE_DENIED'],
    [403, 'CLIENT_CERTIFICATE_REQUIRED'],
  ]);
});

it('from-client-certificate-auth.md: operators of the CA come in, and a refusal is written', async () => {
  const { port, wrote } = await kitchen.start(program('migration/from-client-certificate-auth.md'));
  expect(await ask(port, '/admin', as(people.operator))).toMatchObject({ status: 200, body: 'carol' });
  expect(await ask(port, '/admin', as(people.alice))).toMatchObject({ code: 'CLIENT_CERTIFICATE_DENIED' });
  await wrote('CLIENT_CERTIFICATE_DENIED /admin');
});

describe.each(['nginx', 'caddy'])('from-%s.md', (name) => {
  it('guards /admin, and nothing else', async () => {
    const { port } = await kitchen.start(program(`migration/from-${name}.md`));
    expect(await ask(port, '/', as(undefined))).toMatchObject({ status: 200 });
    expect(await ask(port, '/admin', as(people.alice))).toMatchObject({ status: 200 });
    for (const client of [undefined, pki.clients.expired, pki.clients.unknownCa])
      // oxlint-disable-next-line no-await-in-loop -- a few requests
      expect(await ask(port, '/admin', as(client))).toMatchObject({ status: 403 });
  });
});

it('from-envoy.md: workloads of the trust domain come in, one of them may write, and a revoked one may not connect', async () => {
  const { port } = await kitchen.start(program('migration/from-envoy.md'));
  const write = { method: 'POST' };
  expect(await ask(port, '/orders', as(people.checkout, write))).toMatchObject({ status: 201 });
  expect(await ask(port, '/', as(pki.clients.spiffe))).toMatchObject({ status: 200 });
  for (const [path, client] of [
    ['/orders', pki.clients.spiffe],
    ['/', people.alice],
  ] as const)
    // oxlint-disable-next-line no-await-in-loop -- a few requests
    expect(await ask(port, path, as(client, write))).toMatchObject({ code: 'CLIENT_CERTIFICATE_DENIED' });
  await expect(ask(port, '/', as(people.revoked))).rejects.toMatchObject(noHandshake);
  await expect(ask(port, '/', as(undefined))).rejects.toMatchObject(noHandshake);
});

it('from-python-ssl.md: only who has the address comes in', async () => {
  const { port } = await kitchen.start(program('migration/from-python-ssl.md'));
  expect(await ask(port, '/', as(people.ops))).toMatchObject({ status: 200, body: 'hello' });
  expect(await ask(port, '/', as(people.alice))).toMatchObject({ code: 'CLIENT_CERTIFICATE_DENIED' });
  await expect(ask(port, '/', as(people.revoked))).rejects.toMatchObject(noHandshake);
});

it('operations.md: whoever is entered by the security staff is refused from then on, and nobody else may enter one', async () => {
  const { port } = await kitchen.start(program('operations.md', 1));
  const { body: pin } = await ask((await kitchen.start(whoAmI)).port, '/', as(people.alice));
  const entry: Asked = { method: 'POST', body: { pin, reason: 'INC-17' } };
  expect(await ask(port, '/denied', as(people.alice, entry))).toMatchObject({ status: 403 });
  expect(await ask(port, '/', as(people.alice))).toMatchObject({ status: 200 });
  expect(await ask(port, '/denied', as(people.security, { ...entry, body: { pin: 'x' } }))).toMatchObject({
    status: 400,
    code: 'PIN_INVALID',
  });
  expect(await ask(port, '/denied', as(people.security, entry))).toMatchObject({ status: 201 });
  expect(await ask(port, '/', as(people.alice))).toMatchObject({ code: 'CLIENT_CERTIFICATE_DENIED' });
  expect(await ask(port, '/', as(people.operator))).toMatchObject({ status: 200 });
});

const whoAmI = `
import express from 'express';
import { createServer } from 'portcullis';
const app = express().get('/', (req, res) => res.send(req.tls.clientCertificate.pin));
const certificate = { keyFile: 'server.key', certFile: 'server.pem' };
createServer({ certificate, clientAuth: { mode: 'required', ca: { file: 'clients-ca.pem' } } }, app).listen(8443);
`;

/** By the real Caddy, which listens on a socket of its own. */
it('from-caddy.md: Caddy forwards its clients, removes what they write, and the app believes nobody else', async () => {
  const { port } = await kitchen.start(program('migration/from-caddy.md', 1));
  const socketPath = join(kitchen.folder, 'caddy.socket');
  const site = blocksOf('migration/from-caddy.md', 'caddyfile')[1]!
    .replaceAll('/etc/caddy/tls', kitchen.folder)
    .replaceAll('app.internal:8443', `127.0.0.1:${port}`)
    .replace('www.example.org {', `https://www.example.org {\n\tbind unix/${socketPath}`);
  const globals = `{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system ${kitchen.folder}/storage\n}\n`;
  const file = kitchen.write('Caddyfile', globals + site);
  process.env['XDG_CONFIG_HOME'] = kitchen.folder;
  proxy = new Proxy('caddy', ['run', '--adapter', 'caddyfile', '--config', file]);
  await proxy.ready(socketPath);

  const through = (who: Identity | undefined, headers: Record<string, string> = {}): Promise<string> =>
    new Promise((settle, fail) => {
      const identity = who && { key: who.key, cert: who.cert };
      const host = 'www.example.org';
      const options = { socketPath, servername: host, path: '/admin', ca: pki.ca, agent: false, ...identity };
      const sent = requestHttps({ ...options, headers: { ...headers, host } }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () =>
          settle(`${response.statusCode} ${/"code":"(\w+)"/.exec(body)?.[1] ?? body}`),
        );
      });
      sent.on('error', fail);
      sent.end();
    });
  const forged = { 'X-Client-Cert': people.alice.cert.replaceAll(/-----.*|\n/g, '') };
  expect(await through(people.alice)).toBe('200 {"CN":["alice"]}');
  expect(await through(undefined)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
  expect(await through(undefined, forged)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
  expect(await through(people.operator, forged)).toBe('200 {"OU":["Operators"],"CN":["carol"]}');
  await expect(ask(port, '/admin', as(people.alice, { headers: forged }))).rejects.toMatchObject(noHandshake);
});
