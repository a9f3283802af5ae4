import { expectTag, explicitTag, readChildren, readElement, readTime, tags } from '../../x509/der.ts';
import { readExtensions } from '../../x509/extensions.ts';
import { type DistinguishedName, readName } from '../../x509/name.ts';

/** The fields of a CRL (RFC 5280 5.1). Times in milliseconds. */
export interface Crl {
  readonly issuer: DistinguishedName;
  readonly number: bigint | undefined;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly revoked: readonly RevokedEntry[];
}

export interface RevokedEntry {
  readonly serialNumber: string;
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string | undefined;
}

/** Reads a CRL in DER, whoever signed it. Throws a DerError. */
export function readCrl(der: Buffer): Crl {
  const fields = readChildren(expectTag(readChildren(readElement(der, tags.sequence))[0], tags.sequence));
  if (fields[0]?.tag === tags.integer) fields.shift();
  const [, issuerName, thisUpdate, ...optional] = fields;
  const isTime = optional[0]?.tag === tags.utcTime || optional[0]?.tag === tags.generalizedTime;
  const nextUpdate = isTime ? readTime(optional.shift()) : undefined;
  const revoked = optional[0]?.tag === tags.sequence ? readChildren(optional[0]).map(readEntry) : [];
  const extensions = optional.find(({ tag }) => tag === explicitTag(0));
  const number = extensions && readExtensions(extensions).get('2.5.29.20')?.value;
  return {
    issuer: readName(issuerName),
    number: number === undefined ? undefined : unsigned(readElement(number).content),
    thisUpdate: readTime(thisUpdate),
    nextUpdate,
    revoked,
  };
}

/** RFC 5280 5.3.1. */
const reasons = [
  'unspecified',
  'keyCompromise',
  'caCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aaCompromise',
];

function readEntry(element: Parameters<typeof readChildren>[0]): RevokedEntry {
  const [serial, at, extensions] = readChildren(element);
  const hex = unsigned(expectTag(serial, tags.integer).content).toString(16).toUpperCase();
  const reason =
    extensions === undefined
      ? undefined
      : readChildren(extensions)
          .map((extension) =>
            readElement(expectTag(readChildren(extension).at(-1), tags.octetString).content),
          )
          .find(({ tag }) => tag === 0x0a);
  return {
    serialNumber: hex.length % 2 === 0 ? hex : `0${hex}`,
    at: new Date(readTime(at)).toISOString(),
    reason: reason === undefined ? undefined : (reasons[reason.content[0] ?? -1] ?? 'unknown'),
  };
}

const unsigned = (content: Buffer): bigint => BigInt(`0x${content.toString('hex') || '0'}`);
