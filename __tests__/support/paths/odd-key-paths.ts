import { randomBytes } from 'node:crypto';
import { bitString, der, objectIdentifier, sequence, unsignedInteger } from '../../../lib/pki/der.ts';
import { explicitTag } from '../../../lib/x509/der.ts';
import { oddAuthority, oddCertificate, type OddCertificate } from '../odd-certificates.ts';
import { extension } from '../odd-extensions.ts';
import { newKeys, sharedKeys } from '../odd-keys.ts';
import { commonName } from '../odd-names.ts';
import { odd, oddAt, type PathCase, root } from './odd-path.ts';

const nothing = der(0x05);
const rsaEncryption = objectIdentifier('1.2.840.113549.1.1.1');

interface RsaKey {
  readonly bits: number;
  readonly exponent?: Buffer;
  readonly parameters?: Buffer | null;
  readonly even?: boolean;
}

/** A public key that nobody has the private one of: who signs with it is not asked of a leaf. */
function rsaKey({ bits, exponent = Buffer.of(1, 0, 1), parameters = nothing, even = false }: RsaKey): Buffer {
  const modulus = randomBytes(Math.ceil(bits / 8));
  modulus[0] = (modulus[0]! & (0xff >> ((8 - (bits % 8)) % 8))) | (0x80 >> ((8 - (bits % 8)) % 8));
  modulus[modulus.length - 1] = even ? 2 : modulus.at(-1)! | 1;
  const number = unsignedInteger(BigInt(`0x${modulus.toString('hex')}`));
  return sequence(
    sequence(rsaEncryption, ...(parameters === null ? [] : [parameters])),
    bitString(sequence(number, der(2, exponent))),
  );
}

const rsa = (name: string, expected: string, key: RsaKey): PathCase =>
  odd(name, expected, 'leaf', { publicKey: rsaKey(key) });

const point = newKeys('ec-p256').publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
const p256 = objectIdentifier('1.2.840.10045.3.1.7');
const ecKey = (parameters: Buffer, octets: Buffer): Buffer =>
  sequence(sequence(objectIdentifier('1.2.840.10045.2.1'), parameters), bitString(octets));

const mlDsa44 = sequence(
  sequence(objectIdentifier('2.16.840.1.101.3.4.3.17')),
  bitString(Buffer.alloc(1312, 1)),
);

const byRsa = (overrides = {}): OddCertificate =>
  oddAuthority({ subject: commonName('RSA root'), keys: sharedKeys('rsa-2048'), ...overrides });
const rsaRoot = byRsa();
const weakRoot = oddAuthority({ keys: sharedKeys('rsa-1024') });
const pssRoot = oddAuthority({ subject: commonName('PSS'), keys: sharedKeys('rsa-2048'), pss: true });
const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nothing);
const sha1 = sequence(objectIdentifier('1.3.14.3.2.26'), nothing);
const pss = (hash: Buffer, mask: Buffer): Buffer =>
  sequence(
    objectIdentifier('1.2.840.113549.1.1.10'),
    sequence(
      der(explicitTag(0), hash),
      der(explicitTag(1), sequence(objectIdentifier('1.2.840.113549.1.1.8'), mask)),
      der(explicitTag(2), unsignedInteger(32)),
    ),
  );
const by = (issuer: OddCertificate, overrides = {}): PathCase['path'] => ({
  leaf: oddCertificate({ issuer, ...overrides }),
  anchors: [issuer],
});
const sha1Root = byRsa({ hash: 'sha1', subject: commonName('SHA-1 root') });
const sha256WithRsa = objectIdentifier('1.2.840.113549.1.1.11');
const ecdsaWithSha256 = objectIdentifier('1.2.840.10045.4.3.2');

