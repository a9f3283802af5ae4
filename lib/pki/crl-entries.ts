import { ConfigError } from '../errors.ts';
import { checkKeys, describe, oneOf } from '../options.ts';
import { der, extension, positiveInteger, sequence, time } from './der.ts';
import type { Issuer } from './issuer.ts';
import { readOneCertificate } from './pem.ts';
import { readDate } from './validity.ts';

/** Why a certificate was revoked (RFC 5280 5.3.1). */
export type RevocationReason =
  | 'aaCompromise'
  | 'affiliationChanged'
  | 'caCompromise'
  | 'certificateHold'
  | 'cessationOfOperation'
  | 'keyCompromise'
  | 'privilegeWithdrawn'
  | 'superseded'
  | 'unspecified';

const reasonCodes: ReadonlyMap<RevocationReason, number> = new Map([
  ['unspecified', 0],
  ['keyCompromise', 1],
  ['caCompromise', 2],
  ['affiliationChanged', 3],
  ['superseded', 4],
  ['cessationOfOperation', 5],
  ['certificateHold', 6],
  ['privilegeWithdrawn', 9],
  ['aaCompromise', 10],
]);

interface RevocationDetails {
  /** Since when; default: the list's `thisUpdate`. */
  readonly date?: Date;
  /** Default: none given. */
  readonly reason?: RevocationReason;
}

/** A revoked certificate: itself in PEM, or its serial number in hexadecimal, with or without colons. */
export type RevokedCertificate =
  | (RevocationDetails & { readonly serialNumber: string; readonly certificate?: never })
  | (RevocationDetails & { readonly certificate: string; readonly serialNumber?: never });

const reasons = [...reasonCodes.keys()];

/** RFC 5280 5.3.1: the reason is left out where it would be `unspecified`. */
const reasonExtensions: ReadonlyMap<RevocationReason, Buffer> = new Map(
  [...reasonCodes].map(([reason, code]) => [
    reason,
    code === 0 ? Buffer.alloc(0) : sequence(extension('2.5.29.21', der(0x0a, Buffer.of(code)))),
  ]),
);

/** The entries of a CRL in DER (RFC 5280 5.1.2.6), one after another. */
export function encodeRevoked(
  revoked: readonly RevokedCertificate[],
  thisUpdate: Date,
  issuer: Issuer,
): Buffer {
  if (!Array.isArray(revoked)) {
    throw new ConfigError(
      'OPTION_INVALID',
      'revoked',
      `expected a list, got ${describe(revoked)}`,
      'Give an array; it may be empty.',
    );
  }
  const seen = new Set<string>();
  const now = time(thisUpdate);
  const entries = revoked.map((item: RevokedCertificate, index) => {
    const path = `revoked[${index}]`;
    checkKeys(item, ['serialNumber', 'certificate', 'date', 'reason'], path);
    const serial = readSerialNumber(item, path, issuer);
    if (seen.has(serial)) {
      throw new ConfigError('OPTION_CONFLICT', path, 'the certificate comes twice', 'Leave one of them out.');
    }
    seen.add(serial);
    const date = readDate(item.date, `${path}.date`);
    const reason = oneOf(item.reason ?? 'unspecified', reasons, `${path}.reason`);
    return sequence(
      positiveInteger(Buffer.from(serial, 'hex')),
      date === undefined ? now : time(date),
      reasonExtensions.get(reason)!,
    );
  });
  return Buffer.concat(entries);
}

/** Hexadecimal of whole octets, without zeros in front. */
function readSerialNumber(item: RevokedCertificate, path: string, issuer: Issuer): string {
  if ((item.certificate === undefined) === (item.serialNumber === undefined)) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'neither or both of certificate and serialNumber',
      'Give one of them.',
    );
  }
  const text =
    item.certificate === undefined
      ? item.serialNumber
      : ownSerialNumber(item.certificate, `${path}.certificate`, issuer);
  const digits =
    typeof text === 'string' && /^[0-9a-f]+(?::[0-9a-f]+)*$/i.test(text) ? text.replaceAll(':', '') : '';
  const hex = digits.toLowerCase().replace(/^0+(?=.)/, '');
  if (hex === '' || hex.length > 40) {
    throw new ConfigError(
      'OPTION_INVALID',
      `${path}.serialNumber`,
      `${describe(text)} is no serial number`,
      'Give it in hexadecimal, at most 20 octets.',
    );
  }
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/** A CRL speaks of its issuer's certificates only: another one's in it would revoke nothing, or a stranger's. */
function ownSerialNumber(pem: string, path: string, issuer: Issuer): string {
  const certificate = readOneCertificate(pem, path);
  if (
    certificate.issuerRaw.equals(issuer.certificate.subjectRaw) &&
    certificate.x509.verify(issuer.certificate.x509.publicKey)
  ) {
    return certificate.serialNumber;
  }
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    path,
    'it was not issued by this authority',
    "Put it into its own issuer's list.",
  );
}
