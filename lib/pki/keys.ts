import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';
import { readBitString, readChildren, readElement, tags } from '../x509/der.ts';
import { readPublicKey } from '../x509/public-key.ts';

const generate = promisify(generateKeyPair);

/**
 * What kind of key to make. `rsa-pss-2048` is a key that may do RSA-PSS only (RFC 4055 1.2); `rsa-…` keys sign
 * certificates with PKCS#1 v1.5, as every client can verify that. Browsers accept neither `ecdsa-p521` nor `ed25519`
 * from a server.
 */
export type KeyType =
  | 'ecdsa-p256'
  | 'ecdsa-p384'
  | 'ecdsa-p521'
  | 'rsa-2048'
  | 'rsa-3072'
  | 'rsa-4096'
  | 'rsa-pss-2048'
  | 'ed25519';

export const keyTypes: readonly KeyType[] = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'rsa-pss-2048',
  'ed25519',
];

/** Spelt out, as the name of this type in Node's own differs by version. */
interface GeneratedKeys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generators: Readonly<Record<KeyType, () => Promise<GeneratedKeys>>> = {
  'ecdsa-p256': () => generate('ec', { namedCurve: 'prime256v1' }),
  'ecdsa-p384': () => generate('ec', { namedCurve: 'secp384r1' }),
  'ecdsa-p521': () => generate('ec', { namedCurve: 'secp521r1' }),
  'rsa-2048': () => generate('rsa', { modulusLength: 2048 }),
  'rsa-3072': () => generate('rsa', { modulusLength: 3072 }),
  'rsa-4096': () => generate('rsa', { modulusLength: 4096 }),
  'rsa-pss-2048': () => generate('rsa-pss', { modulusLength: 2048 }),
  ed25519: () => generate('ed25519'),
};

/** A fresh key pair from Node's random generator. */
export const generateKeys = (type: KeyType): Promise<GeneratedKeys> => generators[type]();

export const exportKey = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Refuses a public key that is of another type than those made here, or weaker (RFC 9325 4.5), or written in a way that
 * verifiers do not take.
 */
export function requireStrongKey(key: KeyObject, path: string): void {
  const type = key.asymmetricKeyType ?? 'unknown';
  if (type === 'ed25519') return;
  if (type === 'ec') return requireCurve(key, path);
  if (type !== 'rsa' && type !== 'rsa-pss') throw weakKey(path, `a key of the type ${type}`);
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 2048 || modulusLength > 8192 || modulusLength % 8 !== 0)
    throw weakKey(path, `an RSA key of ${modulusLength} bits`);
  // FIPS 186-5 A.1.1.
  if (publicExponent < 65_537n || publicExponent >> 256n > 0n || publicExponent % 2n === 0n)
    throw weakKey(path, 'an RSA key with a bad public exponent');
}

/** RFC 5480 2.1.1 and 2.2: the curve is named, not described, and the point not compressed. */
function requireCurve(key: KeyObject, path: string): void {
  const spki = readElement(key.export({ type: 'spki', format: 'der' }), tags.sequence);
  const { curve } = readPublicKey(spki);
  if (!curves.has(curve)) throw weakKey(path, `a key on the curve ${curve}`);
  if (readBitString(readChildren(spki)[1])[0] !== 0x04) throw weakKey(path, 'a key as a compressed point');
}

const weakKey = (path: string, problem: string): ConfigError =>
  new ConfigError(
    'KEY_INVALID',
    path,
    problem,
    'Use ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519.',
  );

/** Reads a private key in PEM; a ConfigError `KEY_INVALID` never carries its content. */
export function readPrivateKey(pem: unknown, passphrase: unknown, path: string): KeyObject {
  if (typeof pem !== 'string') {
    throw new ConfigError(
      'KEY_INVALID',
      path,
      `expected a PEM text, got ${describe(pem)}`,
      'Give the private key in PEM.',
    );
  }
  try {
    return createPrivateKey({
      key: pem,
      format: 'pem',
      ...(typeof passphrase === 'string' && { passphrase }),
    });
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(pem);
    throw new ConfigError(
      'KEY_INVALID',
      path,
      encrypted ? 'the private key cannot be decrypted' : 'it is no private key in PEM',
      encrypted ? 'Check the passphrase.' : 'Give PKCS#8, PKCS#1 or SEC 1 in PEM.',
      error,
    );
  }
}
