import { createHash } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import type { NameConstraints } from './checks.ts';
import { type VerifiedPath, verifyPath } from './path.ts';
import { PathCache } from './path-cache.ts';
import type { CertificateProblem } from './problem.ts';
import type { RevocationLists } from './revocation/revocation.ts';

/** Whom one listener or one route believes: its trust anchors, and the paths to them that were already verified. */
export class TrustStore {
  readonly anchors: readonly Certificate[];
  readonly #nameConstraints: NameConstraints;
  readonly #paths = new PathCache();

  constructor(anchors: readonly Certificate[], nameConstraints: NameConstraints) {
    this.anchors = anchors;
    this.#nameConstraints = nameConstraints;
  }

  /**
   * The verified path of the certificate `leaf` (DER) at the time `at` (ms), or why there is none.
   * `hints` (DER) is asked only where the path is not known yet, and no anchor has issued the leaf.
   */
  verify(leaf: Buffer, hints: () => readonly Buffer[], at: number): VerifiedPath | CertificateProblem {
    const { anchors } = this;
    const nameConstraints = this.#nameConstraints;
    const request = {
      leaf,
      anchors,
      at,
      nameConstraints,
      get hints(): readonly Buffer[] {
        return hints();
      },
    };
    return this.#paths.get([leaf], at, () => verifyPath(request));
  }
}

/**
 * Whom a listener believes at one time: its anchors, and what revokes their clients. Frozen; another trust is another
 * object, so that a connection sees by a comparison whether it has to be judged again.
 */
export class ClientTrust {
  readonly store: TrustStore;
  readonly revocation: RevocationLists | undefined;

  constructor(store: TrustStore, revocation: RevocationLists | undefined) {
    this.store = store;
    this.revocation = revocation;
    Object.freeze(this);
  }

  get anchors(): readonly Certificate[] {
    return this.store.anchors;
  }

  /** The same for the same anchors, lists and policy, whatever files they were read from. */
  get fingerprint(): string {
    const { anchors, revocation } = this;
    const lists = revocation?.lists.map(({ sha256 }) => sha256).toSorted();
    const content = [anchors.map(({ sha256 }) => sha256).toSorted(), lists, revocation?.policy];
    return createHash('sha256').update(JSON.stringify(content)).digest('hex');
  }

  /** Whether everybody whom `other` believes is believed here, revocation aside. */
  includes(other: ClientTrust): boolean {
    if (other === this) return true;
    const known = new Set(this.anchors.map(({ sha256 }) => sha256));
    return other.anchors.every(({ sha256 }) => known.has(sha256));
  }
}
