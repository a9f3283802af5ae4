import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { isProblem, type CertificateProblem } from '../trust/problem.ts';
import type { ClientTrust } from '../trust/trust-store.ts';
import {
  type CertificateFailure,
  CertificateVerificationError,
  type FailureDetails,
  HostnameMismatchError,
  PinMismatchError,
  type TlsClientError,
} from './errors.ts';
import { isNamed, namesOf, readHostName } from './host-name.ts';
import type { ClientConfig } from './options.ts';
import { checkStaple } from './staple.ts';

/** Whom a connection was opened for. */
export interface Target {
  /** That the certificate must have. */
  readonly host: string;
  readonly port: number;
}

/** What a server has shown in a full handshake. */
export interface Presented {
  readonly leaf: Buffer;
  /** What came along, and may link it to an anchor. Nothing in it is believed. */
  readonly issuers: readonly Buffer[];
  /** The OCSP response that it has stapled. */
  readonly staple: Buffer | undefined;
}

/** That a server was found in order, and when that holds (ms). */
export interface Approval {
  readonly notBefore: number;
  readonly notAfter: number;
}

export const isRefusal = (outcome: Approval | TlsClientError): outcome is TlsClientError =>
  outcome instanceof Error;

export const holdsAt = ({ notBefore, notAfter }: Approval, at: number): boolean =>
  at >= notBefore && at <= notAfter;

/**
 * All that is asked of a server's certificate, in this order: its path, revocation, its names, its pins. The same for a
 * full handshake and for a session that is resumed, of which `presented` is what its full handshake had. Never throws.
 */
export function judge(
  { trust, pins, onChain, requireStaple }: ClientConfig,
  target: Target,
  presented: Presented,
  at: number,
): Approval | TlsClientError {
  const path = trust.store.verifyPresented(presented.leaf, presented.issuers, at, trust);
  if (isProblem(path)) return refusal(path, target, presented, trust);
  const { certificates } = path;
  const [leaf, issuer] = certificates as [Certificate, ...Certificate[]];
  const status = trust.check(certificates, at);
  if (status !== undefined && isProblem(status)) return refusal(status, target, presented, trust);
  const stapled = checkStaple(presented.staple, leaf, issuer, requireStaple, at);
  if (stapled !== undefined && 'failure' in stapled)
    return verificationError(stapled.failure, 'a good OCSP response', stapled.seen, target);
  const name = readHostName(target.host);
  if (name === undefined || !isNamed(leaf, name))
    return new HostnameMismatchError({ ...target, expected: name?.text ?? target.host, seen: namesOf(leaf) });
  const pinned = onChain ? certificates : [leaf];
  if (
    pins !== undefined &&
    !pinned.some(({ pin, fingerprint256 }) => pins.has(pin) || pins.has(fingerprint256))
  )
    return new PinMismatchError({
      ...target,
      expected: [...pins].join(' '),
      seen: pinned.map(({ pin }) => pin).join(' '),
    });
  return {
    notBefore: Math.max(path.notBefore, status?.notBefore ?? -Infinity),
    notAfter: Math.min(path.notAfter, status?.notAfter ?? Infinity, stapled?.notAfter ?? Infinity),
  };
}

/** What the checks call a client's certificate is a server's here. */
const failures: Readonly<Partial<Record<string, CertificateFailure>>> = {
  CLIENT_CERTIFICATE_EXPIRED: 'CERTIFICATE_EXPIRED',
  CLIENT_CERTIFICATE_NOT_YET_VALID: 'CERTIFICATE_NOT_YET_VALID',
  CLIENT_CERTIFICATE_PURPOSE: 'CERTIFICATE_PURPOSE',
  CLIENT_CERTIFICATE_REVOKED: 'CERTIFICATE_REVOKED',
  REVOCATION_STATUS_UNKNOWN: 'REVOCATION_STATUS_UNKNOWN',
};

function refusal(
  problem: CertificateProblem,
  target: Target,
  { leaf }: Presented,
  { anchors }: ClientTrust,
): TlsClientError {
  const failure = problem.incomplete === true ? 'ISSUER_UNKNOWN' : failures[problem.code];
  // Whatever else is wrong with it: nobody vouches for it.
  const own = readCertificate(leaf)?.isSelfIssued === true && !anchors.some(({ raw }) => raw.equals(leaf));
  const reason = own ? 'CERTIFICATE_SELF_SIGNED' : (failure ?? 'CERTIFICATE_UNTRUSTED');
  return verificationError(reason, inOrder, problem.reason, target);
}

const inOrder = "a server's certificate with a path to a trust anchor, in order and not revoked";

function verificationError(
  failure: CertificateFailure,
  expected: string,
  seen: string,
  target: Target,
): CertificateVerificationError {
  const details: FailureDetails = { ...target, expected, seen };
  return new CertificateVerificationError(failure, details);
}
