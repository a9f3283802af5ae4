import { type DerElement, explicitTag, implicitTag, readChildren, readOid, readString } from '../x509/der.ts';
import { addressOctets, type AltName } from './names.ts';

/** A name to be compared with constraints: an alternative name, or the whole subject. */
export type ComparedName = AltName | { readonly type: 'directory'; readonly value: DerElement };

/** Tags of GeneralName (RFC 5280 4.2.1.6). */
const tags: Readonly<Record<ComparedName['type'], number>> = {
  email: implicitTag(1),
  dns: implicitTag(2),
  directory: explicitTag(4),
  uri: implicitTag(6),
  ip: implicitTag(7),
};

/** Whether a subtree speaks of names of this type. */
export const concerns = (base: DerElement, { type }: ComparedName): boolean => base.tag === tags[type];

/**
 * Whether a name is within a subtree of its type; undefined where verifiers cannot say it, or say different things, and
 * refuse. `whole`: all that it stands for has to be within, as `permitted` asks; for `excluded` one of it is enough.
 */
export function isWithin(name: ComparedName, base: DerElement, whole: boolean): boolean | undefined {
  if (name.type === 'directory') return beginsWith(name.value, base);
  if (name.type === 'ip') return isInRange(addressOctets(name.value), base.content, whole);
  const text = base.content.toString('latin1');
  if (name.type === 'dns') return isBelow(name.value.toLowerCase(), text.toLowerCase(), whole);
  // Who excludes nothing in particular excludes all, and who permits it permits none.
  if (text === '') return !whole;
  return name.type === 'email' ? isMailOf(name.value, text) : isHostOf(hostOfUri(name.value), text);
}

/** As OpenSSL takes a common name for a host: with underscores, and hyphens inside of a label only. */
const host = /^\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)*$/;

/** A base with a leading dot, as OpenSSL allows it, stands for what is below it only. */
function isBelow(name: string, base: string, whole: boolean): boolean | undefined {
  const parent = name.replace(/^\*\./, '');
  if (!host.test(parent)) return undefined;
  if (base === '' || name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`)) return true;
  // A wildcard reaches the excluded name beside it, which no verifier compares.
  return !whole && name !== parent && (base === parent || base.endsWith(`.${parent}`));
}

/** One mailbox, whose part before the @ is compared as it stands (RFC 5280 7.5), or all of a host, or of those below. */
function isMailOf(address: string, base: string): boolean | undefined {
  const [, local, domain = ''] = /^([!#$%&'*+/=?^`{|}~\w.-]+)@([^@]+)$/.exec(address) ?? [];
  if (!host.test(domain)) return undefined;
  const [name, at] = base.split('@');
  return at === undefined ? isHostOf(domain, base) : local === name && isHostOf(domain, at);
}

/**
 * A verifier refuses a URI without a host's name (RFC 5280 4.2.1.10), and does not find the host behind user information,
 * or before `?`, `#`, a port without digits, or (OpenSSL 3.0) a path with a colon.
 */
function hostOfUri(uri: string): string {
  const name = /^[^:]+:\/\/([^/?#:]*)(?::\d+(?:[/?#].*)?|\/[^:]*)?$/.exec(uri)?.[1] ?? '';
  return host.test(name) && !/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(name) ? name : '';
}

/** A host, or with a dot in front the hosts below it. */
function isHostOf(name: string, base: string): boolean | undefined {
  if (name === '') return undefined;
  const [given, above] = [name.toLowerCase(), base.toLowerCase()];
  return above.startsWith('.') ? given.endsWith(above) : given === above;
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** An IPv4 address in IPv6's clothes is excluded with the one that it stands for. */
function isInRange(address: readonly number[], range: Buffer, whole: boolean): boolean {
  const size = range.length / 2;
  const isMapped = !whole && size === 4 && mappedPrefix.every((octet, index) => octet === address[index]);
  const compared = isMapped && address.length === 16 ? address.slice(12) : address;
  return (
    size === compared.length &&
    compared.every((octet, index) => ((octet ^ range[index]!) & range[size + index]!) === 0)
  );
}

function beginsWith(name: DerElement, base: DerElement): boolean {
  const given = readRdns(name);
  return readChildren(base)
    .flatMap(readRdns)
    .every((rdn, index) => rdn === given[index]);
}

/** As OpenSSL compares them: whatever the string's type, capital letters of ASCII, and space around and in excess. */
const readRdns = (name: DerElement): readonly string[] =>
  readChildren(name).map((rdn) => JSON.stringify(readChildren(rdn).map(readAttribute).toSorted()));

function readAttribute(attribute: DerElement): string {
  const [type, value] = readChildren(attribute);
  const text = value === undefined ? '' : readString(value);
  const folded = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()).replace(/[\t-\r ]+/g, ' ');
  return `${readOid(type)}=${folded.trim()}`;
}
