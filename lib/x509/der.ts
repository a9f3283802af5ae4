/** One element of DER (X.690): its tag octet, its content and the whole of it, as views on the input. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly raw: Buffer;
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of a context-specific, constructed element: `[n]` with content of its own. */
export const explicitTag = (n: number): number => 0xa0 | n;
/** The tag of a context-specific, primitive element: `[n] IMPLICIT`. */
export const implicitTag = (n: number): number => 0x80 | n;

/** The input is not the DER that was expected. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** The one element that fills `input` to its last octet. */
export function readElement(input: Buffer, tag?: number): DerElement {
  const element = elementAt(input, 0, input.length);
  if (element.end !== input.length) throw new DerError('octets after the end');
  return expectTag(element, tag);
}

/** The elements inside a constructed element. */
export function readChildren(parent: DerElement): DerElement[] {
  const children: DerElement[] = [];
  const { input, start, end } = asElement(parent);
  for (let offset = start; offset < end;) {
    const child = elementAt(input, offset, end);
    children.push(child);
    offset = child.end;
  }
  return children;
}

/** The child that follows `previous`, or the first: for whoever looks at each of them once, and keeps none. */
export function childAfter(parent: DerElement, previous?: DerElement): DerElement | undefined {
  const { input, start, end } = asElement(parent);
  const offset = previous === undefined ? start : asElement(previous).end;
  return offset < end ? elementAt(input, offset, end) : undefined;
}

const asElement = (given: DerElement): Element =>
  given instanceof Element ? given : new Element(given.tag, given.content, 0, 0, given.content.length);

/** `element`, if it is there and has the tag. */
export function expectTag(element: DerElement | undefined, tag: number | undefined): DerElement {
  if (element === undefined) throw new DerError('an element is missing');
  if (tag !== undefined && element.tag !== tag) {
    throw new DerError(`expected tag 0x${tag.toString(16)}, found 0x${element.tag.toString(16)}`);
  }
  return element;
}

/**
 * Where an element lies. Its views are made when they are asked for: of most only the tag is looked at, or what is
 * inside, and to make two views costs more than all the rest of reading an element.
 */
class Element implements DerElement {
  readonly tag: number;
  readonly input: Buffer;
  readonly begin: number;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
  #content: Buffer | undefined;

  constructor(tag: number, input: Buffer, begin: number, start: number, end: number) {
    this.tag = tag;
    this.input = input;
    this.begin = begin;
    this.start = start;
    this.end = end;
  }

  get content(): Buffer {
    return (this.#content ??= this.input.subarray(this.start, this.end));
  }

  get raw(): Buffer {
    return this.input.subarray(this.begin, this.end);
  }
}

/** The element that begins at `offset` and ends before `limit`. */
function elementAt(input: Buffer, offset: number, limit: number): Element {
  if (offset + 2 > limit) throw new DerError('cut short');
  const tag = input[offset]!;
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several octets');
  let length = input[offset + 1]!;
  let start = offset + 2;
  if (length >= 0x80) {
    const octets = length & 0x7f;
    if (octets === 0 || octets > 4 || start + octets > limit) throw new DerError('bad length');
    length = input.readUIntBE(start, octets);
    start += octets;
    if (length < 0x80 || length < 256 ** (octets - 1))
      throw new DerError('a length longer than it needs to be');
  }
  if (start + length > limit) throw new DerError('cut short');
  return new Element(tag, input, offset, start, start + length);
}

/** A small INTEGER as a number; throws beyond 2^47. */
export function readSmallInteger(element: DerElement | undefined): number {
  const { input, start, end } = asElement(expectTag(element, tags.integer));
  const length = end - start;
  if (length === 0 || length > 6) throw new DerError('an integer out of range');
  return input.readIntBE(start, length);
}

/** The one element inside of one that is there to tag it (`explicitTag`). */
export function readOnlyChild(parent: DerElement): DerElement {
  const { input, start, end } = asElement(parent);
  const child = elementAt(input, start, end);
  if (child.end !== end) throw new DerError('octets after the end');
  return child;
}

export function readBoolean(element: DerElement | undefined): boolean {
  const { content } = expectTag(element, tags.boolean);
  if (content.length !== 1) throw new DerError('bad boolean');
  return content[0] !== 0;
}

/** An OBJECT IDENTIFIER in dotted form. */
export function readOid(element: DerElement | undefined): string {
  const { content } = expectTag(element, tags.objectIdentifier);
  if (content.length === 0 || content.length > 64 || content.at(-1)! >= 0x80)
    throw new DerError('bad object identifier');
  const known = knownArcs(content);
  if (known !== undefined) return known;
  let text = '';
  let arc = 0;
  for (const octet of content) {
    // Beyond 2^53 only a few: those of UUIDs (X.667).
    if (arc >= 2 ** 46) return readLongOid(content);
    arc = arc * 0x80 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    text += text === '' ? firstArcs(arc) : `.${arc}`;
    arc = 0;
  }
  return text;
}

/** Attributes and extensions are below 2.5.4 and 2.5.29: a certificate has dozens, for which no text is made each time. */
const attributes = Array.from({ length: 0x80 }, (_, arc) => `2.5.4.${arc}`);
const extensions = Array.from({ length: 0x80 }, (_, arc) => `2.5.29.${arc}`);

function knownArcs(content: Buffer): string | undefined {
  if (content.length !== 3 || content[0] !== 0x55) return undefined;
  if (content[1] === 29) return extensions[content[2]!];
  return content[1] === 4 ? attributes[content[2]!] : undefined;
}

/** Two arcs are in the first number. */
function firstArcs(both: number): string {
  const root = Math.min(2, Math.floor(both / 40));
  return `${root}.${both - root * 40}`;
}

function readLongOid(content: Buffer): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if (octet >= 0x80) continue;
    if (arcs.length === 0) {
      const root = arc < 80n ? arc / 40n : 2n;
      arcs.push(root, arc - root * 40n);
    } else {
      arcs.push(arc);
    }
    arc = 0n;
  }
  return arcs.join('.');
}

