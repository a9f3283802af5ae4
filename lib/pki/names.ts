import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { canonicalAddress } from '../x509/extensions.ts';
import { nonEmptyList } from './lists.ts';
import { parseUrl } from '../url.ts';

/** One subject alternative name (RFC 5280 4.2.1.6), checked. */
export interface AltName {
  readonly type: 'dns' | 'email' | 'uri' | 'ip';
  readonly value: string;
}

/** Subject alternative names by type. */
export interface AltNamesInput {
  /** DNS names; the leftmost label may be `*`. */
  readonly dns?: readonly string[];
  /** Mail addresses. */
  readonly email?: readonly string[];
  /** Absolute URIs, a SPIFFE ID for example. */
  readonly uri?: readonly string[];
  /** IPv4 and IPv6 addresses. */
  readonly ip?: readonly string[];
}

const types = ['dns', 'email', 'uri', 'ip'] as const;
const readers = { dns: readDnsName, email: readEmail, uri: readUri, ip: readAddress };

/** A server's names: what is an address becomes an iPAddress, as clients look for it there only (RFC 9525 6.5). */
export function readServerNames(names: readonly string[], path: string): readonly AltName[] {
  return distinct(
    nonEmptyList(names, path).map((name, index) => {
      const at = `${path}[${index}]`;
      return looksLikeAddress(name) ? readAddress(name, at) : readDnsName(name, at);
    }),
  );
}

export function readAltNames(input: AltNamesInput, path: string): readonly AltName[] {
  checkKeys(input, types, path);
  const names = types.flatMap((type) => {
    if (input[type] === undefined) return [];
    return nonEmptyList(input[type], `${path}.${type}`).map((name, index) =>
      readers[type](name, `${path}.${type}[${index}]`),
    );
  });
  if (names.length === 0)
    throw refusal(path, 'no names', 'Give at least one of dns, email, uri and ip, or leave it out.');
  return distinct(names);
}

/** A host's name as RFC 5890 2.3.2.3 has it in a certificate: labels of letters, digits and hyphens, lower case. */
export function readHostname(name: unknown, path: string): string {
  if (typeof name !== 'string' || name === '')
    throw refusal(path, `expected a DNS name, got ${describe(name)}`, 'Give a DNS name.');
  if (/[^\x21-\x7e]/.test(name)) {
    const ascii = domainToASCII(name);
    throw refusal(
      path,
      'a DNS name has ASCII characters only',
      ascii === '' ? 'Give its A-label form.' : `Give '${ascii}'.`,
    );
  }
  const labels = name.toLowerCase().split('.');
  const bad = labels.find((label) => !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  if (bad !== undefined) {
    throw refusal(
      path,
      `${describe(name)} has the bad label ${describe(bad)}`,
      'A label has 1 to 63 letters, digits or inner hyphens.',
    );
  }
  if (name.length > 253) throw refusal(path, 'longer than 253 characters', 'Give a shorter DNS name.');
  // RFC 3696 2: a top-level label is never all digits, so this is an address that went wrong.
  if (/^\d+$/.test(labels.at(-1)!))
    throw refusal(path, `${describe(name)} is neither a DNS name nor an address`, 'Check the address.');
  return labels.join('.');
}

/** Top-level names that nobody can register (RFC 6761 6, RFC 6762 3 and G, RFC 9476, and ICANN's `internal`). */
const ownTopLevels: ReadonlySet<string> = new Set([
  'alt',
  'corp',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localhost',
  'private',
  'test',
]);

/** A wildcard right below a top-level domain would be a certificate for half of the Internet, and no client takes it. */
function readDnsName(name: unknown, path: string): AltName {
  const wildcard = typeof name === 'string' && name.startsWith('*.');
  const host = readHostname(wildcard ? name.slice(2) : name, path);
  if (wildcard && !host.includes('.') && !ownTopLevels.has(host))
    throw refusal(path, `a wildcard for all of '${host}'`, "Name a domain, as '*.example.org'.");
  return { type: 'dns', value: wildcard ? `*.${host}` : host };
}

function readAddress(name: unknown, path: string): AltName {
  // A zone ('%eth0') means something to one host only, and has no place in an iPAddress.
  const address = typeof name === 'string' && isIP(name) !== 0 ? canonicalAddress(name) : undefined;
  if (address === undefined)
    throw refusal(
      path,
      `${describe(name)} is no IP address`,
      'Give an IPv4 or IPv6 address, without a zone or port.',
    );
  return { type: 'ip', value: address };
}

/** RFC 5280 4.2.1.6: `local@host`, without a comment or a display name. */
export function readEmail(name: unknown, path: string): AltName {
  const match =
    typeof name === 'string'
      ? /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@]+)$/.exec(name)
      : null;
  if (match === null || match[1]!.length > 64)
    throw refusal(path, `${describe(name)} is no mail address`, "Give one as 'local@example.org'.");
  return { type: 'email', value: `${match[1]!}@${readHostname(match[2], path)}` };
}

/** RFC 5280 4.2.1.6: absolute, with a scheme and what follows it, in ASCII. */
function readUri(name: unknown, path: string): AltName {
  const valid =
    typeof name === 'string' &&
    /^[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]+$/.test(name) &&
    parseUrl(name) !== undefined;
  if (!valid)
    throw refusal(
      path,
      `${describe(name)} is no absolute URI`,
      "Give one as 'spiffe://example.org/workload', in ASCII.",
    );
  return { type: 'uri', value: name };
}

/** The 4 or 16 octets of an address in its canonical form. */
export function addressOctets(canonical: string): number[] {
  if (!canonical.includes(':')) return canonical.split('.').map(Number);
  const [head = [], tail = []] = canonical
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}

const looksLikeAddress = (name: unknown): boolean =>
  typeof name === 'string' && (isIP(name) !== 0 || name.includes(':'));

const distinct = (names: readonly AltName[]): readonly AltName[] => [
  ...new Map(names.map((name) => [`${name.type} ${name.value}`, name])).values(),
];

const refusal = (path: string, problem: string, remedy: string): ConfigError =>
  new ConfigError('OPTION_INVALID', path, problem, remedy);
