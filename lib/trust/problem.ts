import type { PolicyViolationCode } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';

/** Why a client's certificate is not accepted. `reason` is for the operator. */
export interface CertificateProblem {
  readonly code: PolicyViolationCode;
  readonly reason: string;
  /** Nothing was found wrong; an issuer was missing to go on. */
  readonly incomplete?: true;
  /** Time alone can turn it, so it is judged anew each time it is asked for. */
  readonly passing?: true;
  /** That which is revoked, or denied: in another path it may be missing. */
  readonly outcast?: Certificate;
}

export const isProblem = (outcome: object): outcome is CertificateProblem => 'code' in outcome;

export const untrusted = (reason: string): CertificateProblem => ({
  code: 'CLIENT_CERTIFICATE_UNTRUSTED',
  reason,
});
