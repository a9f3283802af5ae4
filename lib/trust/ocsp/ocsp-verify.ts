import { octetString } from '../../pki/der.ts';
import { type Certificate, readCertificate } from '../../x509/certificate.ts';
import { oids } from '../../x509/extensions.ts';
import { weaknessOfKey, weaknessOfSignature } from '../algorithms.ts';
import { isNamedAs } from '../revocation/crl-name.ts';
import { type CertId, keyHash } from './ocsp-request.ts';
import { type BasicResponse, readOcspResponse, type SingleResponse } from './ocsp-response.ts';
import { isSignedBy } from './ocsp-signature.ts';

/** Why an OCSP response does not count. Stable: switch on it. */
export type OcspProblemCode =
  /** It is no OCSP response, or one with something critical that is not understood. */
  | 'OCSP_MALFORMED'
  /** The responder does not answer (tryLater, unauthorized …). */
  | 'OCSP_UNSUCCESSFUL'
  /** It is about another certificate. */
  | 'OCSP_WRONG_CERTIFICATE'
  /** Neither the issuer nor a responder that the issuer has appointed has signed it. */
  | 'OCSP_UNTRUSTED'
  /** It answers another question than this one: its nonce is another, or is missing where it is required. */
  | 'OCSP_NONCE'
  /** It is not of this time, or does not say until when it holds. */
  | 'OCSP_STALE'
  /** The responder does not know the certificate. */
  | 'OCSP_UNKNOWN';

export interface OcspProblem {
  readonly code: OcspProblemCode;
  readonly reason: string;
}

