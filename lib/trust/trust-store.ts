import { createHash } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import type { Denials } from './deny-list/denials.ts';
import { type VerifiedPath, verifyPath } from './path.ts';
import { PathCache, RefusalCache } from './path-cache.ts';
import { type CertificateProblem, isProblem } from './problem.ts';
import { type Relaxations, strict } from './profile/path-check.ts';
import { forClients, type Purpose } from './purpose.ts';
import type { RevocationLists, RevocationSources, Validity } from './revocation/revocation.ts';
import { unmistakable } from './vouched.ts';

/** As long as CAs are renewed with their key, a client has a few paths. */
const maxWays = 8;

/** Stands in a question before what is left out, which would else be that of a longer chain. */
const leftOut = Buffer.from('left out');

/** What revokes, or denies, the certificates of a verified path. */
type Objector = Pick<ClientTrust, 'check'>;

/**
 * Whom one listener or one route believes: its trust anchors, which checks it lets go, and the paths that were already
 * verified.
 */
export class TrustStore {
  readonly anchors: readonly Certificate[];
  readonly allowed: Relaxations;
  readonly #purpose: Purpose;
  readonly #allowedInAnchors: Relaxations;
  readonly #paths = new PathCache();
  readonly #refusals = new RefusalCache();
  #unmistakable: ReadonlySet<Certificate> | undefined;

  constructor(
    anchors: readonly Certificate[],
    allowed: Relaxations = strict,
    purpose: Purpose = forClients,
    allowedInAnchors: Relaxations = strict,
  ) {
    this.anchors = anchors;
    this.allowed = allowed;
    this.#purpose = purpose;
    this.#allowedInAnchors = allowedInAnchors;
  }

  /**
   * The verified path of the certificate `leaf` (DER) at the time `at` (ms), or why there is none.
   * `hints` (DER) is asked only where no path is known yet, and none by the anchors alone is good; or where `objector`
   * has something against an issuer in it, which another path may go without. `vouched`: OpenSSL has verified this very
   * certificate to these very anchors, in the full handshake that showed it; a signature that it has verified there for
   * certain is not verified again.
   */
  verify(
    leaf: Buffer,
    hints: () => readonly Buffer[],
    at: number,
    objector?: Objector,
    vouched = false,
  ): VerifiedPath | CertificateProblem {
    const known = this.#paths.get([leaf], at, () => this.#find(leaf, hints, at, [], vouched));
    return this.#past(objector, known, leaf, hints, at);
  }

  /**
   * The same by what came with `leaf` this time, and not at another: for whoever has to foresee what OpenSSL, which
   * remembers no paths, will say.
   */
  verifyPresented(
    leaf: Buffer,
    issuers: readonly Buffer[],
    at: number,
    objector?: Objector,
  ): VerifiedPath | CertificateProblem {
    const hints = (): readonly Buffer[] => issuers;
    const question = [leaf, ...issuers];
    const known = this.#paths.get(question, at, () => this.#find(leaf, hints, at));
    return this.#past(objector, known, leaf, hints, at, question);
  }

  /** The same of certificates that come anew with every request: a refusal is remembered for some seconds, too. */
  verifyForwarded(
    leaf: Buffer,
    chain: readonly Buffer[],
    at: number,
    objector?: Objector,
  ): VerifiedPath | CertificateProblem {
    const hints = (): readonly Buffer[] => chain;
    const find = (): VerifiedPath | CertificateProblem => this.#find(leaf, hints, at);
    const known = this.#paths.get([leaf], at, () => this.#refusals.get([leaf, ...chain], at, find));
    return this.#past(objector, known, leaf, hints, at);
  }

