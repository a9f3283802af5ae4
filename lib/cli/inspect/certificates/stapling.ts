import { certIdOf } from '../../../trust/ocsp/ocsp-request.ts';
import { isIssuedBy, isOcspProblem, verifyOcspResponse } from '../../../trust/ocsp/ocsp-verify.ts';
import type { Stapling } from '../inspection.ts';
import type { SeenChain } from './served-chain.ts';

/** Judges the OCSP response that came with a chain. */
export function judgeStapling(response: Buffer | undefined, chain: SeenChain, now: number): Stapling {
  if (response === undefined || response.length === 0)
    return { stapled: false, status: null, problem: null, nextUpdate: null };
  const [leaf, ...others] = chain.certificates;
  const issuer = [...(chain.path?.slice(1) ?? []), ...others].find((one) => isIssuedBy(leaf!, one));
  if (issuer === undefined) return invalid('its issuer is not known here, so that it cannot be verified');
  const outcome = verifyOcspResponse(response, certIdOf(leaf!, issuer), issuer, now);
  if (isOcspProblem(outcome)) return invalid(outcome.reason);
  const { status, nextUpdate } = outcome;
  return { stapled: true, status, problem: null, nextUpdate: new Date(nextUpdate).toISOString() };
}

const invalid = (problem: string): Stapling => ({ stapled: true, status: null, problem, nextUpdate: null });
