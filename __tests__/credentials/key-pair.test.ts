import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { readKeyPairs } from '../../lib/credentials/key-pair.ts';
import { type Refusal, thrown, wanted } from '../listener/refusal.ts';
import { type OddCertificate, oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { plainPfx } from './plain-pfx.ts';

let ecdsa: IssuedCertificate;
let otherEcdsa: IssuedCertificate;
let root: string;
let upper: string;
let lower: string;
let rsa: OddCertificate;
let encrypted: string;
let certificates: { leaf: string; lower: string; upper: string };

beforeAll(async () => {
  const authority = await createAuthority();
  const upperAuthority = await authority.issueIntermediate({ pathLength: 1 });
  const lowerAuthority = await upperAuthority.issueIntermediate();
  [ecdsa, otherEcdsa] = await Promise.all([
    lowerAuthority.issueServerCertificate({ names: ['localhost'] }),
    authority.issueServerCertificate({ names: ['localhost'], keyType: 'ecdsa-p384' }),
  ]);
  [root, upper, lower] = [authority.certificate, upperAuthority.certificate, lowerAuthority.certificate];
  certificates = { leaf: ecdsa.certificate, lower, upper };
  rsa = oddCertificate({ keys: sharedKeys('rsa-2048') });
  encrypted = createPrivateKey(ecdsa.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' })
    .toString();
});

describe('of key and certificate, createServer refuses', () => {
  it.each<Refusal>([
    [
      'the key of another certificate',
      () => ({ key: otherEcdsa.key, cert: ecdsa.chain }),
      'KEY_MISMATCH',
      'cert',
      /Give its key/,
    ],
    [
      'a key of another type',
      () => ({ key: rsa.key, cert: ecdsa.chain }),
      'KEY_MISMATCH',
      'cert',
      /Give its key/,
    ],
    [
      'one key for two certificates',
      () => ({ key: ecdsa.key, cert: [ecdsa.chain, rsa.certificate] }),
      'KEY_MISMATCH',
      'cert[1]',
      /Give its key/,
    ],
    [
      'a key that is left over',
      () => ({ key: [ecdsa.key, rsa.key], cert: ecdsa.chain }),
      'KEY_MISMATCH',
      'key[1]',
      /leave it out/,
    ],
    ['a certificate alone', () => ({ cert: ecdsa.chain }), 'KEY_MISMATCH', 'cert', /Give its key/],
    ['a key alone', () => ({ key: ecdsa.key }), 'CERTIFICATE_MISSING', 'cert', /belongs to the key/],
    ['empty lists', () => ({ key: [], cert: [] }), 'CERTIFICATE_MISSING', 'cert', /leave it out/],
    ['null', () => ({ key: null, cert: null }), 'CERTIFICATE_MISSING', 'cert', /leave it out/],
    ['an empty list as pfx', () => ({ pfx: [] }), 'CERTIFICATE_MISSING', 'pfx', /leave it out/],
    [
      'an empty text as key',
      () => ({ key: '', cert: ecdsa.chain }),
      'KEY_INVALID',
      'key',
      /string or a buffer/,
    ],
    [
      'an empty buffer as certificate',
      () => ({ key: ecdsa.key, cert: Buffer.alloc(0) }),
      'CERTIFICATE_INVALID',
      'cert',
      /string or a buffer/,
    ],
    [
      'a hole among the keys',
      () => ({ key: Array.from({ length: 1 }), cert: ecdsa.chain }),
      'KEY_INVALID',
      'key[0]',
      /string or a buffer/,
    ],
    [
      'a hole among the certificates',
      () => ({ key: ecdsa.key, cert: Object.assign([], { 1: ecdsa.chain }) }),
      'CERTIFICATE_INVALID',
      'cert[0]',
      /string or a buffer/,
    ],
    [
      'the name of a key file',
      () => ({ key: '/etc/ssl/server.key', cert: ecdsa.chain }),
      'KEY_INVALID',
      'key',
      /not as a file name/,
    ],
    [
      'the name of a certificate file',
      () => ({ key: ecdsa.key, cert: '/etc/ssl/server.pem' }),
      'CERTIFICATE_INVALID',
      'cert',
      /not as a file name/,
    ],
    ['a certificate as key', () => ({ key: ecdsa.chain, cert: ecdsa.chain }), 'KEY_INVALID', 'key', /PKCS#8/],
    [
      'a key as certificate',
      () => ({ key: ecdsa.key, cert: ecdsa.key }),
      'CERTIFICATE_INVALID',
      'cert',
      /PEM or DER/,
    ],
    [
      'a public KeyObject',
      () => ({ key: createPublicKey(ecdsa.key), cert: ecdsa.chain }),
      'KEY_INVALID',
      'key',
      /string or a buffer/,
    ],
    [
      'an object that only looks like a KeyObject',
      () => ({ key: { type: 'private', asymmetricKeyType: 'ec' }, cert: ecdsa.chain }),
      'KEY_INVALID',
      'key',
      /string or a buffer/,
    ],
    [
      'a damaged certificate',
      () => ({ key: ecdsa.key, cert: ecdsa.chain.slice(0, -40) }),
      'CERTIFICATE_INVALID',
      'cert',
      /PEM or DER/,
    ],
    [
      'a damaged issuer',
      () => ({ key: ecdsa.key, cert: ecdsa.certificate + lower.replace('MII', 'MIA') }),
      'CERTIFICATE_INVALID',
      'cert',
      /PEM or DER/,
    ],
    [
      'an encrypted key without a passphrase',
      () => ({ key: encrypted, cert: ecdsa.chain }),
      'KEY_INVALID',
      'key',
      /Give its `passphrase`/,
    ],
    [
      'an encrypted key with a wrong passphrase',
      () => ({ key: encrypted, cert: ecdsa.chain, passphrase: 'x' }),
      'KEY_INVALID',
      'key',
      /right `passphrase`/,
    ],
    [
      'an encrypted key with a wrong passphrase of its own',
      () => ({
        key: [{ pem: encrypted, passphrase: 'x' }],
        cert: ecdsa.chain,
        passphrase: 'correct horse',
      }),
      'KEY_INVALID',
      'key[0]',
      /right `passphrase`/,
    ],
    [
      'a passphrase that is no text',
      () => ({ key: encrypted, cert: ecdsa.chain, passphrase: 5 }),
      'OPTION_INVALID',
      'passphrase',
      /string/,
    ],
    [
      'a passphrase of a key that is no text',
      () => ({ key: { pem: encrypted, passphrase: null }, cert: ecdsa.chain }),
      'OPTION_INVALID',
      'key.passphrase',
      /string/,
    ],
    [
      'two ECDSA pairs',
      () => ({ key: [ecdsa.key, otherEcdsa.key], cert: [ecdsa.chain, otherEcdsa.chain] }),
      'OPTION_CONFLICT',
      'cert',
      /one RSA and one ECDSA/,
    ],
    [
      'the issuer before the server certificate',
      () => ({ key: ecdsa.key, cert: lower + ecdsa.certificate }),
      'KEY_MISMATCH',
      'cert',
      /server certificate stands first/,
    ],
    [
      'intermediates in the wrong order',
      () => ({ key: ecdsa.key, cert: ecdsa.certificate + upper + lower }),
      'CERTIFICATE_INVALID',
      'cert',
      /then its issuer/,
    ],
    [
      'the server certificate twice in its chain',
      () => ({ key: ecdsa.key, cert: ecdsa.certificate + ecdsa.chain }),
      'CERTIFICATE_INVALID',
      'cert',
      /then its issuer/,
    ],
    [
      'a stranger in the chain',
      () => ({ key: ecdsa.key, cert: ecdsa.chain + rsa.certificate }),
      'CERTIFICATE_INVALID',
      'cert',
      /leave others out/,
    ],
    [
      'an RSA key of 1024 bits',
      () => oddCertificate({ keys: sharedKeys('rsa-1024') }),
      'CERTIFICATE_INVALID',
      'cert',
      /2048 bits/,
    ],
    [
      'a key on a curve that nobody verifies',
      () => oddCertificate({ keys: sharedKeys('ec-secp256k1') }),
      'CERTIFICATE_INVALID',
      'cert',
      /P-256/,
    ],
    [
      'a signature over SHA-1',
      () => oddCertificate({ issuer: oddAuthority(), hash: 'sha1' }),
      'CERTIFICATE_INVALID',
      'cert',
      /SHA-256/,
    ],
    ['garbage as pfx', () => ({ pfx: Buffer.from('garbage') }), 'PFX_INVALID', 'pfx', /octets of the file/],
    ['an empty pfx', () => ({ pfx: '' }), 'PFX_INVALID', 'pfx', /string or a buffer/],
    [
      'a passphrase for a PFX that it does not protect',
      () => ({ pfx: plainPfx(ecdsa.key, ecdsa.certificate), passphrase: 'x' }),
      'PFX_INVALID',
      'pfx',
      /-nomac/,
    ],
    [
      'a PFX without the certificate of its key',
      () => ({ pfx: [{ buf: plainPfx(ecdsa.key, root) }] }),
      'PFX_INVALID',
      'pfx[0]',
      /together with its certificate/,
    ],
  ])('%s', (...[what, options, ...expected]) => {
    const { key, certificate, ...given } = options() as Partial<OddCertificate>;
    const row: Refusal = [
      what,
      () =>
        certificate === undefined
          ? { ...given, ...(key !== undefined && { key }) }
          : { key, cert: certificate },
      ...expected,
    ];
    expect(thrown(row)).toEqual(wanted(row));
  });
});

const leafOf = (options: object): string[] => readKeyPairs(options).map(({ leaf }) => leaf.pem);

describe('of key and certificate, createServer reads', () => {
  it.each<[string, () => object]>([
    ['PEM', () => ({ key: ecdsa.key, cert: ecdsa.chain })],
    ['PEM in buffers', () => ({ key: Buffer.from(ecdsa.key), cert: Buffer.from(ecdsa.chain) })],
    ['a certificate in DER', () => ({ key: ecdsa.key, cert: new X509Certificate(ecdsa.certificate).raw })],
    ['a KeyObject', () => ({ key: createPrivateKey(ecdsa.key), cert: ecdsa.chain })],
    ['an encrypted key', () => ({ key: encrypted, cert: ecdsa.chain, passphrase: 'correct horse' })],
    [
      'an encrypted key with a passphrase of its own',
      () => ({ key: [{ pem: encrypted, passphrase: 'correct horse' }], cert: ecdsa.chain }),
    ],
    [
      'key and certificates of one text',
      () => ({ key: ecdsa.key + ecdsa.chain, cert: ecdsa.key + ecdsa.chain }),
    ],
    ['a PFX', () => ({ pfx: plainPfx(ecdsa.key, ecdsa.certificate) })],
    ['null beside what is given', () => ({ key: ecdsa.key, cert: ecdsa.chain, pfx: null })],
  ])('%s', (_what, options) => {
    expect(leafOf(options())).toEqual([ecdsa.certificate]);
  });

  it('certificates with their keys in another order', () => {
    const cert = [ecdsa.chain, rsa.certificate];
    const pairs = readKeyPairs({ key: [rsa.key, ecdsa.key], cert });
    expect(pairs.map(({ key }) => key.asymmetricKeyType)).toEqual(['ec', 'rsa']);
    expect(pairs.map(({ path }) => path)).toEqual(['cert[0]', 'cert[1]']);
  });

  it('a PFX, and puts its issuers in the order of TLS', () => {
    const [pair] = readKeyPairs({
      pfx: plainPfx(ecdsa.key, root, certificates.upper, certificates.leaf, certificates.lower),
    });
    expect(pair!.issuers.map(({ pem }) => pem)).toEqual([lower, upper, root]);
  });

  it('a certificate whose issuer is given in two versions, one for each root', () => {
    expect(leafOf({ key: ecdsa.key, cert: ecdsa.certificate + lower + lower + upper })).toEqual([
      ecdsa.certificate,
    ]);
  });
});
