import type { PathCheck } from '../../../lib/trust/profile/path-check.ts';
import { oddAuthority, oddCertificate, type OddCertificate, type Overrides } from '../odd-certificates.ts';
import { commonName } from '../odd-names.ts';

/** What a client sends, and to whom. */
export interface OddPath {
  readonly leaf: OddCertificate;
  readonly hints?: readonly OddCertificate[];
  readonly anchors: readonly OddCertificate[];
}

/** `in`, or the check by whose id it is refused; `also`: what else must be let go for that check to be the last. */
export interface PathCase {
  readonly name: string;
  readonly expected: string;
  readonly also?: readonly PathCheck[];
  /** Refused even where that check is let go. */
  readonly firm?: boolean;
  readonly path: OddPath;
}

export const root: OddCertificate = oddAuthority({ subject: commonName('Corpus root') });
export const intermediate: OddCertificate = oddAuthority({ issuer: root });

type Positions = 'leaf' | 'intermediate' | 'root';

/** A path of three of which one certificate is odd. */
export function oddAt(position: Positions, overrides: Overrides): OddPath {
  if (position === 'leaf')
    return {
      leaf: oddCertificate({ issuer: intermediate, ...overrides }),
      hints: [intermediate],
      anchors: [root],
    };
  if (position === 'root') {
    const anchor = oddAuthority(overrides);
    return { leaf: oddCertificate({ issuer: anchor }), anchors: [anchor] };
  }
  const between = oddAuthority({ issuer: root, ...overrides });
  return { leaf: oddCertificate({ issuer: between }), hints: [between], anchors: [root] };
}

/** The case of one odd certificate. */
export const odd = (
  name: string,
  expected: string,
  position: Positions,
  overrides: Overrides,
  also: readonly PathCheck[] = [],
): PathCase => ({ name: `${position}: ${name}`, expected, also, path: oddAt(position, overrides) });

/** OpenSSL, which finds the signature, may not read it either. */
export const unreadable = 'did not sign it|\\((?:malformed|not-der), .+';
