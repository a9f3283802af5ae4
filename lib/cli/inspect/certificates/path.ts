import { isIssuedBy } from '../../../trust/ocsp/ocsp-verify.ts';
import { type Certificate, readCertificate } from '../../../x509/certificate.ts';
import { oids } from '../../../x509/extensions.ts';
import type { Roots } from './roots.ts';

/** Longer paths are nobody's. */
const longest = 8;
/** A server may send many certificates of one name; each costs a signature. */
const mostSignatures = 64;

/** A chain as it was sent, and what a verifier finds in it. */
export interface Judged {
  /** From the leaf to a root that is trusted; undefined where there is none. */
  readonly path: readonly Certificate[] | undefined;
  /** Why it is not trusted, in OpenSSL's code; undefined where it is. */
  readonly reason: string | undefined;
}

/** What was sent, without what is no certificate; nothing where the first is none, as no other may pass for it. */
export function readChain([first, ...others]: readonly Buffer[]): Certificate[] {
  const leaf = first && readCertificate(first);
  return leaf === undefined ? [] : [leaf, ...others.flatMap((der) => readCertificate(der) ?? [])];
}

/** Looks for a path from the first certificate to a root, and judges dates, CA flags and purpose along it. */
export function judge(chain: readonly Certificate[], roots: Roots, now: number): Judged {
  const [leaf] = chain;
  if (leaf === undefined) return { path: undefined, reason: 'UNABLE_TO_GET_ISSUER_CERT' };
  const path = new PathSearch(chain, roots).from(leaf, []);
  return { path, reason: path === undefined ? reasonOf(chain) : faultOf(path, now) };
}

class PathSearch {
  readonly #chain: readonly Certificate[];
  readonly #roots: Roots;
  #signatures = 0;

  constructor(chain: readonly Certificate[], roots: Roots) {
    this.#chain = chain;
    this.#roots = roots;
  }

  from(certificate: Certificate, before: readonly Certificate[]): readonly Certificate[] | undefined {
    const path = [...before, certificate];
    const known = this.#roots.bySubject.get(certificate.subjectRaw.toString('hex')) ?? [];
    if (known.some(({ sha256 }) => sha256 === certificate.sha256)) return path;
    if (path.length > longest) return undefined;
    const anchors = this.#roots.bySubject.get(certificate.issuerRaw.toString('hex')) ?? [];
    const root = anchors.find((candidate) => this.#isIssuer(candidate, certificate));
    if (root !== undefined && root.sha256 !== certificate.sha256) return [...path, root];
    for (const candidate of this.#chain) {
      if (path.includes(candidate) || !this.#isIssuer(candidate, certificate)) continue;
      const found = this.from(candidate, path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #isIssuer(candidate: Certificate, certificate: Certificate): boolean {
    if (!candidate.subjectRaw.equals(certificate.issuerRaw)) return false;
    return ++this.#signatures <= mostSignatures && isIssuedBy(certificate, candidate);
  }
}

function reasonOf(chain: readonly Certificate[]): string {
  if (chain[0]!.isSelfIssued) return 'DEPTH_ZERO_SELF_SIGNED_CERT';
  return chain.some(({ isSelfIssued }) => isSelfIssued)
    ? 'SELF_SIGNED_CERT_IN_CHAIN'
    : 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
}

function faultOf(path: readonly Certificate[], now: number): string | undefined {
  if (path.some(({ notAfter }) => now > notAfter)) return 'CERT_HAS_EXPIRED';
  if (path.some(({ notBefore }) => now < notBefore)) return 'CERT_NOT_YET_VALID';
  if (path.slice(1).some(({ isCa, version }) => !isCa && version >= 3)) return 'INVALID_CA';
  const purposes = path[0]!.extendedKeyUsage;
  const isServer =
    purposes === undefined ||
    purposes.includes(oids.serverAuth) ||
    purposes.includes(oids.anyExtendedKeyUsage);
  return isServer ? undefined : 'INVALID_PURPOSE';
}

/** Whether each certificate stands before its issuer, and whether the chain goes on to a root. */
export function shapeOf(
  chain: readonly Certificate[],
  path: readonly Certificate[] | undefined,
): { inOrder: boolean; complete: boolean; rootSent: boolean } {
  const follows = chain.every(
    (certificate, index) => index === 0 || certificate.subjectRaw.equals(chain[index - 1]!.issuerRaw),
  );
  return {
    inOrder: follows,
    complete: path !== undefined || chain.some(({ isSelfIssued }) => isSelfIssued),
    rootSent: chain.slice(1).some(({ isSelfIssued }) => isSelfIssued),
  };
}

/** Whether the certificate is for this name or address (RFC 9525): subjectAltName alone, no partial wildcards. */
export function isFor(certificate: Certificate, host: string, isAddress: boolean): boolean {
  try {
    const { x509 } = certificate;
    if (isAddress) return x509.checkIP(host) !== undefined;
    return x509.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined;
  } catch {
    // What OpenSSL cannot read is for nobody.
    return false;
  }
}
