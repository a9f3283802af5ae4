import { createHash, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { ask, type Asked, blocksOf, Kitchen } from './run-recipe.ts';

let pki: TestPki;
let proxies: TestPki;
let kitchen: Kitchen;

const hash = (octets: Buffer, form: 'base64' | 'base64url' | 'hex'): string =>
  createHash('sha256').update(octets).digest(form);

const pinOf = (client: { certificate: string }): string => {
  const { publicKey } = new X509Certificate(client.certificate);
  return `sha256/${hash(publicKey.export({ type: 'spki', format: 'der' }), 'base64')}`;
};

beforeAll(async () => {
  [pki, proxies] = await Promise.all([createTestPki(), createTestPki()]);
  kitchen = new Kitchen({
    'server.key': pki.server.key,
    'server.pem': pki.server.cert,
    'clients-ca.pem': pki.ca,
    'proxies-ca.pem': proxies.ca,
    'devices.json': JSON.stringify([[pinOf(pki.clients.good), 'meter 17']]),
    'operators.json': JSON.stringify([pinOf(pki.clients.spiffe), pinOf(pki.clients.expired)]),
  });
});

afterAll(() => kitchen.close());

const noHandshake = { code: expect.stringMatching(/^(ECONNRESET|EPIPE|ERR_SSL_\w+)$/) };

/** The certificate that a new connection is shown. */
async function servedBy(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: pki.ca });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return fingerprint256;
}

const program = (page: string, index = 0): string => blocksOf(page, 'js')[index]!;

type Identity = Pick<TestPki['clients']['good'], 'key' | 'cert'>;
const as = ({ key, cert }: Identity, more: Asked = {}): Asked => ({ ca: pki.ca, key, cert, ...more });
const escaped = (client: { certificate: string }): string => encodeURIComponent(client.certificate);
const der = (client: { certificate: string }): string =>
  new X509Certificate(client.certificate).raw.toString('base64');

const issueProxy = (name: string): Promise<Identity> => proxies.issueClient({ names: { dns: [name] } });

describe('nginx.md', () => {
  it('lets clients in whom the app has verified, by the word of that proxy alone', async () => {
    const { port } = await kitchen.start(program('recipes/nginx.md'));
    const [nginx, other] = await Promise.all([issueProxy('nginx.internal'), issueProxy('other.internal')]);
    const admin = (proxy: Identity, headers: Record<string, string | string[]>): ReturnType<typeof ask> =>
      ask(port, '/admin', as(proxy, { headers }));
    const verdict = { 'X-SSL-Client-Verify': 'FAILED:unable to verify the first certificate' };
    const { good, unknownCa, selfSigned, expired } = pki.clients;
    expect(await admin(nginx, { 'X-SSL-Client-Cert': escaped(good), ...verdict })).toMatchObject({
      status: 200,
      body: '{"hello":["good"]}',
    });
    expect(await admin(nginx, {})).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_REQUIRED' });
    expect(await admin(other, { 'X-SSL-Client-Cert': escaped(good) })).toMatchObject({
      status: 403,
      code: 'CLIENT_CERTIFICATE_DENIED',
    });
    for (const client of [unknownCa, selfSigned])
      // oxlint-disable-next-line no-await-in-loop -- a few requests
      expect(
        await admin(nginx, { 'X-SSL-Client-Cert': escaped(client), 'X-SSL-Client-Verify': 'SUCCESS' }),
      ).toMatchObject({
        status: 403,
        code: 'CLIENT_CERTIFICATE_UNTRUSTED',
      });
    expect(await admin(nginx, { 'X-SSL-Client-Cert': escaped(expired) })).toMatchObject({
      status: 403,
      code: 'CLIENT_CERTIFICATE_EXPIRED',
    });
    for (const damaged of ['forged', [escaped(good), escaped(good)]])
      // oxlint-disable-next-line no-await-in-loop
      expect(await admin(nginx, { 'X-SSL-Client-Cert': damaged })).toMatchObject({
        status: 400,
        code: 'FORWARDED_CERTIFICATE_MALFORMED',
      });
    await expect(ask(port, '/', as(good))).rejects.toMatchObject(noHandshake);
    await expect(ask(port, '/', { ca: pki.ca })).rejects.toMatchObject(noHandshake);
  });

  it('believes the verdict of nginx, and nothing without one', async () => {
    const { port } = await kitchen.start(program('recipes/nginx.md', 1));
    const nginx = await issueProxy('nginx.internal');
    const certificate = { 'X-SSL-Client-Cert': escaped(pki.clients.good) };
    const admin = (headers: Record<string, string>): ReturnType<typeof ask> =>
      ask(port, '/admin', as(nginx, { headers }));
    expect(await admin({ ...certificate, 'X-SSL-Client-Verify': 'SUCCESS' })).toMatchObject({ status: 200 });
    expect(await admin(certificate)).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
    expect(
      await admin({ ...certificate, 'X-SSL-Client-Verify': 'FAILED:certificate has expired' }),
    ).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_EXPIRED' });
  });
});

