import { createServer as createHttpServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, requireTls, type RequireTlsOptions } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { configErrorOf, everywhere, listeners, places, plainServer, whoAmI } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki({ keyType: 'rsa-2048' });
});

const hybrid = 'X25519MLKEM768';

function runtimeHasHybrid(): boolean {
  try {
    createSecureContext({ ecdhCurve: hybrid });
    return true;
  } catch {
    return false;
  }
}

describe.each(listeners)('requireTls() on $name', ({ make, version }) => {
  it.each(places)('lets a request over TLS pass at %s', async (place) => {
    const server = make(pki, everywhere(requireTls()));
    const { body } = await request(server, { ca: pki.ca }).get(place).expect(200);
    expect(body).toMatchObject({ passed: true, hasTls: true });
  });

  it('holds to the version that a route demands', async () => {
    const server = make(pki, everywhere(requireTls({ minVersion: 'TLSv1.3' })));
    const { status } = await request(server, { ca: pki.ca }).get('/app');
    expect(status).toBe(version === 'TLSv1.3' ? 200 : 403);
  });
});

it.each(places)('refuses plain HTTP at %s, whatever a header claims', async (place) => {
  const app = everywhere(requireTls()).set('trust proxy', true);
  const { decisions } = await request(createHttpServer(app))
    .get(place)
    .set('X-Forwarded-Proto', 'https')
    .expect(403);
  expect(decisions).toMatchObject([{ policy: 'requireTls', outcome: 'refuse', code: 'TLS_REQUIRED' }]);
});

it('takes away over plain HTTP what an earlier middleware claims, even where it only reports', async () => {
  const app = express();
  app.use((incoming, _response, next) => {
    Object.assign(incoming, { tls: { clientCertificate: { fingerprint256: 'forged' } } });
    next();
  });
  app.get('/', requireTls({ reportOnly: true }), whoAmI);
  const { body, decisions } = await request(createHttpServer(app)).get('/').expect(200);
  expect(body).toEqual({ passed: true, hasTls: false });
  expect(decisions).toMatchObject([{ code: 'TLS_REQUIRED', enforced: false, fingerprint256: undefined }]);
});

/** What a plain server speaks, and what a route makes of it. */
const table: ReadonlyArray<[string, ServerOptions, RequireTlsOptions, string | undefined]> = [
  ['TLS 1.2 where 1.2 is enough', { maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.2' }, undefined],
  [
    'TLS 1.2 where 1.3 is demanded',
    { maxVersion: 'TLSv1.2' },
    { minVersion: 'TLSv1.3' },
    'TLS_VERSION_REFUSED',
  ],
  [
    'a static RSA key exchange',
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
    { forwardSecrecy: true },
    'FORWARD_SECRECY_REQUIRED',
  ],
  ['a static RSA key exchange', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }, {}, undefined],
  [
    'ECDHE',
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
    { forwardSecrecy: true },
    undefined,
  ],
  ['TLS 1.3', {}, { forwardSecrecy: true }, undefined],
  [
    "a cipher by OpenSSL's name",
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
    { ciphers: ['ecdhe-rsa-aes128-gcm-sha256'] },
    undefined,
  ],
  [
    "a cipher by IANA's name",
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
    { ciphers: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'] },
    undefined,
  ],
  [
    'a cipher that is not listed',
    { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' },
    { ciphers: ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] },
    'CIPHER_REFUSED',
  ],
  ['a group that is listed', { ecdhCurve: 'P-384' }, { groups: ['x25519', 'SECP384R1'] }, undefined],
  ['a group that is not listed', { ecdhCurve: 'P-384' }, { groups: ['x25519'] }, 'GROUP_REFUSED'],
  [
    'no group at all, which satisfies nothing',
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
    { groups: ['x25519', 'secp256r1'] },
    'GROUP_REFUSED',
  ],
  ['a classical group', { ecdhCurve: 'X25519' }, { postQuantum: true }, 'POST_QUANTUM_REQUIRED'],
];

it.each(table)('judges %s (%j, %j): %s', async (_what, server, policy, code) => {
  const { decisions } = await request(plainServer(pki, everywhere(requireTls(policy)), server), { pki })
    .get('/app')
    .expect(code === undefined ? 200 : 403);
  expect(decisions).toMatchObject([{ outcome: code === undefined ? 'allow' : 'refuse', code }]);
});

it('finds the hybrid group wherever OpenSSL has it, and refuses elsewhere', async () => {
  const server = createServer(
    { ...pki.server },
    everywhere(requireTls({ postQuantum: true, groups: [hybrid] })),
  );
  const { status, body } = await request(server, { ca: pki.ca }).get('/app');
  expect(status).toBe(runtimeHasHybrid() ? 200 : 403);
  expect(body.tls?.group).toBe(runtimeHasHybrid() ? hybrid : undefined);
});

it('publishes and lets pass with reportOnly', async () => {
  const app = everywhere(requireTls({ minVersion: 'TLSv1.3', reportOnly: true }));
  const server = plainServer(pki, app, { maxVersion: 'TLSv1.2' });
  const { decisions } = await request(server, { pki }).get('/app').expect(200);
  expect(decisions).toMatchObject([{ outcome: 'refuse', enforced: false, code: 'TLS_VERSION_REFUSED' }]);
});

it.each<[unknown, string, string, string]>([
  [{ minversion: 'TLSv1.3' }, 'OPTION_UNKNOWN', 'requireTls.minversion', "Did you mean 'minVersion'?"],
  [{ minVersion: 'TLSv1.1' }, 'OPTION_INVALID', 'requireTls.minVersion', "Did you mean 'TLSv1.2'?"],
  [{ minVersion: null }, 'OPTION_INVALID', 'requireTls.minVersion', 'Allowed: TLSv1.2, TLSv1.3.'],
  [{ forwardSecrecy: 'yes' }, 'OPTION_INVALID', 'requireTls.forwardSecrecy', 'Give a boolean.'],
  [{ postQuantum: 1 }, 'OPTION_INVALID', 'requireTls.postQuantum', 'Give a boolean.'],
  [{ reportOnly: 'true' }, 'OPTION_INVALID', 'requireTls.reportOnly', 'Give a boolean.'],
  [{ ciphers: [] }, 'OPTION_INVALID', 'requireTls.ciphers', 'An empty list would let nobody pass.'],
  [
    { ciphers: 'AES128-GCM-SHA256' },
    'OPTION_INVALID',
    'requireTls.ciphers',
    'An empty list would let nobody pass.',
  ],
  [
    { ciphers: ['TLS_AES_128_GCM_SHA256', 'AES129'] },
    'OPTION_INVALID',
    'requireTls.ciphers[1]',
    'Correct it, or leave it out.',
  ],
  [{ groups: ['x25518'] }, 'OPTION_INVALID', 'requireTls.groups[0]', "Did you mean 'x25519'?"],
  [{ groups: [25519] }, 'OPTION_INVALID', 'requireTls.groups[0]', 'Correct it, or leave it out.'],
  [null, 'OPTION_INVALID', 'requireTls', expect.stringContaining('Allowed keys: minVersion') as never],
])('does not take %j: %s at %s', (options, code, path, remedy) => {
  expect(configErrorOf(() => requireTls(options as never))).toEqual({ code, path, remedy });
});
