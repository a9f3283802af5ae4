import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { explicitTag, implicitTag } from '../x509/der.ts';
import { encodeRevoked, type RevokedCertificate } from './crl-entries.ts';
import { bitString, der, extension, sequence, time, unsignedInteger } from './der.ts';
import { type Issuer, issuerFields } from './issuer.ts';
import { encodePem } from './pem.ts';
import { dayMs, readDate } from './validity.ts';

/** What a certificate revocation list shall say. */
export interface CrlOptions {
  /** All that are revoked; may be empty. */
  readonly revoked: readonly RevokedCertificate[];
  /** Greater than that of every list before; default: the time in milliseconds. */
  readonly number?: bigint | number;
  /** Default: five minutes ago, for clocks that are slow. */
  readonly thisUpdate?: Date;
  /** Until when the next list is out; default: in seven days. */
  readonly nextUpdate?: Date;
}

/**
 * A complete CRL of version 2 (RFC 5280 5) in PEM. Written here, as @peculiar/x509 2.2.0 gives an entry without a
 * reason an empty list of extensions, which is no valid DER, and takes the square of the entries in time.
 */
export function signCrl(options: CrlOptions, issuer: Issuer, defaultNumber: number): string {
  checkKeys(options, ['revoked', 'number', 'thisUpdate', 'nextUpdate'], 'options');
  const now = Date.now();
  const thisUpdate = readDate(options.thisUpdate ?? new Date(now - 300_000), 'thisUpdate')!;
  const nextUpdate = readDate(options.nextUpdate ?? new Date(now + 7 * dayMs), 'nextUpdate')!;
  if (nextUpdate <= thisUpdate) {
    throw new ConfigError('OPTION_INVALID', 'nextUpdate', 'it is not after thisUpdate', 'Give a later date.');
  }
  const number = readNumber(options.number ?? defaultNumber);
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
  return encodePem('X509 CRL', sequence(list, issuer.signer.algorithm, bitString(issuer.signer.sign(list))));
}

/** RFC 5280 5.2.3: not negative, 20 octets at most. */
function readNumber(value: bigint | number): bigint {
  const number = typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value) : -1n;
  if (number >= 0n && number < 1n << 159n) return number;
  throw new ConfigError(
    'OPTION_INVALID',
    'number',
    `${describe(value)} is no CRL number`,
    'Give a whole number from 0 to 2^159 - 1.',
  );
}
