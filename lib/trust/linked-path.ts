import { linkPath, type VerifiedPath } from './path.ts';
import { PathCache } from './path-cache.ts';
import type { CertificateProblem } from './problem.ts';

const remembered = new PathCache();

/**
 * `linkPath`, once for all connections whose client shows the same certificates (DER). Unlike with a TrustStore the
 * issuers are part of the question, as no anchor says which of several paths is meant.
 */
export const linkedPath = (
  leaf: Buffer,
  issuers: readonly Buffer[],
  at: number,
): VerifiedPath | CertificateProblem =>
  remembered.get([leaf, ...issuers], at, () => linkPath(leaf, issuers, at));
