import { createServer as createPlainServer } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { offerCompression } from './support/compression.ts';
import { type Answer, type Ask, type Result } from './support/clients/client.ts';
import { opensslClient } from './support/clients/openssl.ts';
import { run } from './support/program.ts';
import { serverName, setUpStand, type Stand } from './support/stand.ts';

/**
 * Each refusal stands beside the same attempt on a lax `https.Server`, where it must succeed: else it could be the
 * client that has forgotten how.
 */
let stand: Stand;
let ca: string;
const hardened: Record<string, number> = {};
const trusted: Record<string, string> = {};
const lax: Record<string, number> = {};

const everything = 'ALL:@SECLEVEL=0';
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const app = (_request: unknown, response: { end(body: string): void }): void => response.end('{}');

beforeAll(async () => {
  stand = setUpStand();
  const pki = await createTestPki();
  ca = stand.write('ca.pem', pki.ca);
  const pairs = [];
  for (const keyType of ['ecdsa-p256', 'rsa-2048'] as const) {
    const { key, cert, certificate } = await pki.issueServer({ keyType, names: [serverName] });
    const options = { key, cert };
    pairs.push(options);
    trusted[keyType] = stand.write(`${keyType}.pem`, certificate);
    const open = { minVersion: 'TLSv1', maxVersion: 'TLSv1.3', ciphers: everything } as const;
    hardened[keyType] = await stand.listen(createServer(options, app));
    lax[keyType] = await stand.listen(createPlainServer({ ...options, ...open }, app));
  }
  const both = { key: pairs.map(({ key }) => key), cert: pairs.map(({ cert }) => cert) };
  hardened['both'] = await stand.listen(createServer(both, app));
});

afterAll(() => stand.close());

const ask = (port: number, version: Ask['version']): Ask => ({
  port,
  serverName,
  ca,
  version,
  http: 'h1',
  path: '/',
});

function answered(result: Result): Answer {
  if ('refused' in result) throw new Error(result.refused);
  return result.answer;
}

describe.each(versions)('openssl over %s', (version) => {
  // Not ECDSA, which over TLS 1.2 needs the certificate's own curve among the groups (RFC 8422 5.1).
  const withGroup = (group: string): Promise<Result> =>
    opensslClient(ask(hardened['rsa-2048']!, version), ['-groups', group]);

  test.each([
    ['X25519', 'x25519'],
    ['P-256', 'secp256r1'],
    ['P-384', 'secp384r1'],
  ])('gets in with the group %s', async (offered, group) => {
    expect(answered(await withGroup(offered)).group).toBe(group);
  });

  test('is refused with a group outside the profile', async () => {
    expect(await withGroup('P-521')).toHaveProperty('refused', expect.stringMatching(/alert/));
  });

  test.each([
    ['ecdsa-p256', 'ECDSA+SHA256'],
    ['rsa-2048', 'RSA-PSS+SHA256'],
  ])('gets the certificate that it can verify of a server with both: %s', async (keyType, offered) => {
    // The one certificate is all that is trusted, so that the other would be refused.
    const question = { ...ask(hardened['both']!, version), ca: trusted[keyType]! };
    const result = await opensslClient(question, ['-partial_chain', '-sigalgs', offered]);
    expect(answered(result).status).toBe(200);
  });
});

test.each([
  ['static RSA key exchange', 'rsa-2048', 'AES128-GCM-SHA256'],
  ['static RSA key exchange', 'rsa-2048', 'AES256-GCM-SHA384'],
  ['static RSA key exchange and CBC', 'rsa-2048', 'AES256-SHA'],
  ['CBC', 'rsa-2048', 'ECDHE-RSA-AES128-SHA256'],
  ['CBC', 'rsa-2048', 'ECDHE-RSA-AES256-SHA'],
  ['CBC', 'ecdsa-p256', 'ECDHE-ECDSA-AES128-SHA256'],
  ['CBC', 'ecdsa-p256', 'ECDHE-ECDSA-AES256-SHA384'],
  ['CCM with a short tag', 'ecdsa-p256', 'ECDHE-ECDSA-AES128-CCM8'],
  ['no authentication', 'rsa-2048', 'AECDH-AES128-SHA'],
])('openssl is refused with %s (%s server, %s)', async (_what, keyType, cipher) => {
  const ciphers = `${cipher}:@SECLEVEL=0`;
  // An anonymous handshake has no certificate to verify, so s_client's hexadecimal end is all there is to see.
  const handshake = async (port: number): Promise<boolean> => {
    const args = ['-connect', `127.0.0.1:${port}`, '-servername', serverName, '-tls1_2', '-cipher', ciphers];
    const { stdout } = await run('openssl', ['s_client', ...args]);
    return stdout.includes(`Cipher is ${cipher}`);
  };
  expect(await handshake(lax[keyType]!)).toBe(true);
  expect(await handshake(hardened[keyType]!)).toBe(false);
});

/** `R` at the beginning of a line is s_client's command to renegotiate; it then verifies the server once more. */
async function renegotiate(port: number): Promise<string> {
  const args = ['-connect', `127.0.0.1:${port}`, '-servername', serverName, '-CAfile', ca, '-tls1_2'];
  const { stderr } = await run('openssl', ['s_client', ...args], { input: 'R\n' });
  return /^RENEGOTIATING$([\s\S]*)/m.exec(stderr)?.[1] ?? 'did not ask';
}

test('openssl is refused when it asks for a renegotiation', async () => {
  const verified = 'depth=0 CN = interop.example.org\nverify return:1';
  expect(await renegotiate(lax['rsa-2048']!)).toContain(verified);
  const refused = await renegotiate(hardened['rsa-2048']!);
  expect(refused).toMatch(/unexpected eof|no renegotiation|alert/);
  expect(refused).not.toContain(verified);
});

test('a client that falls back to TLS 1.2 for no reason is refused (RFC 7507)', async () => {
  const question = ask(hardened['rsa-2048']!, 'TLSv1.2');
  expect(answered(await opensslClient(question)).status).toBe(200);
  expect(await opensslClient(question, ['-fallback_scsv'])).toHaveProperty(
    'refused',
    expect.stringMatching(/alert inappropriate fallback/),
  );
});

test('a client that offers DEFLATE first gets no compression (CRIME)', async () => {
  expect(await offerCompression(hardened['rsa-2048']!)).toEqual({ compressionMethod: 0 });
});
