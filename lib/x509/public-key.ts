import {
  type DerElement,
  expectTag,
  readBitString,
  readChildren,
  readElement,
  readOid,
  tags,
} from './der.ts';

/** A public key in Node's terms: `KeyObject.asymmetricKeyType` and `namedCurve`. `bits` is undefined where the type fixes it. */
export interface PublicKeyInfo {
  readonly type: string;
  readonly bits: number | undefined;
  readonly curve: string | undefined;
}

const curves: Readonly<Record<string, readonly [name: string, bits: number]>> = {
  '1.2.840.10045.3.1.7': ['prime256v1', 256],
  '1.3.132.0.34': ['secp384r1', 384],
  '1.3.132.0.35': ['secp521r1', 521],
  '1.3.132.0.10': ['secp256k1', 256],
  '1.3.36.3.3.2.8.1.1.7': ['brainpoolP256r1', 256],
  '1.3.36.3.3.2.8.1.1.11': ['brainpoolP384r1', 384],
  '1.3.36.3.3.2.8.1.1.13': ['brainpoolP512r1', 512],
};

const otherTypes: Readonly<Record<string, string>> = {
  '1.3.101.112': 'ed25519',
  '1.3.101.113': 'ed448',
  '1.2.840.10040.4.1': 'dsa',
  '2.16.840.1.101.3.4.3.17': 'ml-dsa-44',
  '2.16.840.1.101.3.4.3.18': 'ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'ml-dsa-87',
};

/** Reads a SubjectPublicKeyInfo (RFC 5280 4.1.2.7). A type that nobody here knows is named by its OID. */
export function readPublicKey(element: DerElement): PublicKeyInfo {
  const [algorithm, key] = readChildren(expectTag(element, tags.sequence));
  const [type, parameters] = readChildren(expectTag(algorithm, tags.sequence));
  const oid = readOid(type);
  switch (oid) {
    case '1.2.840.113549.1.1.1':
      return rsa('rsa', key);
    case '1.2.840.113549.1.1.10':
      return rsa('rsa-pss', key);
    case '1.2.840.10045.2.1': {
      const curveOid = parameters?.tag === tags.objectIdentifier ? readOid(parameters) : 'explicit';
      const [curve, bits] = curves[curveOid] ?? [curveOid, undefined];
      return Object.freeze({ type: 'ec', bits, curve });
    }
    default:
      return Object.freeze({ type: otherTypes[oid] ?? oid, bits: undefined, curve: undefined });
  }
}

function rsa(type: string, key: DerElement | undefined): PublicKeyInfo {
  const [modulus] = readChildren(readElement(readBitString(key), tags.sequence));
  const { content } = expectTag(modulus, tags.integer);
  const first = content.findIndex((octet) => octet !== 0);
  const bits = first === -1 ? 0 : (content.length - first) * 8 - (Math.clz32(content[first]!) - 24);
  return Object.freeze({ type, bits, curve: undefined });
}
