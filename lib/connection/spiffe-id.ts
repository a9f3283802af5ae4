/** A SPIFFE ID (SPIFFE-ID 2) in its two parts. */
export interface SpiffeId {
  readonly trustDomain: string;
  /** Empty, or begins with a slash. */
  readonly path: string;
}

const maxTrustDomain = 255;
const maxLength = 2048;

/** Lower-case letters, digits, dots, hyphens and underscores (SPIFFE-ID 2.1). */
export const isTrustDomain = (text: string): boolean =>
  text.length <= maxTrustDomain && /^[a-z0-9._-]+$/.test(text);

/** One segment of a path (SPIFFE-ID 2.2). */
export const isPathSegment = (text: string): boolean =>
  /^[A-Za-z0-9._-]+$/.test(text) && text !== '.' && text !== '..';

/**
 * Reads a SPIFFE ID as the standard writes it, or gives undefined: no port, no user, no query, no percent-encoding, no
 * empty or relative segment, no slash at the end. Nothing is made canonical, so that one identity has one spelling.
 */
export function readSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > maxLength || !text.startsWith('spiffe://')) return undefined;
  const [trustDomain = '', ...segments] = text.slice('spiffe://'.length).split('/');
  if (!isTrustDomain(trustDomain) || !segments.every(isPathSegment)) return undefined;
  return { trustDomain, path: segments.map((segment) => `/${segment}`).join('') };
}
