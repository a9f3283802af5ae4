import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type TlsState } from 'portcullis';
import {
  type Authority,
  createAuthority,
  encryptKey,
  exportPkcs12,
  type IssuedCertificate,
  type KeyType,
  loadAuthority,
} from 'portcullis/pki';
import { readPfx } from '../../lib/credentials/pfx/pfx.ts';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import { openBrowser } from './support/browser.ts';
import { run } from './support/program.ts';
import { factsApp, setUpStand, type Stand } from './support/stand.ts';

let stand: Stand;
let directory: string;
let root: Authority;
let intermediate: Authority;
let alice: IssuedCertificate;

beforeAll(async () => {
  stand = setUpStand();
  root = await createAuthority({ subject: 'PKCS12 root' });
  directory = dirname(stand.write('root.pem', root.root));
  intermediate = await root.issueIntermediate({ subject: 'PKCS12 intermediate' });
  alice = await intermediate.issueClientCertificate({
    subject: { O: 'Exämple', CN: 'alice' },
    names: { email: ['alice@example.org'] },
  });
});

afterAll(() => stand.close());

const encryptions = ['compatible', 'modern'] as const;
const fingerprintOf = (pem: string): string => readOneCertificate(pem, 'certificate').fingerprint256;

async function exported(
  encryption: (typeof encryptions)[number],
  passphrase: string,
  more: { friendlyName?: string } = {},
): Promise<string> {
  const { key, chain } = alice;
  const file = join(directory, `${encryption}.p12`);
  await writeFile(file, await exportPkcs12({ key, chain, passphrase, encryption, ...more }), { mode: 0o600 });
  return file;
}

const python = `
import os, sys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
key, certificate, others = pkcs12.load_key_and_certificates(open(sys.argv[1], 'rb').read(), os.environ['PASSPHRASE'].encode())
pem = serialization.Encoding.PEM
print(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(), end='')
for one in [certificate, *others]: print(one.public_bytes(pem).decode(), end='')
`;

