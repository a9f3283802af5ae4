import { isIPv4 } from 'node:net';
import {
  type DerElement,
  DerError,
  expectTag,
  implicitTag,
  readBitString,
  readBoolean,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  tags,
} from './der.ts';
import { parseUrl } from '../url.ts';

export const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  subjectInfoAccess: '1.3.6.1.5.5.7.1.11',
  netscapeCertType: '2.16.840.1.113730.1.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** Names by type, from the DER: Node's display string cannot be split safely (a comma or NUL in a name quotes it). */
export interface SubjectAltNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  readonly ip: readonly string[];
}

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

/** The named bits of KeyUsage (RFC 5280 4.2.1.3). */
export type KeyUsage =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';

/** Extensions (RFC 5280 4.1) by OID; one that comes twice is an error, as 4.2 forbids it. */
export function readExtensions(element: DerElement): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const item of readChildren(readElement(element.content, tags.sequence))) {
    const parts = readChildren(expectTag(item, tags.sequence));
    const oid = readOid(parts[0]);
    if (extensions.has(oid)) throw new DerError(`extension ${oid} comes twice`);
    const critical = parts.length > 2 ? readBoolean(parts[1]) : false;
    extensions.set(oid, { critical, value: expectTag(parts.at(-1), tags.octetString).content });
  }
  return extensions;
}

/** SubjectAltName (RFC 5280 4.2.1.6). Kinds of name that nobody here compares are left out. */
export function readSubjectAltNames(value: Buffer | undefined): SubjectAltNames {
  const dns: string[] = [];
  const uri: string[] = [];
  const email: string[] = [];
  const ip: string[] = [];
  for (const { tag, content } of value === undefined ? [] : readChildren(readElement(value, tags.sequence))) {
    if (tag === implicitTag(1)) email.push(content.toString('latin1'));
    else if (tag === implicitTag(2)) dns.push(content.toString('latin1'));
    else if (tag === implicitTag(6)) uri.push(content.toString('latin1'));
    else if (tag === implicitTag(7)) ip.push(formatAddress(content));
  }
  const names = { dns, uri, email, ip };
  for (const list of Object.values(names)) Object.freeze(list);
  return Object.freeze(names);
}

/** IPv4 dotted, IPv6 as RFC 5952 writes it. */
function formatAddress(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) throw new DerError('an address of neither 4 nor 16 octets');
  const groups = octets.toString('hex').match(/.{4}/g)!;
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The canonical form of an address in text, as `formatAddress` writes it; undefined if it is none. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  return text.includes(':') ? parseUrl(`http://[${text}]`)?.hostname.slice(1, -1) : undefined;
}

export function readBasicConstraints(value: Buffer): BasicConstraints {
  const parts = readChildren(readElement(value, tags.sequence));
  const ca = parts[0]?.tag === tags.boolean ? readBoolean(parts.shift()) : false;
  const pathLength = parts.length > 0 ? readSmallInteger(parts[0]) : undefined;
  if (pathLength !== undefined && pathLength < 0) throw new DerError('a negative path length');
  return { ca, pathLength };
}

/** In the order of their bits, the first of which is the highest of the first octet. */
const keyUsageBits: readonly KeyUsage[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

export function readKeyUsage(value: Buffer): ReadonlySet<KeyUsage> {
  const octets = readBitString(readElement(value));
  return new Set(keyUsageBits.filter((_usage, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

/** The OIDs of an ExtKeyUsageSyntax. */
export function readOidList(value: Buffer | undefined): readonly string[] {
  if (value === undefined) return [];
  return readChildren(readElement(value, tags.sequence)).map(readOid);
}

/** The policy OIDs of CertificatePolicies, without their qualifiers. */
export function readPolicies(value: Buffer | undefined): readonly string[] {
  if (value === undefined) return [];
  return readChildren(readElement(value, tags.sequence)).map((policy) => readOid(readChildren(policy)[0]));
}

/** AuthorityKeyIdentifier's key identifier, in hexadecimal. */
export function readAuthorityKeyId(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  const keyId = readChildren(readElement(value, tags.sequence)).find(({ tag }) => tag === implicitTag(0));
  return keyId?.content.toString('hex');
}

export function readSubjectKeyId(value: Buffer | undefined): string | undefined {
  return value === undefined ? undefined : readElement(value, tags.octetString).content.toString('hex');
}
