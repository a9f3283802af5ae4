import { createHash, hash } from 'node:crypto';
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
    const key = hashOf(question);
    const known = this.#paths.get(key);
    if (known !== undefined && at >= known.notBefore && at <= known.notAfter) return known;
    const outcome = find();
    if (!isProblem(outcome)) this.#paths.set(key, outcome);
    return outcome;
  }

  /** Remembers another path of `question`. */
  set(question: readonly Buffer[], path: VerifiedPath): void {
    this.#paths.set(hashOf(question), path);
  }
}

/** How long a refusal is remembered (ms): dates can turn it. */
const refusalLifetime = 5_000;

/**
 * Paths that were refused, for a few seconds. A proxy sends the same certificates with each request of a client, who could
 * choose such as cost the most. They push out nobody who was accepted.
 */
export class RefusalCache {
  readonly #refusals = new BoundedMap<string, { readonly problem: CertificateProblem; readonly at: number }>(
    256,
  );

  /** The remembered refusal of `question` (DER) at the time `at` (ms), or what `find` finds. */
  get(
    question: readonly Buffer[],
    at: number,
    find: () => VerifiedPath | CertificateProblem,
  ): VerifiedPath | CertificateProblem {
    const key = hashOf(question);
    const known = this.#refusals.get(key);
    if (known !== undefined && at >= known.at && at < known.at + refusalLifetime) return known.problem;
    const outcome = find();
    if (isProblem(outcome)) this.#refusals.set(key, { problem: outcome, at });
    return outcome;
  }
}

function hashOf(question: readonly Buffer[]): string {
  const [only, ...others] = question;
  // Most often it is a leaf, for which no stream is made.
  if (only !== undefined && others.length === 0) return hash('sha256', only, 'base64');
  const all = createHash('sha256');
  for (const certificate of question) all.update(certificate);
  return all.digest('base64');
}
