import { createHash } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';
import type { VerifiedPath } from './path.ts';
import { type CertificateProblem, isProblem } from './problem.ts';

/** Fleets of some thousand devices keep their paths; each costs about 8 KiB. */
const rememberedPaths = 4096;

/**
 * Paths that were verified, by the SHA-256 of what was asked. Only what was accepted is remembered, so that strangers
 * push nobody out, and only for as long as every certificate in it is valid.
 */
export class PathCache {
  readonly #paths = new BoundedMap<string, VerifiedPath>(rememberedPaths);

  /** The remembered path of `question` (DER) at the time `at` (ms), or what `find` finds. */
  get(
    question: readonly Buffer[],
    at: number,
    find: () => VerifiedPath | CertificateProblem,
  ): VerifiedPath | CertificateProblem {
    const hash = createHash('sha256');
    for (const certificate of question) hash.update(certificate);
    const key = hash.digest('base64');
    const known = this.#paths.get(key);
    if (known !== undefined && at >= known.notBefore && at <= known.notAfter) return known;
    const outcome = find();
    if (!isProblem(outcome)) this.#paths.set(key, outcome);
    return outcome;
  }
}
