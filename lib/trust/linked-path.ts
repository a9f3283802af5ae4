import { linkPath, type VerifiedPath } from './path.ts';
import { PathCache, RefusalCache } from './path-cache.ts';
import type { CertificateProblem } from './problem.ts';
import { type Relaxations, strict } from './profile/path-check.ts';

const remembered = new PathCache();
const refused = new RefusalCache();

/**
 * `linkPath`, once for all connections whose client shows the same certificates (DER). Unlike with a TrustStore the
 * issuers are part of the question, as no anchor says which of several paths is meant, and so are the checks that are let go.
 */
export const linkedPath = (
  leaf: Buffer,
  issuers: readonly Buffer[],
  at: number,
  allowed: Relaxations = strict,
): VerifiedPath | CertificateProblem =>
  remembered.get([leaf, ...issuers, Buffer.from([...allowed].toSorted().join())], at, () =>
    linkPath(leaf, issuers, at, allowed),
  );

/** The same of certificates that come anew with every request: a refusal is remembered for some seconds, too. */
export const linkedForwarded = (
  leaf: Buffer,
  chain: readonly Buffer[],
  at: number,
): VerifiedPath | CertificateProblem => refused.get([leaf, ...chain], at, () => linkedPath(leaf, chain, at));
