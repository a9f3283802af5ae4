import { constants, type KeyObject, verify } from 'node:crypto';
import {
  type DerElement,
  DerError,
  explicitTag,
  expectTag,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';

const ecdsa: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};
const rsa: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};
const hashes: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const rsaPss = '1.2.840.113549.1.1.10';
const mgf1 = '1.2.840.113549.1.1.8';
const ed25519 = '1.3.101.112';

/**
 * Whether `signature` is `key`'s on `data`, by an algorithm of SHA-2 or Ed25519 (RFC 9325 4.2 leaves no other).
 * Throws a DerError for another algorithm, or one that is not the key's.
 */
export function isSignedBy(
  key: KeyObject,
  algorithm: DerElement | undefined,
  data: Buffer,
  signature: Buffer,
): boolean {
  const [type, parameters] = readChildren(expectTag(algorithm, tags.sequence));
  const oid = readOid(type);
  const keyType = key.asymmetricKeyType;
  if (keyType === 'ec' && ecdsa[oid] !== undefined) return verify(ecdsa[oid], data, key, signature);
  if (keyType === 'rsa' && rsa[oid] !== undefined) return verify(rsa[oid], data, key, signature);
  if (keyType === 'ed25519' && oid === ed25519) return verify(null, data, key, signature);
  if ((keyType === 'rsa' || keyType === 'rsa-pss') && oid === rsaPss) {
    const { hash, saltLength } = readPss(parameters);
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
  }
  throw new DerError(`it is signed with ${oid}`);
}

/** RSASSA-PSS-params (RFC 4055 3.1), of one hash; the defaults are SHA-1. */
function readPss(parameters: DerElement | undefined): { hash: string; saltLength: number } {
  const fields = new Map(
    readChildren(expectTag(parameters, tags.sequence)).map((field) => [field.tag, field]),
  );
  const at = (n: number): DerElement => readElement(expectTag(fields.get(explicitTag(n)), undefined).content);
  const hash = hashes[readOid(readChildren(at(0))[0])];
  const [mask, maskHash] = readChildren(at(1));
  const saltLength = readSmallInteger(at(2));
  const isWhole = [...fields.keys()].every((tag) => [0, 1, 2].map(explicitTag).includes(tag));
  if (
    hash === undefined ||
    readOid(mask) !== mgf1 ||
    hashes[readOid(readChildren(expectTag(maskHash, tags.sequence))[0])] !== hash ||
    saltLength < 20 ||
    saltLength > 64 ||
    !isWhole
  )
    throw new DerError('it is signed by RSA-PSS with odd parameters');
  return { hash, saltLength };
}