  /**
   * A path without the issuers that are revoked or denied, remembered from then on; where there is none, `known`. A CA
   * that was renewed with its key stands in another path of the same leaf, which this client may have sent.
   */
  #past(
    objector: Objector | undefined,
    known: VerifiedPath | CertificateProblem,
    leaf: Buffer,
    hints: () => readonly Buffer[],
    at: number,
    asked: readonly Buffer[] = [leaf],
  ): VerifiedPath | CertificateProblem {
    const without: Certificate[] = [];
    let path = known;
    while (!isProblem(path) && without.length < maxWays) {
      const outcast = outcastOf(path, objector, at);
      if (outcast === undefined) {
        if (without.length > 0) this.#paths.set(asked, path);
        return path;
      }
      without.push(outcast);
      // Whoever is refused is judged at each request.
      const question = [leaf, ...hints(), leftOut, ...without.map(({ raw }) => raw)];
      path = this.#refusals.get(question, at, () => this.#find(leaf, hints, at, without));
    }
    return known;
  }

  /** None where checks are let go: what of a certificate OpenSSL reads, and what not, is known of sound ones only. */
  get #unmistakableAnchors(): ReadonlySet<Certificate> {
    const isStrict = this.allowed.size === 0 && this.#allowedInAnchors.size === 0;
    return (this.#unmistakable ??= unmistakable(isStrict ? this.anchors : []));
  }

  #find(
    leaf: Buffer,
    hints: () => readonly Buffer[],
    at: number,
    without: readonly Certificate[] = [],
    vouched = false,
  ): VerifiedPath | CertificateProblem {
    const { allowed } = this;
    const isLeftOut = (der: Buffer): boolean => without.some(({ raw }) => raw.equals(der));
    const anchors = this.anchors.filter(({ raw }) => !isLeftOut(raw));
    return verifyPath({
      leaf,
      anchors,
      at,
      allowed,
      allowedInAnchors: this.#allowedInAnchors,
      purpose: this.#purpose,
      vouchedBy: vouched ? this.#unmistakableAnchors : undefined,
      get hints(): readonly Buffer[] {
        return hints().filter((der) => !isLeftOut(der));
      },
    });
  }
}

/** The issuer that stands in the way; undefined: none, or it is the leaf, or a CA above the path. */
export function outcastOf(
  path: VerifiedPath,
  objector: Objector | undefined,
  at: number,
): Certificate | undefined {
  const status = objector?.check(path.certificates, at);
  const outcast = status !== undefined && isProblem(status) ? status.outcast : undefined;
  return outcast !== undefined && path.certificates.indexOf(outcast) > 0 ? outcast : undefined;
}

/**
 * Whom a listener believes at one time: its anchors, and what revokes their clients. Frozen; another trust is another
 * object, so that a connection sees by a comparison whether it has to be judged again.
 */
export class ClientTrust {
  readonly store: TrustStore;
  readonly revocation: RevocationLists | undefined;
  /** Changes while it serves: see `epoch`. */
  readonly denyList: Denials | undefined;

  constructor(store: TrustStore, revocation: RevocationLists | undefined, denyList?: Denials) {
    this.store = store;
    this.revocation = revocation;
    this.denyList = denyList;
    Object.freeze(this);
  }

  get anchors(): readonly Certificate[] {
    return this.store.anchors;
  }

  /** Another number after each change of what changes while it serves. */
  get epoch(): number {
    return (this.denyList?.version ?? 0) + (this.revocation?.version ?? 0);
  }

  /**
   * Why the client of a verified path, leaf first, is refused all the same at the time `at` (ms): it or a CA above it is
   * denied or revoked, or that is not known; or for how long it is not; undefined where nothing speaks of it.
   */
  check(path: readonly Certificate[], at: number): Validity | CertificateProblem | undefined {
    return this.denyList?.check(path) ?? this.revocation?.check(path, at);
  }

  /** The same for the same anchors, lists and policy, whatever files they were read from. */
  get fingerprint(): string {
    const { anchors, revocation, denyList, store } = this;
    const lists = revocation?.lists.map(({ sha256 }) => sha256).toSorted();
    const content = [
      anchors.map(({ sha256 }) => sha256).toSorted(),
      lists,
      revocation?.policy,
      denyList?.identity,
      [...store.allowed].toSorted(),
    ];
    return createHash('sha256').update(JSON.stringify(content)).digest('hex');
  }

  /** The same anchors and deny list, with revocation as a listener fetches and asks it. */
  with(sources: RevocationSources): ClientTrust {
    return new ClientTrust(this.store, this.revocation?.with(sources), this.denyList);
  }

  /** Whether everybody whom `other` believes is believed here, revocation aside. */
  includes(other: ClientTrust): boolean {
    if (other === this) return true;
    const known = new Set(this.anchors.map(({ sha256 }) => sha256));
    return other.anchors.every(({ sha256 }) => known.has(sha256));
  }
}
