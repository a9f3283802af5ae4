import { ConfigError } from '../../errors.ts';
import { describe } from '../../options.ts';
import { type Certificate, readCertificate } from '../../x509/certificate.ts';
import { isAttributeName } from '../../x509/name.ts';
import { readPem } from '../../x509/pem.ts';
import { comparableName, comparableText, issuerOf } from '../revocation/crl-name.ts';

/** Attributes of a name, by their usual short names (`CN`, `O`, `OU` …) or dotted OIDs. */
export type IssuerName = Readonly<Record<string, string | readonly string[]>>;

/** The whole name of a CA whose certificate was given, as text, or the attributes that were. */
export type DeniedIssuer = string | Readonly<Record<string, readonly string[]>>;

const remedy =
  "Give the CA's certificate as PEM or DER, or attributes of its name: { CN: 'Issuing CA', O: 'Example' }.";

/**
 * What identifies an issuer: its name, and never its key, as serial numbers are unique for a name (RFC 5280 4.1.2.2).
 * By the key of a CA's newest certificate nobody would be denied whom an older key of it has signed.
 */
export function readIssuer(value: unknown, path: string): DeniedIssuer {
  if (typeof value === 'string' && value.startsWith('[')) return readName(value, path);
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const certificate = readCertificateOf(value, path);
    if (!certificate.isCa)
      throw invalid(
        path,
        'it is no CA certificate',
        'Give that of its issuer, or deny it by { certificate }.',
      );
    return comparableName(certificate.subjectRaw);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, `got ${describe(value)}`, remedy);
  const names = Object.keys(value).toSorted();
  if (names.length === 0) throw invalid(path, 'it names nobody', remedy);
  return Object.freeze(
    Object.fromEntries(
      names.map((name) => [name, readValues(name, (value as IssuerName)[name], `${path}.${name}`)]),
    ),
  );
}

function readValues(name: string, value: unknown, path: string): readonly string[] {
  if (!isAttributeName(name))
    throw invalid(
      path,
      'no certificate has an attribute of that name',
      'Write CN, O, OU, C … or a dotted OID.',
    );
  const values: readonly unknown[] = Array.isArray(value) ? Array.from(value) : [value];
  if (
    values.length > 0 &&
    values.every((item) => typeof item === 'string' && item !== '' && item.length <= 1_000)
  )
    return Object.freeze([...new Set((values as string[]).map(comparableText))].toSorted());
  throw invalid(path, `got ${describe(value)}`, 'Give a text, or several.');
}

/** The only certificate in a PEM or DER. */
export function readCertificateOf(value: unknown, path: string): Certificate {
  const certificate = derOf(value);
  const read = certificate && readCertificate(certificate);
  if (read !== undefined) return read;
  throw invalid(path, `${describe(value)} is not one certificate`, 'Give PEM or DER.');
}

function derOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return undefined;
  const octets = Buffer.from(value as Uint8Array);
  if (octets[0] === 0x30) return octets;
  const blocks = readPem(octets.toString('latin1')) ?? [];
  const [only] = blocks;
  return blocks.length === 1 && /^(?:X509 )?CERTIFICATE$/.test(only!.label) ? only!.der : undefined;
}

/** A whole name in the form of `comparableName`, as a list tells it. */
export function readName(value: unknown, path: string): string {
  const relatives = typeof value === 'string' ? parsed(value) : undefined;
  const isName =
    Array.isArray(relatives) &&
    relatives.every((parts) => Array.isArray(parts) && parts.every((part) => typeof part === 'string'));
  if (isName) return JSON.stringify(relatives);
  throw invalid(path, `${describe(value)} is no name that a list has told`, remedy);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same for the same issuer, however it was spelt. */
export const issuerKey = (issuer: DeniedIssuer): string =>
  typeof issuer === 'string' ? issuer : JSON.stringify(issuer);

/** Whether the issuer of `certificate` is the one that is meant. */
export function isIssuedBy(certificate: Certificate, issuer: DeniedIssuer): boolean {
  if (typeof issuer === 'string') return issuerOf(certificate) === issuer;
  return Object.entries(issuer).every(([name, wanted]) => {
    const values = new Set(certificate.issuer[name]?.map(comparableText));
    return wanted.every((value) => values.has(value));
  });
}

const invalid = (path: string, problem: string, what: string): ConfigError =>
  new ConfigError('OPTION_INVALID', path, problem, what);