it('haproxy.md counts the verdict 0 of a certificate that is there', async () => {
  const { port } = await kitchen.start(program('recipes/haproxy.md'));
  const haproxy = await issueProxy('haproxy.internal');
  const admin = (headers: Record<string, string>): ReturnType<typeof ask> =>
    ask(port, '/admin', as(haproxy, { headers }));
  const certificate = { 'X-SSL-Client-Cert': der(pki.clients.good) };
  expect(await admin({ ...certificate, 'X-SSL-Client-Verify': '0' })).toMatchObject({ status: 200 });
  expect(await admin({ 'X-SSL-Client-Verify': '0' })).toMatchObject({ code: 'CLIENT_CERTIFICATE_REQUIRED' });
  expect(await admin(certificate)).toMatchObject({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
  expect(await admin({ ...certificate, 'X-SSL-Client-Verify': '10' })).toMatchObject({
    code: 'CLIENT_CERTIFICATE_EXPIRED',
  });
  expect(await admin({ ...certificate, 'X-SSL-Client-Verify': '23' })).toMatchObject({
    code: 'CLIENT_CERTIFICATE_REVOKED',
  });
});

it('envoy-mesh.md lets in a workload of the trust domain, by a whole certificate', async () => {
  const { port } = await kitchen.start(program('recipes/envoy-mesh.md'));
  const orders = (xfcc?: string): ReturnType<typeof ask> =>
    ask(port, '/orders', xfcc === undefined ? {} : { headers: { 'x-forwarded-client-cert': xfcc } });
  const { spiffe, good } = pki.clients;
  const sha256 = hash(new X509Certificate(spiffe.certificate).raw, 'hex');
  const cert = `Cert="${escaped(spiffe)}"`;
  expect(
    await orders(`By=spiffe://example.org/orders;Hash=${sha256};${cert};URI=spiffe://example.org/workload`),
  ).toMatchObject({
    status: 200,
    body: '{"for":"spiffe://example.org/workload"}',
  });
  expect(await orders()).toMatchObject({ status: 403, code: 'TLS_REQUIRED' });
  expect(await orders(`Hash=${sha256};URI=spiffe://example.org/workload`)).toMatchObject({
    status: 403,
    code: 'CLIENT_CERTIFICATE_UNTRUSTED',
  });
  expect(await orders(`Cert="${escaped(good)}"`)).toMatchObject({
    status: 403,
    code: 'CLIENT_CERTIFICATE_DENIED',
  });
  for (const damaged of [`${cert},${cert}`, `Hash=${'0'.repeat(64)};${cert}`, `Cert="${escaped(spiffe)}`])
    // oxlint-disable-next-line no-await-in-loop -- a few requests
    expect(await orders(damaged)).toMatchObject({ status: 400, code: 'FORWARDED_CERTIFICATE_MALFORMED' });
  expect(await ask(port, '/healthz', {})).toMatchObject({ status: 200 });
});

it('aws-alb.md verifies here what passes through, and reads no header of the other mode', async () => {
  const subnets = { "'10.0.1.0/24', '10.0.2.0/24'": "'127.0.0.0/8'" };
  const { port } = await kitchen.start(program('recipes/aws-alb.md'), subnets);
  const partners = (headers: Record<string, string>): ReturnType<typeof ask> =>
    ask(port, '/partners', { ca: pki.ca, headers });
  const { good, unknownCa } = pki.clients;
  // The ALB leaves these as they are.
  const written = escaped(good).replaceAll('%2B', '+').replaceAll('%3D', '=').replaceAll('%2F', '/');
  expect(await partners({ 'X-Amzn-Mtls-Clientcert': written })).toMatchObject({
    status: 200,
    body: '{"hello":["good"]}',
  });
  expect(await partners({})).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_REQUIRED' });
  expect(await partners({ 'X-Amzn-Mtls-Clientcert': escaped(unknownCa) })).toMatchObject({
    status: 403,
    code: 'CLIENT_CERTIFICATE_UNTRUSTED',
  });
  expect(await partners({ 'X-Amzn-Mtls-Clientcert-Leaf': written })).toMatchObject({
    status: 403,
    code: 'CLIENT_CERTIFICATE_REQUIRED',
  });
  expect(await ask(port, '/healthz', { ca: pki.ca })).toMatchObject({ status: 200 });
  const elsewhere = await kitchen.start(program('recipes/aws-alb.md'));
  expect(
    await ask(elsewhere.port, '/partners', { ca: pki.ca, headers: { 'X-Amzn-Mtls-Clientcert': written } }),
  ).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_REQUIRED' });
});

it('kubernetes-cert-manager.md serves a renewed certificate, and goes on with the last good one', async () => {
  const files = { '/tls/tls.key': 'tls.key', '/tls/tls.crt': 'tls.crt', '/clients/ca.pem': 'ca.pem' };
  kitchen.write('tls.key', pki.server.key);
  kitchen.write('tls.crt', pki.server.cert);
  kitchen.write('ca.pem', pki.ca);
  const { port, wrote } = await kitchen.start(program('recipes/kubernetes-cert-manager.md'), files);
  expect(await ask(port, '/healthz', { ca: pki.ca })).toMatchObject({ status: 200 });
  expect(await ask(port, '/orders', as(pki.clients.good))).toMatchObject({ status: 200 });
  expect(await ask(port, '/orders', { ca: pki.ca })).toMatchObject({ code: 'CLIENT_CERTIFICATE_REQUIRED' });
  const renewed = await pki.issueServer();
  const replace = (name: string, content: string): void =>
    renameSync(kitchen.write(`${name}.new`, content), join(kitchen.folder, name));
  replace('tls.key', renewed.key);
  replace('tls.crt', renewed.cert);
  await wrote("changed: [ 'certificate' ]");
  expect(await servedBy(port)).toBe(new X509Certificate(renewed.cert).fingerprint256);
  replace('ca.pem', 'nothing');
  await wrote('CLIENT_CA_INVALID');
  expect(await ask(port, '/orders', as(pki.clients.good))).toMatchObject({ status: 200 });
});

it('iot-pins.md knows devices by their keys, and forgets the stolen ones', async () => {
  const { port } = await kitchen.start(program('recipes/iot-pins.md'));
  const { good, spiffe, wrongPurpose } = pki.clients;
  const stranger = await pki.issueClient({ subject: { CN: 'meter 17' } });
  const telemetry = (device: Identity): ReturnType<typeof ask> =>
    ask(port, '/telemetry', as(device, { method: 'POST', body: { t: 21.5 } }));
  const tell = (who: Identity): ReturnType<typeof ask> =>
    ask(port, '/stolen', as(who, { method: 'POST', body: { pin: pinOf(good), reason: 'lost' } }));
  expect(await telemetry(good)).toMatchObject({ status: 200, body: '{"device":"meter 17","stored":1}' });
  expect(await telemetry(stranger)).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_DENIED' });
  await expect(telemetry(wrongPurpose)).rejects.toMatchObject(noHandshake);
  expect(await tell(good)).toMatchObject({ status: 403, code: 'PIN_MISMATCH' });
  expect(await tell(spiffe)).toMatchObject({ status: 204 });
  await expect(telemetry(good)).rejects.toMatchObject(noHandshake);
});

it('spiffe.md serves an SVID, and lets in workloads by their IDs', async () => {
  const files = { '/run/svid/': '' };
  // What SPIRE issues: for both sides, with a URI and here a DNS name.
  const svid = await pki.issueServer({ names: ['orders.internal', 'localhost', '127.0.0.1'] });
  kitchen.write('svid_key.pem', svid.key);
  kitchen.write('svid.pem', svid.cert);
  kitchen.write('bundle.pem', pki.ca);
  const { port } = await kitchen.start(program('recipes/spiffe.md'), files);
  const workload = (uri: string): Promise<Identity> => pki.issueClient({ names: { uri: [uri] } });
  const [web, elsewhere, worker] = await Promise.all([
    workload('spiffe://example.org/ns/shop/sa/web'),
    workload('spiffe://example.com/ns/shop/sa/web'),
    workload('spiffe://example.org/Workload'),
  ]);
  expect(await ask(port, '/orders', as(web))).toMatchObject({
    status: 200,
    body: '{"for":"spiffe://example.org/ns/shop/sa/web"}',
  });
  expect(await ask(port, '/orders', as(pki.clients.spiffe))).toMatchObject({ status: 200 });
  for (const client of [elsewhere, worker, pki.clients.good])
    // oxlint-disable-next-line no-await-in-loop -- a few requests
    expect(await ask(port, '/orders', as(client))).toMatchObject({
      status: 403,
      code: 'CLIENT_CERTIFICATE_DENIED',
    });
  expect(await ask(port, '/status', as(worker))).toMatchObject({ status: 200 });
  await expect(ask(port, '/orders', { ca: pki.ca })).rejects.toMatchObject(noHandshake);
});

describe('oauth.md', () => {
  it('answers the client to whom the token is bound, and nobody else', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwks = createHttpServer((_request, response) => {
      void exportJWK(publicKey).then((key) =>
        response.end(JSON.stringify({ keys: [{ ...key, alg: 'ES256' }] })),
      );
    });
    jwks.listen(0, '127.0.0.1');
    await once(jwks, 'listening');
    const uri = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks.json`;
    const { port } = await kitchen.start(program('recipes/oauth.md'), {}, { JWKS_URI: uri });
    const thumbprint = hash(new X509Certificate(pki.clients.good.certificate).raw, 'base64url');
    const token = (claims: object, header: object = {}): Promise<string> =>
      new SignJWT({ client_id: 'meter', scope: 'accounts:read', ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header })
        .setIssuer('https://auth.example.org')
        .setAudience('https://api.example.org')
        .setExpirationTime('5m')
        .sign(privateKey);
    const account = async (client: Asked, claims?: object, header?: object): ReturnType<typeof ask> => {
      const given = claims === undefined ? {} : { Authorization: `Bearer ${await token(claims, header)}` };
      return ask(port, '/accounts/7', { ...client, headers: given });
    };
    const bound = { cnf: { 'x5t#S256': thumbprint } };
    const me = as(pki.clients.good);
    expect(await account(me, bound)).toMatchObject({ status: 200, body: '{"account":"7","client":"meter"}' });
    const challenge = expect.objectContaining({
      'www-authenticate': expect.stringContaining('invalid_token'),
    });
    for (const [who, claims] of [
      [as(pki.clients.spiffe), bound],
      [me, {}],
      [me, { cnf: { jkt: thumbprint } }],
    ] as const)
      // oxlint-disable-next-line no-await-in-loop -- a few requests
      expect(await account(who, claims)).toMatchObject({
        status: 401,
        code: 'TOKEN_NOT_BOUND',
        headers: challenge,
      });
    expect(await account(me)).toMatchObject({ status: 401, headers: challenge });
    expect(await account(me, bound, { typ: 'JWT' })).toMatchObject({ status: 401, headers: challenge });
    expect(await account(me, { ...bound, scope: 'else' })).toMatchObject({ status: 403 });
    expect(await account({ ca: pki.ca }, bound)).toMatchObject({
      status: 403,
      code: 'CLIENT_CERTIFICATE_REQUIRED',
    });
    jwks.close();
    jwks.closeAllConnections();
  });
});

it('observability.md tells of a refusal, and shows its metrics to whom they are for', async () => {
  const { port, wrote } = await kitchen.start(program('observability.md'));
  const prometheus = await pki.issueClient({ subject: { CN: 'prometheus' } });
  expect(await ask(port, '/accounts/1', { ca: pki.ca })).toMatchObject({ status: 403 });
  await wrote("route: '/accounts/:id'");
  expect(await ask(port, '/metrics', as(pki.clients.good))).toMatchObject({
    code: 'CLIENT_CERTIFICATE_DENIED',
  });
  const { status, body } = await ask(port, '/metrics', as(prometheus));
  expect([status, body]).toEqual([
    200,
    expect.stringContaining('route="/accounts/:id",enforced="true"} 1\n'),
  ]);
});

it('every program of a recipe is run here, and every recipe stands in the index', () => {
  const folder = resolve(import.meta.dirname, '../../docs/recipes');
  const pages = readdirSync(folder).filter((name) => name !== 'README.md');
  const programs = Object.fromEntries(pages.map((page) => [page, blocksOf(`recipes/${page}`, 'js').length]));
  expect(programs).toEqual({
    'aws-alb.md': 1,
    'envoy-mesh.md': 1,
    'haproxy.md': 1,
    'iot-pins.md': 1,
    'kubernetes-cert-manager.md': 1,
    'nginx.md': 2,
    'oauth.md': 1,
    'spiffe.md': 1,
  });
  const index = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const page of pages) expect(index).toContain(`](${page})`);
});
