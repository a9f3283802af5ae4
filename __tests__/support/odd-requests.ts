import { constants, createPublicKey, type KeyPairKeyObjectResult, sign } from 'node:crypto';
import { bitString, der, objectIdentifier, sequence, unsignedInteger } from '../../lib/pki/der.ts';
import { encodePem } from '../../lib/pki/pem.ts';
import { explicitTag, tags } from '../../lib/x509/der.ts';
import { sharedKeys } from './odd-keys.ts';
import { commonName } from './odd-names.ts';

/** Everything of a signing request that can be made odd. Nothing is checked. */
export interface OddRequest {
  /** A whole INTEGER. Default: 0, which is version 1. */
  version?: Buffer;
  /** A Name in DER. Default: `CN=odd`. */
  subject?: Buffer;
  /** Default: the file's key on P-256. */
  keys?: KeyPairKeyObjectResult;
  /** Who signs, where it is another one. */
  signer?: KeyPairKeyObjectResult;
  /** SubjectPublicKeyInfo in DER, where it shall not be that of the keys. */
  publicKey?: Buffer;
  /** Whole attributes; `null` leaves the field out. Default: none. */
  attributes?: readonly Buffer[] | null;
  /** Whole fields after the attributes. */
  moreFields?: readonly Buffer[];
  /** Whole fields after the signature. */
  after?: readonly Buffer[];
  /** AlgorithmIdentifier. Default: that of ECDSA with SHA-256. */
  algorithm?: Buffer;
  /** Default: SHA-256; `null` for Ed25519. */
  hash?: string | null;
  /** Sign by RSA-PSS with a salt of this length. */
  saltLength?: number;
  /** Turn a bit of the signature. */
  damaged?: boolean;
  /** Octets behind the DER. */
  trailing?: Buffer;
}

export const algorithmOf = (oid: string, parameters?: Buffer): Buffer =>
  sequence(objectIdentifier(oid), ...(parameters === undefined ? [] : [parameters]));

/** `rsaEncryption` with a hash. */
export const rsaAlgorithm = (oid: string): Buffer => algorithmOf(oid, der(0x05));

/** RSASSA-PSS-params. */
export function pssAlgorithm(hashOid: string, saltLength: number, maskHashOid: string = hashOid): Buffer {
  const hash = sequence(objectIdentifier(hashOid));
  return algorithmOf(
    '1.2.840.113549.1.1.10',
    sequence(
      der(explicitTag(0), hash),
      der(
        explicitTag(1),
        sequence(objectIdentifier('1.2.840.113549.1.1.8'), sequence(objectIdentifier(maskHashOid))),
      ),
      der(explicitTag(2), unsignedInteger(saltLength)),
    ),
  );
}

export const requestAttribute = (oid: string, ...values: readonly Buffer[]): Buffer =>
  sequence(objectIdentifier(oid), der(tags.set, ...values));

/** The attribute that asks for these whole extensions. */
export const asksFor = (...extensions: readonly Buffer[]): Buffer =>
  requestAttribute('1.2.840.113549.1.9.14', sequence(...extensions));

/** A certificate signing request in DER. */
export function oddRequestDer(odd: OddRequest = {}): Buffer {
  const keys = odd.keys ?? sharedKeys('ec-p256');
  const { privateKey } = odd.signer ?? keys;
  const info = sequence(
    odd.version ?? unsignedInteger(0),
    odd.subject ?? commonName('odd'),
    odd.publicKey ?? createPublicKey(keys.privateKey).export({ type: 'spki', format: 'der' }),
    ...(odd.attributes === null ? [] : [der(explicitTag(0), ...(odd.attributes ?? []))]),
    ...(odd.moreFields ?? []),
  );
  const hash = odd.hash === undefined ? 'sha256' : odd.hash;
  const key =
    odd.saltLength === undefined
      ? privateKey
      : { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: odd.saltLength };
  const signature = sign(hash, info, key);
  if (odd.damaged === true) signature[signature.length - 1]! ^= 1;
  const request = sequence(
    info,
    odd.algorithm ?? algorithmOf('1.2.840.10045.4.3.2'),
    bitString(signature),
    ...(odd.after ?? []),
  );
  return odd.trailing === undefined ? request : Buffer.concat([request, odd.trailing]);
}

/** The same in PEM. */
export const oddRequest = (odd: OddRequest = {}, label = 'CERTIFICATE REQUEST'): string =>
  encodePem(label, oddRequestDer(odd));
