import { comparableRdns, preparedText } from '../revocation/crl-name.ts';
import { hostOfUri, isHost, readMailbox } from './name-forms.ts';

/**
 * Whether a name is within a subtree; undefined where that cannot be said, which refuses. `whole`: all that the name
 * stands for must be within it, as a permitted subtree asks; otherwise one of it will do, as for an excluded one.
 */
export type Subtree = (content: Buffer, whole: boolean) => boolean | undefined;

/** A dNSName and everything below it; one with a dot in front: what is below it only. Undefined: it is malformed. */
export function dnsSubtree(base: Buffer): Subtree | undefined {
  const text = base.toString('latin1').toLowerCase();
  if (text === '') return () => true;
  const above = text.replace(/^\./, '');
  if (!isHost(above)) return undefined;
  const within = (name: string): boolean => name.endsWith(`.${above}`) || name === text;
  return (content, whole) => {
    const name = content.toString('latin1').toLowerCase();
    const parent = name.replace(/^\*\./, '');
    if (!isHost(parent)) return undefined;
    if (parent === name) return within(name);
    // A wildcard stands for every name of one more label (RFC 6125 6.4.3).
    if (within(name)) return true;
    return !whole && (above.endsWith(`.${parent}`) || parent === above);
  };
}

/** Of an empty base: who excludes it means all; who permits it, and nothing more, may mean none. */
const every: Subtree = (_content, whole) => !whole;

/** A mailbox, all mailboxes of a host, or with a dot in front those of the hosts below. */
export function emailSubtree(base: Buffer): Subtree | undefined {
  const text = base.toString('latin1');
  if (text === '') return every;
  const box = readMailbox(text);
  if (box === undefined && !isHost(text.replace(/^\./, ''))) return undefined;
  return (content) => {
    const name = readMailbox(content.toString('latin1'));
    if (name === undefined) return undefined;
    // The part before the @ is its host's to compare: as it stands (RFC 5280 7.5).
    if (box !== undefined) return name.local === box.local && isSame(name.host, box.host);
    return isHostOf(name.host, text);
  };
}

/** A host, or with a dot in front the hosts below. URIs without a host's name cannot be judged (4.2.1.10). */
export function uriSubtree(base: Buffer): Subtree | undefined {
  const text = base.toString('latin1');
  if (text === '') return every;
  if (!isHost(text.replace(/^\./, ''))) return undefined;
  return (content) => {
    const host = hostOfUri(content.toString('latin1'));
    return host === undefined ? undefined : isHostOf(host, text);
  };
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const isHostOf = (host: string, base: string): boolean =>
  base.startsWith('.') ? host.toLowerCase().endsWith(base.toLowerCase()) : isSame(host, base);

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex');

/** An address and its mask, which is the beginning of all ones (RFC 4632). */
export function addressSubtree(base: Buffer): Subtree | undefined {
  if (base.length !== 8 && base.length !== 32) return undefined;
  const size = base.length / 2;
  const address = base.subarray(0, size);
  const mask = base.subarray(size);
  const bits = Array.from(mask, (octet) => octet.toString(2).padStart(8, '0')).join('');
  if (!/^1*0*$/.test(bits)) return undefined;
  const within = (name: Buffer): boolean =>
    name.length === size && name.every((octet, at) => ((octet ^ address[at]!) & mask[at]!) === 0);
  return (content, whole) => {
    if (content.length !== 4 && content.length !== 16) return undefined;
    if (within(content)) return true;
    const isMapped = content.length === 16 && content.subarray(0, 12).equals(mappedPrefix);
    return !whole && isMapped && within(content.subarray(12));
  };
}

/** A distinguished name and every name that begins with it. */
export function directorySubtree(base: Buffer): Subtree | undefined {
  const begin = readRdns(base);
  return begin === undefined
    ? undefined
    : (content): boolean | undefined => rdnsOf(content)?.startsWith(begin);
}

const known = new WeakMap<Buffer, { readonly rdns: string | undefined }>();

/** Read once, and not for each base. */
function rdnsOf(name: Buffer): string | undefined {
  let found = known.get(name);
  if (found === undefined) {
    found = { rdns: readRdns(name) };
    known.set(name, found);
  }
  return found.rdns;
}

/** The RDNs of a name, each on a line of its own; undefined where they cannot be compared. */
function readRdns(name: Buffer): string | undefined {
  try {
    return comparableRdns(name, preparedText)
      .map((rdn) => `${JSON.stringify(rdn)}\n`)
      .join('');
  } catch {
    return undefined;
  }
}
