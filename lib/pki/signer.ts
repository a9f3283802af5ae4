import { constants, type KeyObject, sign } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import { explicitTag } from '../x509/der.ts';
import { der, objectIdentifier, sequence, unsignedInteger } from './der.ts';

type Hash = 'sha256' | 'sha384' | 'sha512';

/** How a private key signs certificates and CRLs. */
export interface Signer {
  /** AlgorithmIdentifier in DER (RFC 5280 4.1.1.2). */
  readonly algorithm: Buffer;
  /** The same in Web Crypto's terms. */
  readonly webAlgorithm: Readonly<{ name: string; hash?: string; saltLength?: number }>;
  sign(data: Buffer): Buffer;
}

const hashOids: Readonly<Record<Hash, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const saltLengths: Readonly<Record<Hash, number>> = { sha256: 32, sha384: 48, sha512: 64 };
const webHash = (hash: Hash): string => hash.replace('sha', 'SHA-');

/** The signer of a key that `requireStrongKey` has let pass. */
export function signerOf(key: KeyObject, path: string): Signer {
  const type = key.asymmetricKeyType;
  if (type === 'ec') return ecdsa(key);
  if (type === 'rsa-pss') return rsaPss(key, path);
  return type === 'ed25519' ? ed25519(key) : rsa(key);
}

const ed25519 = (key: KeyObject): Signer => ({
  algorithm: sequence(objectIdentifier('1.3.101.112')),
  webAlgorithm: { name: 'Ed25519' },
  sign: (data) => sign(null, data, key),
});

const rsa = (key: KeyObject): Signer => ({
  algorithm: sequence(objectIdentifier('1.2.840.113549.1.1.11'), der(0x05)),
  webAlgorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  sign: (data) => sign('sha256', data, key),
});

/** RFC 5480 4: the hash is as strong as the curve. */
function ecdsa(key: KeyObject): Signer {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const [oid, hash] =
    curve === 'secp521r1'
      ? (['1.2.840.10045.4.3.4', 'sha512'] as const)
      : curve === 'secp384r1'
        ? (['1.2.840.10045.4.3.3', 'sha384'] as const)
        : (['1.2.840.10045.4.3.2', 'sha256'] as const);
  return {
    algorithm: sequence(objectIdentifier(oid)),
    webAlgorithm: { name: 'ECDSA', hash: webHash(hash) },
    sign: (data) => sign(hash, data, key),
  };
}

/** RFC 4055 3.1: a key may be bound to one hash and a least salt; one that is not gets SHA-256. */
function rsaPss(key: KeyObject, path: string): Signer {
  const {
    hashAlgorithm: hash = 'sha256',
    mgf1HashAlgorithm = hash,
    saltLength: least = 0,
  } = key.asymmetricKeyDetails ?? {};
  if (!isHash(hash) || mgf1HashAlgorithm !== hash) {
    throw new ConfigError(
      'KEY_INVALID',
      path,
      `an RSA-PSS key bound to ${hash}`,
      'Use one bound to SHA-256, SHA-384, SHA-512, or to none.',
    );
  }
  const saltLength = Math.max(saltLengths[hash], least);
  const hashAlgorithm = sequence(objectIdentifier(hashOids[hash]));
  return {
    algorithm: sequence(
      objectIdentifier('1.2.840.113549.1.1.10'),
      sequence(
        der(explicitTag(0), hashAlgorithm),
        der(explicitTag(1), sequence(objectIdentifier('1.2.840.113549.1.1.8'), hashAlgorithm)),
        der(explicitTag(2), unsignedInteger(saltLength)),
      ),
    ),
    webAlgorithm: { name: 'RSA-PSS', hash: webHash(hash), saltLength },
    sign: (data) => sign(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  };
}

const isHash = (name: string): name is Hash => Object.hasOwn(hashOids, name);
