import { ConfigError } from '../errors.ts';
import { type CertificateInputs, readAnchors, requireSoundAnchors } from './anchors.ts';
import { type PathCheck, readRelaxations } from './profile/path-check.ts';
import { TrustStore } from './trust-store.ts';

/** A route's own trust, as its options give it. */
export interface RouteTrustOptions {
  readonly ca?: CertificateInputs | undefined;
  readonly dangerouslyAllow?: readonly PathCheck[] | undefined;
}

/**
 * Reads a route's own `ca`, and the checks that it lets go; undefined where it has none. `option` is the name of the
 * middleware. ConfigErrors: `CLIENT_CA_MISSING` (also for `ca: undefined`: a misspelt variable is no wish for the
 * listener's anchors), `CLIENT_CA_INVALID`, `OPTION_INVALID`, and `OPTION_CONFLICT` for `dangerouslyAllow` without `ca`.
 */
export function readRouteTrust(options: RouteTrustOptions, option: string): TrustStore | undefined {
  const path = `${option}.dangerouslyAllow`;
  const allowed = readRelaxations(options.dangerouslyAllow, path);
  if ('ca' in options) {
    const anchors = readAnchors(options.ca, `${option}.ca`);
    requireSoundAnchors(anchors, `${option}.ca`, allowed, option);
    return new TrustStore(anchors, allowed);
  }
  if (allowed.size === 0) return undefined;
  throw new ConfigError(
    'OPTION_CONFLICT',
    path,
    'given without ca',
    "Give this route's own ca, or let the check go for all of the listener by clientAuth.dangerouslyAllow.",
  );
}