/** Keys and signatures: RFC 3279, 4055, 5480, 5758, 9325. */
export const oddKeys: readonly PathCase[] = [
  rsa('RSA of 2048 bits', 'in', { bits: 2048 }),
  rsa('RSA of 3072 bits', 'in', { bits: 3072 }),
  rsa('RSA of 1024 bits', 'weak-key', { bits: 1024 }),
  rsa('RSA of 512 bits', 'invalid-key', { bits: 512 }),
  { ...rsa('RSA of 2047 bits', 'rsa-size', { bits: 2047 }), also: ['weak-key'] },
  rsa('RSA of 2052 bits', 'rsa-size', { bits: 2052 }),
  rsa('RSA of 8192 bits', 'in', { bits: 8192 }),
  rsa('RSA of 16384 bits', 'large-key', { bits: 16_384 }),
  rsa('RSA with the exponent 1', 'invalid-key', { bits: 2048, exponent: Buffer.of(1) }),
  rsa('RSA with the exponent 3', 'in', { bits: 2048, exponent: Buffer.of(3) }),
  rsa('RSA with an even exponent', 'invalid-key', { bits: 2048, exponent: Buffer.of(1, 0, 0) }),
  rsa('RSA with a negative exponent', 'invalid-key', { bits: 2048, exponent: Buffer.of(0x81) }),
  rsa('RSA with a giant exponent', 'invalid-key', { bits: 2048, exponent: Buffer.alloc(64, 0x11) }),
  rsa('RSA with an even modulus', 'invalid-key', { bits: 2048, even: true }),
  rsa('RSA without parameters', 'algorithm-parameters', { bits: 2048, parameters: null }),
  rsa('RSA with other parameters than NULL', 'algorithm-parameters', { bits: 2048, parameters: sequence() }),
  odd('an EC key on P-224', 'weak-key', 'leaf', { keys: newKeys('ec-p224') }),
  odd('an EC key on secp256k1', 'weak-key', 'leaf', { keys: newKeys('ec-secp256k1') }),
  odd('an EC key on P-384', 'in', 'leaf', { keys: newKeys('ec-p384') }),
  odd('an EC key on P-521', 'in', 'leaf', { keys: newKeys('ec-p521') }),
  odd('an Ed25519 key', 'in', 'leaf', { keys: newKeys('ed25519') }),
  odd('an Ed448 key', 'in', 'leaf', { keys: newKeys('ed448') }),
  odd('an EC key without the name of its curve', 'invalid-key', 'leaf', {
    publicKey: ecKey(sequence(unsignedInteger(1)), point),
  }),
  odd('an EC key as a compressed point', 'compressed-point', 'leaf', {
    publicKey: ecKey(p256, Buffer.concat([Buffer.of(2), point.subarray(1, 33)])),
  }),
  odd('an EC key at infinity', 'invalid-key', 'leaf', { publicKey: ecKey(p256, Buffer.of(0)) }),
  odd('a key of a type that nobody knows', 'weak-key', 'leaf', {
    publicKey: sequence(sequence(objectIdentifier('1.2.3.4')), bitString(Buffer.of(1))),
  }),
  odd('an ML-DSA key', 'in', 'leaf', { publicKey: mlDsa44 }),
  ...(['keyEncipherment', 'dataEncipherment', 'keyAgreement'] as const).map((usage) =>
    odd(`an ML-DSA key for ${usage}`, 'key-usage', 'leaf', {
      publicKey: mlDsa44,
      extensions: { keyUsage: extension.keyUsage(['digitalSignature', usage]) },
    }),
  ),
  odd('an EC key for keyAgreement', 'in', 'leaf', {
    extensions: { keyUsage: extension.keyUsage(['digitalSignature', 'keyAgreement']) },
  }),
  { name: 'root: RSA of 1024 bits', expected: 'weak-key', path: by(weakRoot) },
  {
    name: 'intermediate: RSA of 1024 bits',
    expected: 'weak-key',
    path: oddAt('intermediate', { keys: sharedKeys('rsa-1024') }),
  },
  { name: 'leaf: signed by RSA', expected: 'in', path: by(rsaRoot) },
  { name: 'leaf: signed by RSA-PSS', expected: 'in', path: by(pssRoot, { pss: true }) },
  { name: 'leaf: signed with SHA-1', expected: 'weak-signature', path: by(rsaRoot, { hash: 'sha1' }) },
  {
    name: 'leaf: RSA-PSS over SHA-1',
    expected: 'weak-signature',
    path: by(rsaRoot, { hash: 'sha1', pss: true }),
  },
  odd('signed with SHA-1', 'weak-signature', 'intermediate', { hash: 'sha1' }),
  { name: 'root: signs itself with SHA-1', expected: 'in', path: by(sha1Root) },
  {
    name: 'leaf: RSA signature without parameters',
    expected: 'in',
    path: by(rsaRoot, { algorithm: sequence(sha256WithRsa) }),
  },
  {
    name: 'leaf: RSA signature with other parameters than NULL',
    expected: 'algorithm-parameters',
    path: by(rsaRoot, { algorithm: sequence(sha256WithRsa, sequence()) }),
  },
  {
    name: 'leaf: ECDSA signature with parameters',
    expected: 'algorithm-parameters',
    path: by(root, { algorithm: sequence(ecdsaWithSha256, nothing) }),
  },
  {
    name: 'leaf: RSA-PSS whose mask is made by SHA-1',
    expected: 'did not sign it',
    path: by(rsaRoot, { pss: true, algorithm: pss(sha256, sha1) }),
  },
  { name: 'leaf: a damaged signature', expected: 'did not sign it', path: oddAt('leaf', { damaged: true }) },
  {
    name: 'leaf: an algorithm that is not its issuer’s',
    expected: 'did not sign it',
    path: by(root, { algorithm: sequence(sha256WithRsa, nothing) }),
  },
];
