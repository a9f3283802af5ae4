import type { VerifiedPath } from '../trust/path.ts';
import { type CertificateProblem, isProblem } from '../trust/problem.ts';
import type { Validity } from '../trust/revocation/revocation.ts';
import type { ClientTrust } from '../trust/trust-store.ts';
import { type ClientCertificate, verifiedCertificate } from './client-certificate.ts';
import type { TlsState } from './tls-state.ts';

/** Who a client is, and for how long that holds (ms); why that is nobody; undefined where nobody claims to be anyone. */
export type Verdict =
  | { readonly certificate: ClientCertificate; readonly notBefore: number; readonly notAfter: number }
  | CertificateProblem
  | undefined;

/** A verdict, by what trust of the listener's it was given, and the facts that show it. */
export interface Judged {
  readonly verdict: Verdict;
  readonly trust: ClientTrust | undefined;
  /** Of `trust`, then. */
  readonly epoch: number;
  readonly state: TlsState;
}

/** Whether it was judged by this trust, as it is now. */
export const isOf = (judged: Judged, trust: ClientTrust | undefined): boolean =>
  judged.trust === trust && (trust === undefined || judged.epoch === trust.epoch);

/** Whether a verdict is the same at the time `now`: a date may have passed, or the clock been set right. */
export function holds(verdict: Verdict, now: number): boolean {
  if (verdict === undefined) return true;
  if (!isProblem(verdict)) return now >= verdict.notBefore && now <= verdict.notAfter;
  if (verdict.passing === true) return false;
  return verdict.code !== 'CLIENT_CERTIFICATE_EXPIRED' && verdict.code !== 'CLIENT_CERTIFICATE_NOT_YET_VALID';
}

/** The verdict on a path, for as long as the revocation lists say the same. */
export function within(path: VerifiedPath, status: Validity | CertificateProblem | undefined): Verdict {
  if (status !== undefined && isProblem(status)) return status;
  const verdict = verdictOn(path);
  if (status === undefined || verdict === undefined || isProblem(verdict)) return verdict;
  return {
    certificate: verdict.certificate,
    notBefore: Math.max(verdict.notBefore, status.notBefore),
    notAfter: Math.min(verdict.notAfter, status.notAfter),
  };
}

const certificates = new WeakMap<VerifiedPath, Exclude<Verdict, undefined>>();

/** One ClientCertificate for each verified path, however many connections it serves. */
export function verdictOn(outcome: VerifiedPath | CertificateProblem): Verdict {
  if (isProblem(outcome)) return outcome;
  let verdict = certificates.get(outcome);
  if (verdict === undefined) {
    const { notBefore, notAfter } = outcome;
    verdict = Object.freeze({ certificate: verifiedCertificate(outcome.certificates)!, notBefore, notAfter });
    certificates.set(outcome, verdict);
  }
  return verdict;
}
