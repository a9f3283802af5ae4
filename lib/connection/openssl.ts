import { type CertificateProblem, untrusted } from '../trust/problem.ts';
import type { SessionFacts } from './session.ts';

/** OpenSSL's verdicts (X509_V_ERR_…, as Node names them) in this package's codes, and in words. */
const problems: Readonly<Record<string, CertificateProblem>> = {
  CERT_HAS_EXPIRED: { code: 'CLIENT_CERTIFICATE_EXPIRED', reason: 'it or one of its issuers has expired' },
  CERT_NOT_YET_VALID: {
    code: 'CLIENT_CERTIFICATE_NOT_YET_VALID',
    reason: 'it or one of its issuers is not valid yet',
  },
  INVALID_PURPOSE: {
    code: 'CLIENT_CERTIFICATE_PURPOSE',
    reason: 'it or one of its issuers is not meant for client authentication',
  },
  CERT_REVOKED: { code: 'CLIENT_CERTIFICATE_REVOKED', reason: 'it is revoked' },
  UNABLE_TO_GET_CRL: { code: 'REVOCATION_STATUS_UNKNOWN', reason: 'an issuer has no revocation list here' },
  CRL_HAS_EXPIRED: { code: 'REVOCATION_STATUS_UNKNOWN', reason: 'a revocation list has expired' },
  CRL_NOT_YET_VALID: { code: 'REVOCATION_STATUS_UNKNOWN', reason: 'a revocation list is not valid yet' },
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted('it is self-signed'),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted('it comes from a root that is not trusted here'),
  UNABLE_TO_GET_ISSUER_CERT: untrusted('the root of its path is not known here'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted('its issuer is not known here'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted(
    'its issuer is not known here, did not sign it, or was not sent',
  ),
  CERT_SIGNATURE_FAILURE: untrusted('its signature, or that of an issuer, is wrong'),
  INVALID_CA: untrusted('one of its issuers is no CA'),
  PATH_LENGTH_EXCEEDED: untrusted('a path length is exceeded'),
  CERT_CHAIN_TOO_LONG: untrusted('its path is too long'),
};

/** What `socket.authorizationError` means; anything new is mistrust. */
export function explainVerdict(verdict: unknown): CertificateProblem {
  return (
    (typeof verdict === 'string' ? problems[verdict] : undefined) ??
    untrusted(
      'it breaks a rule of its path: a constraint, an unknown critical extension, a weak key or signature',
    )
  );
}

/** X509_V_ERR_… around CRLs (x509_vfy.h): whoever may be revoked is not let in by another trust anchor. */
const revocationErrors: ReadonlySet<number> = new Set([3, 5, 8, 11, 12, 15, 16, 23, 33, 35, 36, 44, 54]);

export function isAboutRevocation(problem: CertificateProblem, session: SessionFacts | undefined): boolean {
  return (
    problem.code === 'CLIENT_CERTIFICATE_REVOKED' ||
    problem.code === 'REVOCATION_STATUS_UNKNOWN' ||
    session === undefined ||
    revocationErrors.has(session.verifyResult)
  );
}
