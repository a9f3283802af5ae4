import type { Certificate } from '../x509/certificate.ts';
import type { NameConstraints } from './checks.ts';
import { type VerifiedPath, verifyPath } from './path.ts';
import { PathCache } from './path-cache.ts';
import type { CertificateProblem } from './problem.ts';

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
