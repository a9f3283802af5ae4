import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { explicitTag, implicitTag } from '../x509/der.ts';
import { encodeRevoked, type RevokedCertificate } from './crl-entries.ts';
import { bitString, der, extension, sequence, time, unsignedInteger } from './der.ts';
import { readCrlNumber } from './crl-number.ts';
import { type Issuer, issuerFields } from './issuer.ts';
import { encodePem } from './pem.ts';
import { dayMs, readDate } from './validity.ts';

/** What a certificate revocation list shall say. */
export interface CrlOptions {
  /** All that are revoked; may be empty. */
  readonly revoked: readonly RevokedCertificate[];
  /**
   * Taken as it is: that it is greater than that of every list before is yours to see to, or to give `after` as well,
   * which is then checked. Default: the time in milliseconds, or one more than the last list's of this object.
   */
  readonly number?: bigint | number;
  /**
   * The list before this one in PEM, or its number: the new number is greater. Give what you published last, so that
   * numbers grow whatever the clock of this machine says (RFC 5280 5.2.3).
   */
  readonly after?: string | bigint | number;
  /** Default: five minutes ago, for clocks that are slow. */
  readonly thisUpdate?: Date;
  /** Until when the next list is out; default: in seven days. */
  readonly nextUpdate?: Date;
}

/** A list, and its number. */
export interface SignedCrl {
  readonly pem: string;
  readonly number: bigint;
}

/**
 * A complete CRL of version 2 (RFC 5280 5) in PEM, numbered higher than `last` unless its number is given. Written here, as @peculiar/x509 2.2.0
 * gives an entry without a reason an empty list of extensions, which is no valid DER, and takes the square of the
 * entries in time.
 */
export function signCrl(options: CrlOptions, issuer: Issuer, last: bigint): SignedCrl {
  checkKeys(options, ['revoked', 'number', 'after', 'thisUpdate', 'nextUpdate'], 'options');
  const now = Date.now();
  const thisUpdate = readDate(options.thisUpdate ?? new Date(now - 300_000), 'thisUpdate')!;
  const nextUpdate = readDate(options.nextUpdate ?? new Date(now + 7 * dayMs), 'nextUpdate')!;
  if (nextUpdate <= thisUpdate) {
    throw new ConfigError('OPTION_INVALID', 'nextUpdate', 'it is not after thisUpdate', 'Give a later date.');
  }
  const number = nextNumber(options, issuer, last, now);
  const revoked = encodeRevoked(options.revoked, thisUpdate, issuer);
  const { name, keyId } = issuerFields(issuer);
  const authorityKeyId = sequence(der(implicitTag(0), Buffer.from(keyId, 'hex')));
  const list = sequence(
    unsignedInteger(1),
    issuer.signer.algorithm,
    name,
    time(thisUpdate),
    time(nextUpdate),
    // RFC 5280 5.1.2.6: absent where nothing is revoked.
    ...(revoked.length === 0 ? [] : [sequence(revoked)]),
    der(
      explicitTag(0),
      sequence(extension('2.5.29.35', authorityKeyId), extension('2.5.29.20', unsignedInteger(number))),
    ),
  );
  const signed = sequence(list, issuer.signer.algorithm, bitString(issuer.signer.sign(list)));
  return { pem: encodePem('X509 CRL', signed), number };
}

/** Two lists of one millisecond need two numbers, and so do those of a clock that was set back (RFC 5280 5.2.3). */
function nextNumber({ number, after }: CrlOptions, issuer: Issuer, last: bigint, now: number): bigint {
  const before = after === undefined ? -1n : readBefore(after, issuer);
  if (number === undefined) {
    const least = (before > last ? before : last) + 1n;
    return readNumber(BigInt(now) > least ? BigInt(now) : least, 'after');
  }
  const given = readNumber(number, 'number');
  if (given > before) return given;
  throw new ConfigError(
    'OPTION_INVALID',
    'number',
    `${given} is not greater than ${before}, the number of the list before`,
    'Give a greater one, or none.',
  );
}

function readBefore(after: string | bigint | number, issuer: Issuer): bigint {
  return typeof after === 'string' ? readCrlNumber(after, issuer, 'after') : readNumber(after, 'after');
}

/** RFC 5280 5.2.3: not negative, 20 octets at most. */
function readNumber(value: bigint | number, path: string): bigint {
  const number = typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value) : -1n;
  if (number >= 0n && number < 1n << 159n) return number;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `${describe(value)} is no CRL number`,
    'Give a whole number from 0 to 2^159 - 1.',
  );
}