/** A BIT STRING's octets, without the count of unused bits before them. */
export function readBitString(element: DerElement | undefined): Buffer {
  const { content } = expectTag(element, tags.bitString);
  if (content.length === 0 || content[0]! > 7) throw new DerError('bad bit string');
  return content.subarray(1);
}

/** UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 writes them (seconds, Z), in milliseconds since 1970. */
export function readTime(element: DerElement | undefined): number {
  const { tag, content } = expectTag(element, undefined);
  const digits = tag === tags.utcTime ? 2 : tag === tags.generalizedTime ? 4 : 0;
  if (digits === 0 || content.length !== digits + 11 || content.at(-1) !== letterZ)
    throw new DerError('bad time');
  const year = decimal(content, 0, digits);
  const month = decimal(content, digits, 2);
  const day = decimal(content, digits + 2, 2);
  const hour = decimal(content, digits + 4, 2);
  const minute = decimal(content, digits + 6, 2);
  const second = decimal(content, digits + 8, 2);
  const fullYear = digits === 4 ? year : year < 50 ? 2000 + year : 1900 + year;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    throw new DerError('bad time');
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  // Date takes the 31st of April for the 1st of May.
  if (date.getUTCDate() !== day) throw new DerError('bad time');
  return date.setUTCHours(hour, minute, second);
}

const letterZ = 0x5a;

/** The number that `count` decimal digits write. */
function decimal(content: Buffer, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at++) {
    const digit = content[at]! - 0x30;
    if (digit < 0 || digit > 9) throw new DerError('bad time');
    value = value * 10 + digit;
  }
  return value;
}

/**
 * Any of ASN.1's character strings as text. Controls and NUL are kept as they are: nobody here splits or prints them.
 * What is no character string is given as RFC 4514 2.4 does: '#' and the hexadecimal DER.
 */
export function readString(element: DerElement): string {
  const { tag, content } = element;
  switch (tag) {
    case tags.utf8String:
      return content.toString('utf8');
    case tags.printableString:
    case tags.teletexString:
    case tags.ia5String:
    case tags.visibleString:
      return content.toString('latin1');
    case tags.bmpString:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : asHex(element);
    case tags.universalString:
      return readUniversalString(element);
    default:
      return asHex(element);
  }
}

function readUniversalString(element: DerElement): string {
  const { content } = element;
  if (content.length % 4 !== 0) return asHex(element);
  let text = '';
  for (let offset = 0; offset < content.length; offset += 4) {
    const codePoint = content.readUInt32BE(offset);
    if (codePoint > 0x10ffff) return asHex(element);
    text += String.fromCodePoint(codePoint);
  }
  return text;
}

const asHex = (element: DerElement): string => `#${element.raw.toString('hex')}`;
