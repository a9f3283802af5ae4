import { type Certificate, signatureAlgorithmOid } from '../x509/certificate.ts';
import { expectTag, explicitTag, readChildren, readElement, readOid } from '../x509/der.ts';
import type { PublicKeyInfo } from '../x509/public-key.ts';

/** Signatures of at least 112 bits of security (RFC 9325 4.5, SP 800-131A). */
const strongSignatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112', // Ed25519
  '1.3.101.113', // Ed448
  '2.16.840.1.101.3.4.3.17', // ML-DSA-44
  '2.16.840.1.101.3.4.3.18',
  '2.16.840.1.101.3.4.3.19',
]);

const rsaPss = '1.2.840.113549.1.1.10';
const strongHashes: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

/** What is weak about how a certificate was signed; undefined where nothing is. */
export function weaknessOfSignature(certificate: Certificate): string | undefined {
  const oid = signatureAlgorithmOid(certificate);
  if (strongSignatures.has(oid)) return undefined;
  if (oid !== rsaPss) return `the weak or unknown algorithm ${oid}`;
  return strongHashes.has(pssHash(certificate)) ? undefined : 'RSA-PSS over a weak hash';
}

/** The hash of RSASSA-PSS-params (RFC 4055 3.1); absent means SHA-1. */
function pssHash(certificate: Certificate): string {
  const parameters = readChildren(certificate.signatureAlgorithm)[1];
  const hash = parameters && readChildren(parameters).find(({ tag }) => tag === explicitTag(0));
  return hash === undefined
    ? 'sha1'
    : readOid(expectTag(readChildren(readElement(hash.content))[0], undefined));
}

const strongTypes: ReadonlySet<string> = new Set(['ed25519', 'ed448', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87']);
const strongCurves: ReadonlySet<string> = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
]);

/** What is weak about a key; undefined where nothing is. */
export function weaknessOfKey({ type, bits, curve }: PublicKeyInfo): string | undefined {
  if (type === 'rsa' || type === 'rsa-pss')
    return (bits ?? 0) >= 2048 ? undefined : `an RSA key of ${bits} bits`;
  if (type === 'ec') return strongCurves.has(curve ?? '') ? undefined : `a key on the curve ${curve}`;
  return strongTypes.has(type) ? undefined : `a key of the unknown type ${type}`;
}
