import { isIPv4 } from 'node:net';
import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type DerElement, explicitTag, readChildren, readElement } from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import { readName } from '../x509/name.ts';
import type { CertificateContent } from './certificate.ts';
import { encodeName } from './name-encoding.ts';
import type { AltName } from './names.ts';
import { type ComparedName, concerns, isWithin } from './name-trees.ts';

/** What of a certificate its names are read from. */
export type Named = Pick<CertificateContent, 'altNames' | 'authority' | 'purposes' | 'subject'>;

/**
 * Refuses a certificate of which the name constraints of an authority above rule out a name (RFC 5280 4.2.1.10):
 * verifiers would refuse it. `path` is of what holds its `names` and `subject`.
 */
export function requirePermitted(named: Named, authorities: readonly Certificate[], path = ''): void {
  const constraints = authorities.map(constraintsOf).filter((trees) => trees !== undefined);
  if (constraints.length === 0) return;
  const names = namesOf(named);
  requireComparable(names.length, constraints, `${path}names`);
  for (const { permitted, excluded } of constraints) {
    for (const { name, told, from, remedy } of names) {
      const bases = permitted.filter((base) => concerns(base, name));
      const allowed = bases.length === 0 || bases.some((base) => isWithin(name, base, true) === true);
      const free = excluded.every((base) => !concerns(base, name) || isWithin(name, base, false) === false);
      if (allowed && free) continue;
      throw new ConfigError(
        'OPTION_CONFLICT',
        `${path}${from}`,
        `the name constraints of an authority above rule out ${told}`,
        // The names of a certificate that is renewed are not for choice.
        path === '' ? remedy : 'Issue a new one, with other names.',
      );
    }
  }
}

interface Constraints {
  readonly permitted: readonly DerElement[];
  readonly excluded: readonly DerElement[];
}

function constraintsOf({ extensions }: Certificate): Constraints | undefined {
  const extension = extensions.get(oids.nameConstraints);
  if (extension === undefined) return undefined;
  const trees = readChildren(readElement(extension.value));
  const bases = (n: number): DerElement[] =>
    trees
      .filter(({ tag }) => tag === explicitTag(n))
      .flatMap(readChildren)
      .flatMap((subtree) => readChildren(subtree).slice(0, 1));
  return { permitted: bases(0), excluded: bases(1) };
}

/** What a listener here compares for one certificate; OpenSSL does sixteen times as much. */
const maxComparisons = 65_536;

function requireComparable(count: number, constraints: readonly Constraints[], path: string): void {
  const trees = constraints.reduce(
    (sum, { permitted, excluded }) => sum + permitted.length + excluded.length,
    0,
  );
  if (count * trees <= maxComparisons) return;
  throw new ConfigError(
    'OPTION_CONFLICT',
    path,
    `${count} names are too many for the ${trees} name constraints of the authorities above`,
    'Give fewer names: verifiers refuse to compare so many.',
  );
}

interface JudgedName {
  readonly name: ComparedName;
  readonly told: string;
  readonly from: 'names' | 'subject';
  readonly remedy: string;
}

const otherCommonName: Readonly<Record<'client' | 'server', string>> = {
  client:
    "Give a common name that does not read as a host ('Alice Smith', 'alice@example.org'), or another attribute, as UID, in its place.",
  server: 'Leave the common name out, or give a DNS name too: clients compare the other names.',
};

/**
 * Every name that verifiers compare: alternative names, the subject, the mail addresses in it, and a leaf's common names
 * for want of alternative names of the type.
 */
function namesOf({ subject, altNames = [], authority, purposes = [] }: Named): readonly JudgedName[] {
  const whole = readElement(Buffer.isBuffer(subject) ? subject : encodeName(subject));
  const { CN = [], emailAddress = [] } = readName(whole);
  const isServer = purposes.includes(oids.serverAuth);
  const lacks = (type: ComparedName['type']): boolean =>
    authority === undefined && altNames.every((name) => name.type !== type);
  // GnuTLS takes any common name of a server for a host's, and several of them for none's.
  const hosts = isServer ? (CN.length > 1 ? [CN.join(', ')] : CN) : CN.filter(looksLikeHost);
  const ofCommonNames = (type: 'dns' | 'ip', values: readonly string[]): readonly JudgedName[] =>
    lacks(type) ? values.map((value) => ofCommonName({ type, value }, isServer ? 'server' : 'client')) : [];
  return [
    ...altNames.map((name) => judged(name, 'names')),
    ...(whole.content.length === 0 ? [] : [judged({ type: 'directory', value: whole }, 'subject')]),
    ...emailAddress.map((value) => judged({ type: 'email', value }, 'subject')),
    ...ofCommonNames('dns', hosts),
    ...ofCommonNames('ip', CN.filter(isIPv4)),
  ];
}

const judged = (name: ComparedName, from: JudgedName['from']): JudgedName => ({
  name,
  told: name.type === 'directory' ? 'the subject' : describe(name.value),
  from,
  remedy: 'Leave the name out, or issue below another authority.',
});

const ofCommonName = (name: AltName, role: 'client' | 'server'): JudgedName => ({
  name,
  told: `the common name ${describe(name.value)}, which is taken for ${name.type === 'dns' ? 'a DNS name' : 'an address'}`,
  from: 'subject',
  remedy: otherCommonName[role],
});

/** To OpenSSL without the star and the dot at the end, which others may pass over. */
const looksLikeHost = (name: string): boolean =>
  name.includes('.') && /^(?:\*\.)?\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)*\.?$/.test(name);
