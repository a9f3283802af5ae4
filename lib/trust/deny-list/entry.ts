import { ConfigError } from '../../errors.ts';
import { checkKeys, describe } from '../../options.ts';
import { readFingerprint, readHash, readPin, readSerialNumber } from './identifiers.ts';
import {
  type DeniedIssuer,
  type IssuerName,
  issuerKey,
  readCertificateOf,
  readIssuer,
  readName,
} from './issuer.ts';
import { comparableName } from '../revocation/crl-name.ts';

/** What an entry may say of itself. */
export interface DenyListDetails {
  /** For the operator: it stands in the detail of refusals, and is never sent to a client. At most 200 characters. */
  readonly reason?: string | undefined;
  /** The end of the entry: a Date, milliseconds since 1970, or ISO 8601 with a time zone. Default: none. */
  readonly until?: Date | number | string | undefined;
}

/**
 * Which certificate is denied, by one of:
 * - a text: its SHA-256 fingerprint (64 hexadecimal digits, with colons or without, in any case), or the pin of its
 *   public key (`sha256/…=`);
 * - `fingerprint256` (or `fingerprint`), `pin`: the same by name, as `req.tls.clientCertificate` gives them;
 * - `certificate`: itself, PEM or DER;
 * - `issuer` and `serialNumber` (hexadecimal): the issuer as the CA's certificate (PEM or DER), or as attributes of its
 *   name, `{ CN: 'Issuing CA', O: … }`, all of which it must have. Compared as RFC 5280 7.1 says.
 *
 * What `entries()` of a list tells is an entry, too.
 */
export type DenyListEntry =
  | string
  | (DenyListDetails &
      (
        | { readonly fingerprint256: string; readonly caName?: string | undefined }
        | { readonly fingerprint: string }
        | { readonly pin: string }
        | { readonly certificate: string | Uint8Array }
        | { readonly issuer: string | Uint8Array | IssuerName; readonly serialNumber: string }
      ));

/** An entry as a list tells it. Frozen, JSON-safe. */
export interface DeniedCertificate {
  /** 'AB:CD:…'; of an entry by fingerprint or certificate. */
  readonly fingerprint256?: string;
  /** `sha256/…=`. */
  readonly pin?: string;
  /** The attributes that were given, or the whole name of the CA whose certificate was, as text; as they are compared. */
  readonly issuer?: DeniedIssuer;
  /** Upper-case hexadecimal without leading zeros. */
  readonly serialNumber?: string;
  /**
   * Of a CA whose certificate was given, beside its fingerprint: its name, as it is compared. Where Node hides the
   * intermediates of a path (24.21), a name is all that is left to be recognised by.
   */
  readonly caName?: string;
  /** For the operator, never for the client. */
  readonly reason: string | undefined;
  /** Milliseconds since 1970. */
  readonly until: number | undefined;
}

/** An entry, read. */
export interface Denial {
  /** The same for every spelling of what is denied. */
  readonly key: string;
  readonly denied: DeniedCertificate;
}

const ways = ['fingerprint256', 'fingerprint', 'pin', 'certificate', 'issuer'] as const;
const remedy =
  'Give a SHA-256 fingerprint, a pin (sha256/…=), { certificate }, or { issuer, serialNumber }; reason and until are optional.';
const longestReason = 200;

/** Reads one entry. ConfigErrors: `PIN_INVALID` (what should be a hash is none), `OPTION_INVALID`, `OPTION_UNKNOWN`. */
export function readEntry(entry: unknown, path: string): Denial {
  if (typeof entry === 'string') return readHash(entry, path) ?? certificateDenial(entry, path, noDetails);
  if (entry instanceof Uint8Array) throw invalid(path, 'octets alone', 'Give { certificate }.');
  checkKeys(entry, [...ways, 'serialNumber', 'caName', 'reason', 'until'], path);
  const fields = entry as Readonly<Record<string, unknown>>;
  const given = ways.filter((name) => fields[name] !== undefined);
  if (given.length !== 1)
    throw invalid(path, given.length === 0 ? 'it names nobody' : `${given.join(' and ')} at once`, remedy);
  const [way] = given;
  if (fields['caName'] !== undefined && way !== 'fingerprint256')
    throw invalid(`${path}.caName`, 'it belongs to fingerprint256', remedy);
  if ((way === 'issuer') !== (fields['serialNumber'] !== undefined))
    throw invalid(path, 'issuer and serialNumber say something only together', remedy);
  return readBy(way!, fields, path, readDetails(fields, path));
}

type Details = Pick<DeniedCertificate, 'reason' | 'until'>;
const noDetails: Details = { reason: undefined, until: undefined };

function readBy(
  way: (typeof ways)[number],
  fields: Readonly<Record<string, unknown>>,
  path: string,
  details: Details,
): Denial {
  const value = fields[way];
  if (way === 'certificate') return certificateDenial(value, `${path}.${way}`, details);
  if (way === 'issuer') {
    const issuer = readIssuer(value, `${path}.issuer`);
    const serialNumber = readSerialNumber(fields['serialNumber'], `${path}.serialNumber`);
    const key = `serial:${serialNumber}:${issuerKey(issuer)}`;
    return { key, denied: Object.freeze({ issuer, serialNumber, ...details }) };
  }
  const { key, denied } = (way === 'pin' ? readPin : readFingerprint)(value, `${path}.${way}`);
  const { caName } = fields;
  const name = caName === undefined ? {} : { caName: readName(caName, `${path}.caName`) };
  return { key, denied: Object.freeze({ ...denied, ...name, ...details }) };
}

function certificateDenial(value: unknown, path: string, details: Details): Denial {
  const certificate = readCertificateOf(value, path);
  const { key, denied } = readFingerprint(certificate.sha256, path);
  const name = certificate.isCa ? { caName: comparableName(certificate.subjectRaw) } : {};
  return { key, denied: Object.freeze({ ...denied, ...name, ...details }) };
}

function readDetails({ reason, until }: Readonly<Record<string, unknown>>, path: string): Details {
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > longestReason))
    throw invalid(
      `${path}.reason`,
      `got ${describe(reason)}`,
      `Give a text of at most ${longestReason} characters.`,
    );
  return { reason, until: until === undefined ? undefined : readTime(until, `${path}.until`) };
}

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;
/** Less is 1973 in milliseconds, and this century in seconds. */
const leastTime = 100_000_000_000;

function readTime(value: unknown, path: string): number {
  const time =
    typeof value === 'string' ? (iso.test(value) ? Date.parse(value) : Number.NaN) : toNumber(value);
  if (Number.isSafeInteger(time) && time >= leastTime) return time;
  throw invalid(
    path,
    `got ${describe(value)}`,
    'Give a Date, milliseconds (not seconds) since 1970, or a text such as 2026-12-31T23:00:00Z.',
  );
}

const toNumber = (value: unknown): number =>
  value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Number.NaN;

const invalid = (path: string, problem: string, what: string): ConfigError =>
  new ConfigError('OPTION_INVALID', path, problem, what);
