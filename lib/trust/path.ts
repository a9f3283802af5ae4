import { X509Certificate } from 'node:crypto';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { type NameConstraints, problemOfIssuer, problemOfLeaf, problemOfSignature } from './checks.ts';
import { type CertificateProblem, isProblem, untrusted } from './problem.ts';

/** A path that was verified: the leaf first, the trust anchor last, and the time in which all of it is valid (ms). */
export interface VerifiedPath {
  readonly certificates: readonly Certificate[];
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface PathRequest {
  /** DER. */
  readonly leaf: Buffer;
  /**
   * Certificates (DER) that may link the leaf to an anchor: what the client sent. Nothing in them is believed. Read
   * only where no anchor has issued the leaf, as to ask Node for them can cost as much as the rest of a handshake.
   */
  readonly hints: readonly Buffer[];
  readonly anchors: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly nameConstraints: NameConstraints;
}

type Path = [Certificate, ...Certificate[]];

interface Search {
  readonly anchors: readonly Certificate[];
  readonly hints: () => readonly Certificate[];
  readonly at: number;
  readonly nameConstraints: NameConstraints;
  signatureChecks: number;
}

const maxDepth = 8;
/** A client chooses the hints: without a bound, cross-signed ones of one name would cost a factorial of signatures. */
const maxSignatureChecks = 64;

/**
 * Builds and verifies a path from a client's certificate to a trust anchor (RFC 5280 6.1): signatures, dates,
 * basicConstraints, path length, key usage, purpose, algorithms. What it cannot judge, it refuses: an unknown critical
 * extension, a version below 3, an algorithm that it does not know. An anchor may be an intermediate.
 * Where no path leads to an anchor, the fault of the last one tried is told.
 */
export function verifyPath(request: PathRequest): VerifiedPath | CertificateProblem {
  const { leaf, anchors, at, nameConstraints } = request;
  const certificate = readCertificate(leaf);
  if (certificate === undefined) return unreadable;
  let known: readonly Certificate[] | undefined;
  const hints = (): readonly Certificate[] => (known ??= readable(request.hints));
  const search: Search = { anchors, hints, at, nameConstraints, signatureChecks: 0 };
  return problemOfLeaf(certificate, at, nameConstraints) ?? extend([certificate], search);
}

/**
 * The path as far as signatures link it, for a certificate that OpenSSL has verified to an anchor that is not known
 * here: every link is checked as `verifyPath` does, the end is not.
 */
export function linkPath(
  leaf: Buffer,
  hints: readonly Buffer[],
  at: number,
): VerifiedPath | CertificateProblem {
  const certificate = readCertificate(leaf);
  if (certificate === undefined) return unreadable;
  const issuers = readable(hints);
  const path: Path = [certificate];
  let problem = problemOfLeaf(certificate, at, 'judged by OpenSSL') ?? problemOfSignature(certificate);
  while (problem === undefined) {
    const last = path.at(-1)!;
    const issuer = issuers.find((candidate) => isCandidate(candidate, path) && hasSigned(candidate, last));
    if (issuer === undefined) return verified(path);
    problem = problemOfSignature(last) ?? problemOfIssuer(issuer, path, at, 'judged by OpenSSL');
    path.push(issuer);
  }
  return problem;
}

function extend(path: Path, search: Search): VerifiedPath | CertificateProblem {
  const last = path.at(-1)!;
  let nearest: CertificateProblem = missingIssuer(path);
  for (const issuer of candidates(search)) {
    if (path.length >= maxDepth || !isCandidate(issuer, path)) continue;
    if (++search.signatureChecks > maxSignatureChecks) return untrusted('its path has too many candidates');
    const problem = hasSigned(issuer, last)
      ? (problemOfSignature(last) ?? problemOfIssuer(issuer, path, search.at, search.nameConstraints))
      : untrusted('a certificate with the name of its issuer did not sign it');
    const longer: Path = [...path, issuer];
    if (problem === undefined && search.anchors.includes(issuer)) return verified(longer);
    const outcome = problem ?? extend(longer, search);
    if (!isProblem(outcome)) return outcome;
    nearest = outcome;
  }
  return nearest;
}

/** Anchors first, so that the path is as short as it can be and ends in a certificate of ours. */
function* candidates({ anchors, hints }: Search): Generator<Certificate> {
  yield* anchors;
  yield* hints();
}

/** Whether `issuer` has the name and the key identifier of the last certificate's issuer, and is not in the path yet. */
function isCandidate(issuer: Certificate, path: Path): boolean {
  const last = path.at(-1)!;
  return (
    issuer.subjectRaw.equals(last.issuerRaw) &&
    (last.authorityKeyId === undefined ||
      issuer.subjectKeyId === undefined ||
      last.authorityKeyId === issuer.subjectKeyId) &&
    !path.some(({ sha256 }) => sha256 === issuer.sha256)
  );
}

/**
 * A key that OpenSSL cannot use has signed nothing. Only the issuer keeps its X509Certificate: that of a leaf is not
 * asked again, and paths are remembered by the thousand.
 */
export function hasSigned(issuer: Certificate, certificate: Certificate): boolean {
  try {
    return new X509Certificate(certificate.raw).verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

function verified(certificates: Path): VerifiedPath {
  return {
    certificates,
    notBefore: Math.max(...certificates.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...certificates.map(({ notAfter }) => notAfter)),
  };
}

/** A damaged certificate beside a good leaf links nothing. */
const readable = (ders: readonly Buffer[]): Certificate[] =>
  ders.flatMap((der) => readCertificate(der) ?? []);

const missingIssuer = (path: Path): CertificateProblem => ({
  ...untrusted(
    path.length === 1 ? 'its issuer is not known here' : 'the issuer of its intermediate is not known here',
  ),
  incomplete: true,
});

const unreadable = untrusted('it cannot be read');
