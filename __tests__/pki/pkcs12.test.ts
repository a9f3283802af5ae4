import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import {
  type Authority,
  createAuthority,
  exportPkcs12,
  type IssuedCertificate,
  type KeyType,
  type Pkcs12Options,
} from 'portcullis/pki';
import { readPfx } from '../../lib/credentials/pfx/pfx.ts';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import { handshake } from '../support/handshake.ts';
import { oddCertificate } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';

const iterations = 2048;
const passphrase = 'open sesame';

let root: Authority;
let below: Authority;
let server: IssuedCertificate;
let alice: IssuedCertificate;

beforeAll(async () => {
  root = await createAuthority();
  below = await root.issueIntermediate();
  server = await root.issueServerCertificate({ names: ['localhost'] });
  alice = await below.issueClientCertificate({ subject: 'alice' });
});

const keyOf = (pfx: Buffer, secret: string): unknown =>
  readPfx(pfx, secret, 'pfx').key.export({ type: 'pkcs8', format: 'pem' });
const chainOf = (pfx: Buffer, secret: string): string =>
  readPfx(pfx, secret, 'pfx')
    .certificates.map(({ pem }) => pem)
    .join('');

describe.each(['compatible', 'modern'] as const)('a PKCS#12 file that is %s', (encryption) => {
  it('lets a client in that Node gives it to, with its intermediate', async () => {
    const { key, chain } = alice;
    const pfx = await exportPkcs12({ key, chain, passphrase, encryption, iterations });
    const listener = { key: server.key, cert: server.chain, ca: root.root };
    const outcome = await handshake(listener, { pfx, passphrase, ca: root.root, servername: 'localhost' });
    expect(outcome).toMatchObject({ authorized: true });
    expect([keyOf(pfx, passphrase), chainOf(pfx, passphrase)]).toEqual([key, chain]);
  });

  it('serves, given to createServer', async () => {
    const pfx = await exportPkcs12({ ...certified(server), passphrase, encryption, iterations });
    const listener = createServer({ pfx, passphrase }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', ca: root.root, servername: 'localhost' });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    const seen = socket.getPeerX509Certificate()?.raw;
    socket.destroy();
    await listener.shutdown({ timeout: 0 });
    expect(seen).toEqual(readOneCertificate(server.certificate, 'server').raw);
  });

  it.each(['pässwörd €', '密码', '😀', 'a'.repeat(255)])(
    'opens with the passphrase %j, and no other',
    async (secret) => {
      const pfx = await exportPkcs12({ ...certified(alice), passphrase: secret, encryption, iterations });
      expect(keyOf(pfx, secret)).toBe(alice.key);
      createSecureContext({ pfx, passphrase: secret });
      expect(() => readPfx(pfx, `${secret}x`, 'pfx')).toThrow(
        expect.objectContaining({ code: 'PFX_INVALID' }),
      );
      expect(() => readPfx(pfx, undefined, 'pfx')).toThrow(expect.objectContaining({ code: 'PFX_INVALID' }));
    },
  );

  it('shows neither key nor certificate nor passphrase to who has the file alone, nor the same octets twice', async () => {
    const options = { ...certified(alice), passphrase, encryption, iterations };
    const [one, other] = await Promise.all([exportPkcs12(options), exportPkcs12(options)]);
    expect(one.includes('alice')).toBe(false);
    expect(one.includes(passphrase)).toBe(false);
    expect(one.includes(Buffer.from(passphrase, 'utf16le').swap16())).toBe(false);
    expect(one.subarray(100).equals(other.subarray(100))).toBe(false);
  });
});

const certified = ({ key, certificate }: IssuedCertificate): { key: string; certificate: string } => ({
  key,
  certificate,
});

it('shows a name', async () => {
  const friendlyName = 'Alice’s laptop (Ünïcode)';
  const pfx = await exportPkcs12({ ...certified(alice), passphrase, friendlyName, iterations });
  expect(pfx.includes(Buffer.from(friendlyName, 'utf16le').swap16())).toBe(true);
  expect(keyOf(pfx, passphrase)).toBe(alice.key);
  const named = await exportPkcs12({ ...certified(alice), passphrase, iterations });
  expect(named.includes(Buffer.from('alice', 'utf16le').swap16())).toBe(true);
  const odd = oddCertificate({ subject: commonName('a\nb') });
  const unnamed = await exportPkcs12({ key: odd.key, chain: odd.certificate, passphrase, iterations });
  expect(unnamed.includes(Buffer.from('2a864886f70d010914', 'hex'))).toBe(false);
});

it.each<KeyType>(['ecdsa-p521', 'ed25519'])('holds a key of %s, encrypted before or not', async (keyType) => {
  const { key, chain } = await root.issueClientCertificate({ subject: 'a', keyType });
  for (const given of [{ key }, { key: encrypted(key), keyPassphrase: 'another' }]) {
    const pfx = await exportPkcs12({ ...given, chain, passphrase, iterations });
    expect(keyOf(pfx, passphrase)).toBe(key);
  }
});

const encrypted = (key: string): string =>
  createPrivateKey(key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'another' })
    .toString();

