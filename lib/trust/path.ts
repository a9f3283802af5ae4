import { messageOf } from '../errors.ts';
import { Certificate } from '../x509/certificate.ts';
import {
  problemOfIssuer,
  problemOfKey,
  problemOfLeaf,
  problemOfLeafProfile,
  problemOfSignature,
} from './checks.ts';
import { readIssuer, rememberIssuers } from './known-issuers.ts';
import { faultOfNames } from './names/constrained-path.ts';
import { faultOfPolicies } from './policies.ts';
import { type CertificateProblem, isProblem, untrusted } from './problem.ts';
import { forClients, type Purpose } from './purpose.ts';
import { namesIssuer } from './profile/key-identifiers.ts';
import { isNamedAs, subjectOf } from './revocation/crl-name.ts';
import { fault, refusalOf, type Relaxations, strict } from './profile/path-check.ts';
import { Signatures } from './signatures.ts';
import { hasSignedVouched } from './vouched.ts';

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
   * only where no path by the anchors alone is good, as to ask Node for them can cost as much as the rest of a handshake.
   */
  readonly hints: readonly Buffer[];
  readonly anchors: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Checks that are let go. Default: none. */
  readonly allowed?: Relaxations | undefined;
  /** The same for the anchors alone: what a root says of itself beside its name and key is nobody's to judge. */
  readonly allowedInAnchors?: Relaxations | undefined;
  /** Whose certificate it is. Default: a client's. */
  readonly purpose?: Purpose | undefined;
  /**
   * Anchors that OpenSSL cannot have mistaken when it verified this very leaf, in the full handshake that showed it, to
   * these very anchors (`unmistakable`). Default: it has not.
   */
  readonly vouchedBy?: ReadonlySet<Certificate> | undefined;
}

type Path = [Certificate, ...Certificate[]];

interface Search {
  readonly anchors: readonly Certificate[];
  readonly hints: () => readonly Certificate[];
  readonly at: number;
  readonly allowed: Relaxations;
  readonly allowedInAnchors: Relaxations;
  readonly purpose: Purpose;
  readonly signatures: Signatures;
  readonly vouchedBy: ReadonlySet<Certificate> | undefined;
  steps: number;
}

const maxDepth = 8;
/** A client chooses the hints: without a bound, cross-signed ones of one name would lead a factorial of ways. */
const maxSteps = 64;

/**
 * Builds and verifies a path from a client's certificate to a trust anchor (RFC 5280 6.1): signatures, dates,
 * basicConstraints, path length, key usage, purpose, algorithms, name constraints, policies, and for each certificate
 * the profile of RFC 5280 4. What it cannot judge, it refuses. An anchor may be an intermediate. Nothing is fetched.
 * Where no path leads to an anchor, the fault of the last one tried is told. Never throws.
 */
export function verifyPath(request: PathRequest): VerifiedPath | CertificateProblem {
  const { leaf, anchors, at, allowed = strict, purpose = forClients } = request;
  const allowedInAnchors = new Set([...allowed, ...(request.allowedInAnchors ?? [])]);
  return orUnreadable(() => {
    const certificate = new Certificate(leaf);
    const signatures = new Signatures();
    let known: readonly Certificate[] | undefined;
    const hints = (): readonly Certificate[] =>
      (known ??= linkedTo(anchors, readable(request.hints), search));
    const search: Search = {
      anchors,
      hints,
      at,
      allowed,
      allowedInAnchors,
      purpose,
      signatures,
      vouchedBy: request.vouchedBy,
      steps: 0,
    };
    const outcome = problemOfLeaf(certificate, at, allowed, purpose) ?? extend([certificate], search);
    return isProblem(outcome) && signatures.isExhausted ? tooMany : outcome;
  });
}

/**
 * The path as far as signatures link it, for a certificate that OpenSSL has verified to an anchor that is not known
 * here: every link is checked as `verifyPath` does, the end is not.
 */
export function linkPath(
  leaf: Buffer,
  hints: readonly Buffer[],
  at: number,
  allowed: Relaxations = strict,
): VerifiedPath | CertificateProblem {
  return orUnreadable(() => {
    const certificate = new Certificate(leaf);
    const issuers = readable(hints);
    const signatures = new Signatures();
    const isIssuer = (candidate: Certificate): boolean =>
      isCandidate(candidate, path) &&
      problemOfKey(candidate, allowed) === undefined &&
      signatures.has(candidate, path.at(-1)!);
    const path: Path = [certificate];
    let problem =
      problemOfLeaf(certificate, at, allowed) ??
      problemOfLeafProfile(certificate, allowed) ??
      problemOfSignature(certificate, allowed);
    while (problem === undefined) {
      const last = path.at(-1)!;
      const issuer = issuers.find(isIssuer);
      if (signatures.isExhausted) return tooMany;
      if (issuer === undefined) return problemOfWhole(path) ?? verified(path);
      problem = problemOfSignature(last, allowed) ?? problemOfIssuer(issuer, path, at, allowed);
      path.push(issuer);
    }
    return problem;
  });
}

const tooMany: CertificateProblem = untrusted('its path has too many candidates');

