import { ConfigError } from '../../errors.ts';
import { describe, oneOf } from '../../options.ts';
import type { CertificateProblem } from '../problem.ts';

/**
 * Checks of a path that can be let go by `dangerouslyAllow`, one by one:
 * - `algorithm-parameters`: parameters of an algorithm that the RFC has otherwise (RFC 3279, 4055, 5480, 5758, 8410)
 * - `compressed-point`: an EC key as a compressed point (RFC 5480 2.2)
 * - `critical-flag`: an extension is critical that must not be, or is not that must be (RFC 5280 4.2.1, 4.2.2)
 * - `empty-extension`: an extension with nothing in it (RFC 5280 4.2.1)
 * - `empty-name`: an empty issuer, a CA without a name (RFC 5280 4.1.2.4, 4.1.2.6)
 * - `encoded-default`: a default value that is written out (X.690 11.5)
 * - `key-identifier`: an authority key identifier that contradicts itself (RFC 5280 4.2.1.1)
 * - `key-usage`: an ML-DSA key that may do more than sign (RFC 9881 5)
 * - `large-key`: RSA of more than 8192 bits, each signature of which costs milliseconds
 * - `leading-dot`: a dNSName constraint as `.example.org`, then read as OpenSSL does: names below only (RFC 5280 4.2.1.10)
 * - `malformed-extension`: a known extension that is not built as its RFC says, and is not needed for a verdict
 * - `malformed-name`: an alternative name that is none of its type (RFC 5280 4.2.1.6)
 * - `missing-key-identifier`: no authority key identifier, or a CA without a subject key identifier (RFC 5280 4.2.1.1, 4.2.1.2)
 * - `not-der`: values in BER, strings that are none (X.690 10, 11)
 * - `old-version`: a client's certificate of version 1 or 2 (RFC 5280 4.1.2.1)
 * - `path-length`: a path length in what is no CA that signs certificates (RFC 5280 4.2.1.9)
 * - `rsa-size`: an RSA modulus that is no multiple of 8 bits (CA/Browser Forum BR 6.1.5)
 * - `serial-number`: zero, or of more than 20 octets (RFC 5280 4.1.2.2)
 * - `time-form`: GeneralizedTime before 2050, or dates in the wrong order (RFC 5280 4.1.2.5)
 * - `unique-identifier`: issuerUniqueID or subjectUniqueID (RFC 5280 4.1.2.8)
 * - `unknown-critical-extension`: nobody here knows what it restricts (RFC 5280 4.2)
 * - `weak-key`: RSA of 1024 to 2047 bits, DSA, curves below P-256 or little known (RFC 9325 4.5, SP 800-131A)
 */
export type PathCheck = (typeof relaxableChecks)[number];

/** The ids that `dangerouslyAllow` takes. */
export const relaxableChecks = [
  'algorithm-parameters',
  'compressed-point',
  'critical-flag',
  'empty-extension',
  'empty-name',
  'encoded-default',
  'key-identifier',
  'key-usage',
  'large-key',
  'leading-dot',
  'malformed-extension',
  'malformed-name',
  'missing-key-identifier',
  'not-der',
  'old-version',
  'path-length',
  'rsa-size',
  'serial-number',
  'time-form',
  'unique-identifier',
  'unknown-critical-extension',
  'weak-key',
] as const;

/** Checks that nothing lets go. */
type FirmCheck =
  | 'ca'
  | 'date'
  | 'invalid-key'
  | 'malformed'
  | 'name-constraints'
  | 'path-length-exceeded'
  | 'policy'
  | 'purpose'
  | 'weak-signature';

/** What a certificate breaks. `text` goes on after its name: 'has a serial number of zero'. */
export interface Fault {
  readonly check: PathCheck | FirmCheck;
  /** Of the document that asks for it. */
  readonly section: string;
  readonly text: string;
}

/** Checks that are let go. */
export type Relaxations = ReadonlySet<string>;
export const strict: Relaxations = new Set();

export const fault = (check: PathCheck | FirmCheck, section: string, text: string): Fault => ({
  check,
  section,
  text,
});

/** The first fault that is not let go. */
export function firstOf(faults: Iterable<Fault>, allowed: Relaxations): Fault | undefined {
  for (const found of faults) if (!allowed.has(found.check)) return found;
  return undefined;
}

/** For the operator: what is wrong, the id of the check, and who asks for it. */
export const tell = (name: string, { check, section, text }: Fault): string =>
  `${name} ${text} (${check}, ${section})`;

export const refusalOf = (name: string, found: Fault): CertificateProblem => ({
  code: found.check === 'purpose' ? 'CLIENT_CERTIFICATE_PURPOSE' : 'CLIENT_CERTIFICATE_UNTRUSTED',
  reason: tell(name, found),
});

export const isRelaxable = (check: string): check is PathCheck =>
  relaxableChecks.some((candidate) => candidate === check);

/** Reads `dangerouslyAllow`. ConfigError: `OPTION_INVALID`. */
export function readRelaxations(value: unknown, path: string): Relaxations {
  if (value === undefined) return strict;
  if (!Array.isArray(value))
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected an array, got ${describe(value)}`,
      `Name the checks to let go: ${relaxableChecks.join(', ')}.`,
    );
  return new Set(
    Array.from(value, (item, index) => oneOf<PathCheck>(item, relaxableChecks, `${path}[${index}]`)),
  );
}