it('holds a certificate that stands in the chain twice once', async () => {
  const { key, chain, certificate } = alice;
  const pfx = await exportPkcs12({ key, chain: certificate + chain, passphrase, iterations });
  expect(chainOf(pfx, passphrase)).toBe(chain);
});

it.each<[string, () => object, string, string]>([
  ['an empty passphrase', () => ({ passphrase: '' }), 'OPTION_INVALID', 'passphrase'],
  ['no passphrase', () => ({ passphrase: undefined }), 'OPTION_INVALID', 'passphrase'],
  ['a line break in the passphrase', () => ({ passphrase: 'secret\n' }), 'OPTION_INVALID', 'passphrase'],
  [
    'half a character in the passphrase',
    () => ({ passphrase: 'secret\ud83d' }),
    'OPTION_INVALID',
    'passphrase',
  ],
  [
    'a passphrase of 256 characters',
    () => ({ passphrase: 'secret'.repeat(43) }),
    'OPTION_INVALID',
    'passphrase',
  ],
  ['an encryption nobody knows', () => ({ encryption: 'legacy' }), 'OPTION_INVALID', 'encryption'],
  ['few rounds', () => ({ iterations: 1 }), 'OPTION_INVALID', 'iterations'],
  ['more rounds than importers take', () => ({ iterations: 1e6 }), 'OPTION_INVALID', 'iterations'],
  ['an empty name', () => ({ friendlyName: '' }), 'OPTION_INVALID', 'friendlyName'],
  ['a line break in the name', () => ({ friendlyName: 'a\nb' }), 'OPTION_INVALID', 'friendlyName'],
  ['a name beyond a BMPString', () => ({ friendlyName: '😀' }), 'OPTION_INVALID', 'friendlyName'],
  ['another key', () => ({ key: server.key }), 'KEY_MISMATCH', 'key'],
  ['garbage for a key', () => ({ key: 'garbage' }), 'KEY_INVALID', 'key'],
  [
    'a wrong passphrase of the key',
    () => ({ key: encrypted(alice.key), keyPassphrase: 'x' }),
    'KEY_INVALID',
    'key',
  ],
  ['no certificate', () => ({ chain: undefined }), 'OPTION_INVALID', 'chain'],
  ['an empty chain', () => ({ chain: '' }), 'CERTIFICATE_INVALID', 'chain'],
  ['the chain backwards', () => ({ chain: below.certificate + alice.certificate }), 'KEY_MISMATCH', 'key'],
  ['both', () => ({ certificate: alice.certificate }), 'OPTION_CONFLICT', 'chain'],
  [
    'a chain for a certificate',
    () => ({ chain: undefined, certificate: alice.chain }),
    'CERTIFICATE_INVALID',
    'certificate',
  ],
  ['a misspelt option', () => ({ friendlyname: 'x' }), 'OPTION_UNKNOWN', 'friendlyname'],
])('is not made with %s', async (_what, wrong, code, path) => {
  const { key, chain } = alice;
  const options = { key, chain, passphrase, iterations, ...wrong() } as Pkcs12Options;
  const error: unknown = await exportPkcs12(options).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ConfigError', code, path });
  expect(String(error)).not.toContain('secret');
});