/** A certificate that cannot be read or judged to its end is nobody's. */
function orUnreadable(judge: () => VerifiedPath | CertificateProblem): VerifiedPath | CertificateProblem {
  try {
    return judge();
  } catch (error) {
    return refusalOf('it', fault('malformed', 'RFC 5280 4.1', `cannot be read: ${messageOf(error)}`));
  }
}

function extend(path: Path, search: Search): VerifiedPath | CertificateProblem {
  let nearest: CertificateProblem = missingIssuer(path);
  for (const issuer of candidates(search)) {
    if (path.length >= maxDepth || !isCandidate(issuer, path)) continue;
    if (++search.steps > maxSteps) return tooMany;
    const longer: Path = [...path, issuer];
    const isEnd = search.anchors.includes(issuer);
    const problem = problemOfLink(issuer, path, search) ?? (isEnd ? problemOfWhole(longer) : undefined);
    if (problem === undefined && isEnd) return verified(longer);
    const outcome = problem ?? extend(longer, search);
    if (!isProblem(outcome)) return outcome;
    // That an issuer is missing further on says less than what is wrong with one that is there.
    if (outcome.incomplete !== true || nearest.incomplete === true) nearest = outcome;
  }
  return nearest;
}

/** Why `issuer` is not the next certificate of `path`. */
function problemOfLink(issuer: Certificate, path: Path, search: Search): CertificateProblem | undefined {
  const { at, allowed, purpose, signatures } = search;
  const allowedHere = search.anchors.includes(issuer) ? search.allowedInAnchors : allowed;
  const last = path.at(-1)!;
  const giant = problemOfKey(issuer, allowed);
  if (giant !== undefined) return giant;
  if (!isVouched(issuer, path, search) && !signatures.has(issuer, last))
    return untrusted('a certificate with the name of its issuer did not sign it');
  return (
    problemOfSignature(last, allowed) ??
    problemOfIssuer(issuer, path, at, allowedHere, purpose) ??
    (path.length === 1 ? problemOfLeafProfile(last, allowed) : undefined)
  );
}

/** Whether OpenSSL has verified, in the handshake, that the anchor `issuer` signed the leaf. */
const isVouched = (issuer: Certificate, path: Path, { vouchedBy }: Search): boolean =>
  path.length === 1 && vouchedBy?.has(issuer) === true && hasSignedVouched(issuer, path[0]);

/** What only the whole path shows: the names in it, and its policies. */
function problemOfWhole(path: Path): CertificateProblem | undefined {
  const found = faultOfNames(path) ?? faultOfPolicies(path);
  return found && refusalOf('it or one of its issuers', found);
}

/**
 * Of what the client sent, what signatures link to an anchor, and is none. Found from the anchors on, so that no key is
 * used but ours, and those of CAs below us: a stranger would choose keys that cost the most.
 */
function linkedTo(
  anchors: readonly Certificate[],
  hints: readonly Certificate[],
  { allowed, signatures }: Search,
): readonly Certificate[] {
  const own = new Set(anchors.map(({ sha256 }) => sha256));
  const strangers = new Map(hints.map((hint) => [hint.sha256, hint]));
  for (const sha256 of own) strangers.delete(sha256);
  const linked: Certificate[] = [];
  for (const issuers of [anchors, linked])
    // What is found is asked in its turn.
    for (const issuer of issuers) {
      if (problemOfKey(issuer, allowed) !== undefined) continue;
      for (const [sha256, hint] of strangers) {
        if (!mayHaveIssued(issuer, hint) || !signatures.has(issuer, hint)) continue;
        strangers.delete(sha256);
        linked.push(hint);
      }
    }
  return linked;
}

/** Anchors first, so that the path is as short as it can be and ends in a certificate of ours. */
function* candidates({ anchors, hints }: Search): Generator<Certificate> {
  yield* anchors;
  yield* hints();
}

/** Whether `issuer` has the name and the key identifier of the issuer of `certificate`. */
const mayHaveIssued = (issuer: Certificate, certificate: Certificate): boolean =>
  isNamedAs(issuer, certificate) &&
  (certificate.authorityKeyId === undefined ||
    issuer.subjectKeyId === undefined ||
    certificate.authorityKeyId === issuer.subjectKeyId) &&
  namesIssuer(certificate, issuer);

/** Whether `issuer` may be next. A name and a key stand in a path once: another certificate of both leads in a circle. */
const isCandidate = (issuer: Certificate, path: Path): boolean =>
  mayHaveIssued(issuer, path.at(-1)!) &&
  !path.some(
    (certificate) =>
      certificate.publicKeyRaw.equals(issuer.publicKeyRaw) && subjectOf(certificate) === subjectOf(issuer),
  );

function verified(certificates: Path): VerifiedPath {
  rememberIssuers(certificates.slice(1));
  return {
    certificates,
    notBefore: Math.max(...certificates.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...certificates.map(({ notAfter }) => notAfter)),
  };
}

/** A damaged certificate beside a good leaf links nothing. */
const readable = (ders: readonly Buffer[]): Certificate[] => ders.flatMap((der) => readIssuer(der) ?? []);

const missingIssuer = (path: Path): CertificateProblem => ({
  ...untrusted(
    path.length === 1 ? 'its issuer is not known here' : 'the issuer of its intermediate is not known here',
  ),
  incomplete: true,
});
