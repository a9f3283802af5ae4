import { isUtf8 } from 'node:buffer';
import { childAfter, type DerElement, DerError, readChildren, tags } from '../../x509/der.ts';

const maxDepth = 32;
const nullTag = 0x05;
const constructed = 0x20;

/** What is not DER in an element that has been read (X.690 10 and 11); undefined where nothing is. */
export function notDer(element: DerElement, depth = 0): string | undefined {
  if (depth > maxDepth) throw new DerError('nested too deep');
  const { tag } = element;
  if ((tag & constructed) === 0) return tag < constructed ? notDerValue(element) : undefined;
  // Strings in parts are BER (10.2).
  if (tag < 0x40 && tag !== tags.sequence && tag !== tags.set) return 'a value in parts';
  if (tag === tags.set && !isOrdered(readChildren(element))) return 'a SET out of order';
  // To the last one: what cannot be read is worse than what is not DER.
  let found: string | undefined;
  for (let child = childAfter(element); child !== undefined; child = childAfter(element, child))
    found ??= notDer(child, depth + 1);
  return found;
}

/** X.690 11.6. */
const isOrdered = (items: readonly DerElement[]): boolean =>
  items.every((item, index) => index === 0 || Buffer.compare(items[index - 1]!.raw, item.raw) <= 0);

function notDerValue({ tag, content }: DerElement): string | undefined {
  switch (tag) {
    case tags.boolean:
      return content.length === 1 && (content[0] === 0 || content[0] === 0xff) ? undefined : 'a BOOLEAN';
    case tags.integer:
      return isShortInteger(content) ? undefined : 'an INTEGER with octets too many or none';
    case tags.bitString:
      return isPadded(content) ? undefined : 'a BIT STRING with bits after its end';
    case nullTag:
      return content.length === 0 ? undefined : 'a NULL with content';
    case tags.objectIdentifier:
      return isShortOid(content) ? undefined : 'an OBJECT IDENTIFIER with octets too many';
    case tags.utf8String:
      return isUtf8(content) ? undefined : 'a UTF8String that is no UTF-8';
    case tags.printableString:
    case tags.ia5String:
    case tags.visibleString:
      return content.every((octet) => octet < 0x80) ? undefined : 'a string beyond ASCII';
    case tags.bmpString:
      return content.length % 2 === 0 ? undefined : 'half a character';
    case tags.universalString:
      return content.length % 4 === 0 ? undefined : 'half a character';
    case 0x10:
    case 0x11:
      return 'a SEQUENCE or SET without parts';
    default:
      return undefined;
  }
}

/** X.690 8.3.2. */
function isShortInteger(content: Buffer): boolean {
  const [first, second] = content;
  if (first === undefined) return false;
  if (second === undefined) return true;
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80);
}

/** X.690 11.2.1: unused bits are zero. */
function isPadded(content: Buffer): boolean {
  const unused = content[0];
  if (unused === undefined || unused > 7) return false;
  if (content.length === 1) return unused === 0;
  return (content.at(-1)! & ((1 << unused) - 1)) === 0;
}

/** X.690 8.19.2: no part begins with zero bits. */
function isShortOid(content: Buffer): boolean {
  if (content.length === 0 || content.at(-1)! >= 0x80) return false;
  return content.every((octet, index) => octet !== 0x80 || (index > 0 && content[index - 1]! >= 0x80));
}