/** A verified statement of the issuer's. Times are milliseconds since 1970. */
export interface OcspStatus {
  readonly status: 'good' | 'revoked';
  readonly revokedAt: number | undefined;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** What else is asked of a response. */
export interface OcspDemands {
  /** The nonce of the request (RFC 9654): one that comes back must be it, and with `required` one must come back. */
  readonly nonce?: { readonly sent: Buffer; readonly required: boolean } | undefined;
  /**
   * For how long a response holds that does not say until when, as newer information is always available (RFC 6960
   * 4.2.2.1), in milliseconds; without it such a response is stale.
   */
  readonly openEnded?: number | undefined;
}

/** How far the clock of a responder may be ahead of ours. */
const skew = 5 * 60_000;
/** Whoever is between us and a responder may add certificates; each that fits by name costs a signature. */
const maxSigners = 4;

const ocspSigning = '1.3.6.1.5.5.7.3.9';

/**
 * Verifies an OCSP response (RFC 6960 3.2) about the certificate `id`, which `issuer` has issued, at the time `at`
 * (ms). What is believed: the issuer's key, and a responder's certificate with the purpose OCSPSigning that the issuer
 * itself has signed; whether that one is revoked is not asked (RFC 6960 4.2.2.2.1: with id-pkix-ocsp-nocheck it must
 * not be, without it a CA that has lost such a key can say so by its list alone). Without nextUpdate nothing is good
 * for a cache (RFC 5019 2.2.4), unless `openEnded` says for how long. Never throws.
 */
export function verifyOcspResponse(
  response: Buffer,
  id: CertId,
  issuer: Certificate,
  at: number,
  demands: OcspDemands = {},
): OcspStatus | OcspProblem {
  let basic: BasicResponse | string;
  try {
    basic = readOcspResponse(response);
  } catch (error) {
    return { code: 'OCSP_MALFORMED', reason: `it cannot be read: ${(error as Error).message}` };
  }
  if (typeof basic === 'string')
    return { code: 'OCSP_UNSUCCESSFUL', reason: `the responder answers '${basic}'` };
  const single = basic.responses.find(({ certId }) => certId !== undefined && isSame(certId, id));
  if (single === undefined)
    return { code: 'OCSP_WRONG_CERTIFICATE', reason: 'it is about another certificate' };
  return (
    problemOfSigner(basic, issuer, at) ??
    problemOfNonce(basic, demands.nonce) ??
    statusOf(single, basic.producedAt, at, demands.openEnded)
  );
}

export const isOcspProblem = (outcome: OcspStatus | OcspProblem): outcome is OcspProblem => 'code' in outcome;

const isSame = (one: CertId, other: CertId): boolean =>
  one.serialNumber.equals(other.serialNumber) &&
  one.issuerKeyHash.equals(other.issuerKeyHash) &&
  one.issuerNameHash.equals(other.issuerNameHash);

/** Some responders write the octets themselves where RFC 9654 2.1 has an OCTET STRING of them. */
function problemOfNonce({ nonce }: BasicResponse, asked: OcspDemands['nonce']): OcspProblem | undefined {
  if (asked === undefined) return undefined;
  const { sent, required } = asked;
  if (nonce === undefined)
    return required ? { code: 'OCSP_NONCE', reason: 'it has no nonce, and one is required' } : undefined;
  if (nonce.equals(sent) || nonce.equals(octetString(sent))) return undefined;
  return { code: 'OCSP_NONCE', reason: 'its nonce is that of another question' };
}

function statusOf(
  single: SingleResponse,
  producedAt: number,
  at: number,
  openEnded: number | undefined,
): OcspStatus | OcspProblem {
  const { status, revokedAt, thisUpdate } = single;
  // One that is old, and says that newer information is there, does not say what that is.
  const isRecent = thisUpdate > at - skew - (openEnded ?? 0);
  const nextUpdate = single.nextUpdate ?? (openEnded !== undefined && isRecent ? at + openEnded : undefined);
  if (status === 'unknown')
    return { code: 'OCSP_UNKNOWN', reason: 'the responder does not know the certificate' };
  if (nextUpdate === undefined) return stale('it does not say until when it holds');
  if (thisUpdate > at + skew || producedAt > at + skew) return stale(`it is from ${iso(thisUpdate)}`);
  if (nextUpdate <= at) return stale(`it held until ${iso(nextUpdate)}`);
  if (nextUpdate <= thisUpdate) return stale('it ends before it begins');
  return { status, revokedAt, thisUpdate, nextUpdate };
}

const stale = (reason: string): OcspProblem => ({ code: 'OCSP_STALE', reason });
const iso = (ms: number): string => new Date(ms).toISOString();

function problemOfSigner(basic: BasicResponse, issuer: Certificate, at: number): OcspProblem | undefined {
  if (isResponder(basic, issuer) && hasSigned(basic, issuer)) return undefined;
  let reason = 'its signer is neither the issuer nor appointed by it';
  const signers = basic.certificates
    .flatMap((der) => readCertificate(der) ?? [])
    .filter((certificate) => isResponder(basic, certificate));
  for (const signer of signers.slice(0, maxSigners)) {
    const problem = problemOfDelegate(signer, issuer, at);
    if (problem === undefined && hasSigned(basic, signer)) return undefined;
    reason = problem ?? 'its signature does not fit its signer';
  }
  return { code: 'OCSP_UNTRUSTED', reason };
}

/** RFC 6960 4.2.2.3. A certificate whose key cannot be read is nobody's. */
function isResponder({ responder }: BasicResponse, certificate: Certificate): boolean {
  try {
    return 'name' in responder
      ? responder.name.equals(certificate.subjectRaw)
      : responder.keyHash.equals(keyHash(certificate));
  } catch {
    return false;
  }
}

/** A key that OpenSSL cannot use has signed nothing. */
function hasSigned({ signed }: BasicResponse, { x509 }: Certificate): boolean {
  try {
    return isSignedBy(signed, x509.publicKey);
  } catch {
    return false;
  }
}

/** Why a certificate is no responder of the issuer's (RFC 6960 4.2.2.2). */
function problemOfDelegate(delegate: Certificate, issuer: Certificate, at: number): string | undefined {
  const { extendedKeyUsage = [], keyUsage, notBefore, notAfter, extensions } = delegate;
  if (!extendedKeyUsage.includes(ocspSigning)) return "its signer's certificate is not for OCSP signing";
  if (keyUsage !== undefined && !keyUsage.has('digitalSignature'))
    return "its signer's certificate may not sign";
  if (at < notBefore || at > notAfter) return "its signer's certificate is not valid at this time";
  const unknown = [...extensions].find(([oid, { critical }]) => critical && !understood.has(oid));
  if (unknown !== undefined)
    return `its signer's certificate has the unknown critical extension ${unknown[0]}`;
  const weakness = weaknessOfKey(delegate.publicKey) ?? weaknessOfSignature(delegate);
  if (weakness !== undefined) return `its signer's certificate has ${weakness}`;
  return isIssuedBy(delegate, issuer) ? undefined : "its signer's certificate was not issued by the issuer";
}

const understood: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.certificatePolicies,
]);

/** Whether `issuer` has issued `certificate`, by its name and signature. Never throws. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return isNamedAs(issuer, certificate) && certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}
