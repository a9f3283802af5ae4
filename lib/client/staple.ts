import { certIdOf } from '../trust/ocsp/ocsp-request.ts';
import { isOcspProblem, verifyOcspResponse } from '../trust/ocsp/ocsp-verify.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readChildren, readElement, readSmallInteger, tags } from '../x509/der.ts';
import type { CertificateFailure } from './errors.ts';

/** What a stapled response says; undefined where it says nothing, and need not. */
type Stapled =
  | { readonly notAfter: number }
  | { readonly failure: CertificateFailure; readonly seen: string }
  | undefined;

/**
 * The OCSP response that the server has sent along (RFC 6066 8). One that says 'revoked' always refuses. One that does
 * not count is as none, as whoever sits in between could leave it out; but where one is required, or the certificate
 * demands it, there must be a good one. That of an intermediate nobody staples.
 */
export function checkStaple(
  staple: Buffer | undefined,
  leaf: Certificate,
  issuer: Certificate | undefined,
  required: boolean,
  at: number,
): Stapled {
  const isRequired = required || mustStaple(leaf);
  if (staple === undefined || issuer === undefined)
    return isRequired ? unknown('the server has stapled no OCSP response') : undefined;
  const outcome = verifyOcspResponse(staple, certIdOf(leaf, issuer), issuer, at);
  if (isOcspProblem(outcome))
    return isRequired ? unknown(`of the stapled OCSP response: ${outcome.reason}`) : undefined;
  if (outcome.status === 'revoked')
    return { failure: 'CERTIFICATE_REVOKED', seen: 'the OCSP response that the server has stapled says so' };
  return isRequired ? { notAfter: outcome.nextUpdate } : undefined;
}

const unknown = (seen: string): Stapled => ({ failure: 'REVOCATION_STATUS_UNKNOWN', seen });

const tlsFeature = '1.3.6.1.5.5.7.1.24';
const statusRequest = 5;

/** RFC 7633: the certificate is good only with a stapled response. What cannot be read demands it. */
function mustStaple({ extensions }: Certificate): boolean {
  const feature = extensions.get(tlsFeature);
  if (feature === undefined) return false;
  try {
    return readChildren(readElement(feature.value, tags.sequence)).some(
      (item) => readSmallInteger(item) === statusRequest,
    );
  } catch {
    return true;
  }
}
