import { constants, type KeyObject, verify } from 'node:crypto';
import {
  type DerElement,
  DerError,
  expectTag,
  explicitTag,
  readChildren,
  readElement,
  readOid,
} from '../../x509/der.ts';

/** Signatures of at least 112 bits of security (RFC 9325 4.5); of what hash, and by what type of key. */
const algorithms: Readonly<Record<string, readonly [type: string, hash: string | null]>> = {
  '1.2.840.113549.1.1.11': ['rsa', 'sha256'],
  '1.2.840.113549.1.1.12': ['rsa', 'sha384'],
  '1.2.840.113549.1.1.13': ['rsa', 'sha512'],
  '1.2.840.10045.4.3.2': ['ec', 'sha256'],
  '1.2.840.10045.4.3.3': ['ec', 'sha384'],
  '1.2.840.10045.4.3.4': ['ec', 'sha512'],
  '1.3.101.112': ['ed25519', null],
  '1.3.101.113': ['ed448', null],
  // Node tells the type of these keys from 24 on.
  '2.16.840.1.101.3.4.3.17': ['ml-dsa-44', null],
  '2.16.840.1.101.3.4.3.18': ['ml-dsa-65', null],
  '2.16.840.1.101.3.4.3.19': ['ml-dsa-87', null],
};

const rsaPss = '1.2.840.113549.1.1.10';
const pssHashes: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** What was signed, how, and the signature. */
export interface Signed {
  readonly data: Buffer;
  /** AlgorithmIdentifier. */
  readonly algorithm: DerElement;
  readonly signature: Buffer;
}

/**
 * Whether `key` has signed. False for everything else as well: an algorithm that is weak or not known here, one that
 * does not fit the key, parameters that cannot be read.
 */
export function isSignedBy({ data, algorithm, signature }: Signed, key: KeyObject): boolean {
  try {
    const [oid, parameters] = readChildren(algorithm);
    const name = readOid(oid);
    const type = key.asymmetricKeyType;
    if (name === rsaPss) {
      if (type !== 'rsa' && type !== 'rsa-pss') return false;
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const saltLength = constants.RSA_PSS_SALTLEN_AUTO;
      return verify(pssHash(parameters), data, { key, padding, saltLength }, signature);
    }
    const [keyType, hash] = algorithms[name] ?? [];
    return keyType !== undefined && keyType === type && verify(hash, data, key, signature);
  } catch {
    return false;
  }
}

/** The hash of RSASSA-PSS-params (RFC 4055 3.1); absent it is SHA-1, which does not count. */
function pssHash(parameters: DerElement | undefined): string {
  const field = parameters && readChildren(parameters).find(({ tag }) => tag === explicitTag(0));
  const algorithm = field && readChildren(readElement(field.content))[0];
  const hash = pssHashes[readOid(expectTag(algorithm, undefined))];
  if (hash === undefined) throw new DerError('RSA-PSS over a weak hash');
  return hash;
}
