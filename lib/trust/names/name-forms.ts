import { readElement, readChildren, tags, readOid, explicitTag, implicitTag } from '../../x509/der.ts';
import { readName } from '../../x509/name.ts';
import type { GeneralName } from './general-name.ts';

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const host = new RegExp(`^${label}(?:\\.${label})*$`, 'i');
const mailbox = /^([!#$%&'*+/=?^_`{|}~\w.-]+)@([^@]+)$/;
const uri = /^[a-z][a-z0-9+.-]*:[!-~]+$/i;
/** What ends so is an address in disguise (WHATWG URL 3.5): `127.1`, `0x7f`. */
const numericEnd = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i;

/** A host's name: RFC 1123 2.1, and the underscore that is in use. Neither a wildcard nor a dot at the end. */
export const isHost = (text: string): boolean => text.length <= 253 && host.test(text);

/** The parts of a mailbox (RFC 2821 4.1.2); none that is quoted, as no two readers of those agree. */
export function readMailbox(text: string): { readonly local: string; readonly host: string } | undefined {
  const [, local, domain] = mailbox.exec(text) ?? [];
  return local !== undefined && domain !== undefined && isHost(domain) ? { local, host: domain } : undefined;
}

/**
 * The host of a URI with an authority (RFC 3986 3.2.2), lower case; undefined where it has none, or an address, or user
 * information, which every reader cuts off elsewhere.
 */
export function hostOfUri(text: string): string | undefined {
  if (!uri.test(text)) return undefined;
  const [, authority] = /^[^:]+:\/\/([^/?#]*)/.exec(text) ?? [];
  if (authority === undefined || /[\\%@]/.test(authority)) return undefined;
  const name = authority.replace(/:\d*$/, '');
  return isHost(name) && !numericEnd.test(name) ? name.toLowerCase() : undefined;
}

/**
 * Whether a name is built as one of its type (RFC 5280 4.2.1.6). What stands in a string is not looked at, as nobody
 * here splits it or cuts it short; where it is compared with a constraint, it has to be a name of its kind.
 */
export function isWellFormed({ type, content }: GeneralName): boolean {
  if (texts.has(type)) return content.length > 0 && content.every((octet) => octet < 0x80);
  if (type === 'iPAddress') return content.length === 4 || content.length === 16;
  return isReadable(type, content);
}

/** Those that are IA5Strings. */
const texts: ReadonlySet<GeneralName['type']> = new Set([
  'dNSName',
  'rfc822Name',
  'uniformResourceIdentifier',
]);

function isReadable(type: GeneralName['type'], content: Buffer): boolean {
  try {
    if (type === 'directoryName') return Object.keys(readName(readElement(content))).length > 0;
    if (type === 'registeredID') return readOid({ tag: tags.objectIdentifier, content, raw: content }) !== '';
    const parts = readChildren({ tag: tags.sequence, content, raw: content });
    if (type !== 'otherName') return true;
    return readOid(parts[0]) !== '' && parts.length === 2 && parts[1]!.tag === explicitTag(0);
  } catch {
    return false;
  }
}

/** The OID of an otherName; undefined for any other name. */
export const otherNameOid = ({ type, content }: GeneralName): string | undefined =>
  type === 'otherName' ? readOid(readChildren({ tag: implicitTag(0), content, raw: content })[0]) : undefined;
