import { createHash } from 'node:crypto';
import { weaknessOfKey, weaknessOfSignature } from '../trust/algorithms.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';

/** A certificate that nobody vouches for but its own key. */
export interface SelfSigned {
  readonly certificate: Certificate;
  /** `x5t#S256`: base64url SHA-256 of the DER (RFC 8705 3.1). */
  readonly thumbprint: string;
}

/** X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT (x509_vfy.h): OpenSSL tells the last fault, so there is no graver one. */
export const onlySelfSigned = 18;

/** What the DER `leaf` is, where its own key has signed it, and neither of the two is weak. */
export function readSelfSigned(leaf: Buffer): SelfSigned | undefined {
  const certificate = readCertificate(leaf);
  if (certificate === undefined || !certificate.isSelfIssued) return undefined;
  if ((weaknessOfKey(certificate.publicKey) ?? weaknessOfSignature(certificate)) !== undefined)
    return undefined;
  try {
    if (!certificate.x509.verify(certificate.x509.publicKey)) return undefined;
  } catch {
    return undefined;
  }
  return Object.freeze({
    certificate,
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
  });
}