describe.each(encryptions)('a PKCS#12 file that is %s', (encryption) => {
  test.each(['open sesame', 'pässwörd € 密码'])(
    'is read with %j by OpenSSL, NSS, GnuTLS and Python',
    async (passphrase) => {
      const friendlyName = 'Alice’s laptop';
      const file = await exported(encryption, passphrase, { friendlyName });
      const environment = { PASSPHRASE: passphrase, LC_ALL: 'C.UTF-8' };

      const info = await run(
        'openssl',
        ['pkcs12', '-in', file, '-info', '-noenc', '-passin', 'env:PASSPHRASE'],
        { environment },
      );
      expect(info.status).toBe(0);
      expect(info.stderr).toContain(
        encryption === 'modern'
          ? 'PBES2, PBKDF2, AES-256-CBC, Iteration 200000, PRF hmacWithSHA256'
          : 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 50000',
      );
      expect(info.stderr).toContain(encryption === 'modern' ? 'MAC: sha256' : 'MAC: sha1');
      expect(info.stdout.match(/localKeyID: (?:[0-9A-F]{2} ){20}/g)).toHaveLength(2);
      expect(info.stdout).toContain(alice.key.trim());
      for (const pem of [alice.certificate, intermediate.certificate])
        expect(info.stdout).toContain(pem.trim());

      const database = `sql:${join(directory, `nss-${encryption}-${passphrase.length}`)}`;
      mkdirSync(database.slice(4));
      await run('certutil', ['-N', '-d', database, '--empty-password']);
      const secret = stand.write('passphrase', passphrase);
      const listed = await run('pk12util', ['-l', file, '-d', database, '-w', secret], { environment });
      expect(listed.stdout).toContain('Certificate(has private key)');
      const imported = await run('pk12util', ['-i', file, '-d', database, '-w', secret], { environment });
      expect(imported.stdout + imported.stderr).toContain('PKCS12 IMPORT SUCCESSFUL');
      const keys = await run('certutil', ['-K', '-d', database], { environment });
      expect(keys.stdout).toContain(friendlyName);

      const gnutls = await run(
        'certtool',
        ['--p12-info', '--inder', '--infile', file, '--password', passphrase],
        { environment },
      );
      expect(gnutls.status).toBe(0);
      expect(gnutls.stdout.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(2);

      const seen = await run('python3', ['-c', python, file], { environment });
      expect(seen).toEqual({ status: 0, stdout: alice.key + alice.chain, stderr: '' });
    },
  );

  test('is read by Java, and with another passphrase by nobody', async () => {
    const file = await exported(encryption, 'open sesame');
    const list = (passphrase: string): Promise<{ status: number | null; stdout: string }> =>
      run('keytool', ['-list', '-keystore', file, '-storetype', 'PKCS12', '-storepass', passphrase]);
    const { stdout } = await list('open sesame');
    expect(stdout).toMatch(/^alice, .*PrivateKeyEntry/m);
    expect(stdout).toContain(fingerprintOf(alice.certificate));
    expect((await list('another one')).status).toBe(1);
    const openssl = await run('openssl', ['pkcs12', '-in', file, '-noout', '-passin', 'pass:another one']);
    expect(openssl.stderr).toContain('invalid password');
  });

  test('comes back from NSS and OpenSSL as it was', async () => {
    const file = await exported(encryption, 'open sesame');
    const database = `sql:${join(directory, `nss-back-${encryption}`)}`;
    mkdirSync(database.slice(4));
    await run('certutil', ['-N', '-d', database, '--empty-password']);
    await run('pk12util', ['-i', file, '-d', database, '-W', 'open sesame']);
    const back = join(directory, `back-${encryption}.p12`);
    await run('pk12util', ['-o', back, '-n', 'alice', '-d', database, '-W', 'again']);
    const pem = await run('openssl', ['pkcs12', '-in', back, '-noenc', '-nocerts', '-passin', 'pass:again']);
    expect(pem.stdout).toContain(alice.key.trim());
  });
});

test.each<KeyType>(['rsa-2048', 'rsa-pss-2048', 'ecdsa-p521', 'ed25519'])(
  'a key of %s is read by OpenSSL and here',
  async (keyType) => {
    const { key, chain } = await root.issueClientCertificate({ subject: 'a', keyType });
    const file = join(directory, `${keyType}.p12`);
    const pfx = await exportPkcs12({ key, chain, passphrase: 'x', encryption: 'modern', iterations: 2048 });
    await writeFile(file, pfx);
    createSecureContext({ pfx, passphrase: 'x' });
    expect(readPfx(pfx, 'x', 'pfx').key.export({ type: 'pkcs8', format: 'pem' })).toBe(key);
    const { stdout } = await run('openssl', [
      'pkcs12',
      '-in',
      file,
      '-noenc',
      '-nocerts',
      '-passin',
      'pass:x',
    ]);
    expect(stdout).toContain(key.trim());
  },
);

test('an encrypted key opens with its passphrase, in OpenSSL and as an authority', async () => {
  const passphrase = 'pässwörd €';
  const encrypted = await encryptKey(root.key, passphrase);
  const file = stand.write('encrypted.key', encrypted);
  const environment = { PASSPHRASE: passphrase };
  const opened = await run('openssl', ['pkey', '-in', file, '-passin', 'env:PASSPHRASE'], { environment });
  expect(opened.stdout).toBe(root.key);
  const asn1 = await run('openssl', ['asn1parse', '-in', file]);
  expect(asn1.stdout).toMatch(/PBES2[^]*PBKDF2[^]*:0927C0[^]*hmacWithSHA256[^]*aes-256-cbc/);
  const authority = await loadAuthority({ certificate: root.certificate, key: encrypted, passphrase });
  expect(authority.key).toBe(root.key);
  await expect(
    loadAuthority({ certificate: root.certificate, key: encrypted, passphrase: 'another' }),
  ).rejects.toMatchObject({ code: 'KEY_INVALID' });
});

test('Chromium imports the file and reaches a protected route with it', async () => {
  const passphrase = 'open sesame';
  const file = await exported('compatible', passphrase);
  const { key, chain: cert } = await root.issueServerCertificate({ names: ['localhost'] });
  const server = createServer({ key, cert, clientAuth: { mode: 'optional', ca: root.root } }, factsApp());
  const origin = `https://localhost:${await stand.listen(server)}`;
  const browser = await openBrowser({ origin, ca: root.root, pkcs12: [{ file, passphrase }] });
  try {
    const page = await browser.context.newPage();
    const response = await page.goto(`${origin}/admin`);
    expect(response?.status()).toBe(200);
    const { tls } = (await response!.json()) as { tls: TlsState };
    expect(tls.clientCertificate?.subjectAltNames.email).toEqual(['alice@example.org']);
    expect(tls.clientCertificate?.fingerprint256).toBe(fingerprintOf(alice.certificate));
  } finally {
    await browser.close();
  }
});
