import { der } from '../../pki/der.ts';
import { DerError, tags } from '../../x509/der.ts';

/** OpenSSL's own limit (ASN1_MAX_CONSTRUCTED_NEST). It bounds nested SafeContents as well. */
const maxDepth = 30;
const constructed = 0x20;

interface BerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next element starts. */
  readonly next: number;
}

/**
 * The first element of `input` with definite, shortest lengths and whole OCTET STRINGs: RFC 7292 4 allows BER, and
 * the exporters of macOS and NSS write it. What stands behind the element is left out, as OpenSSL does.
 * Throws a DerError.
 */
export function toDer(input: Buffer): Buffer {
  const { tag, content } = readBer(input, 0, 0);
  return der(tag, content);
}

function readBer(input: Buffer, offset: number, depth: number): BerElement {
  const { tag, start, end } = readHeader(input, offset);
  if ((tag & constructed) !== 0) return readConstructed(input, tag, start, end, depth);
  if (end === undefined) throw new DerError('a primitive element without a length');
  return { tag, content: input.subarray(start, end), next: end };
}

function readConstructed(
  input: Buffer,
  tag: number,
  start: number,
  end: number | undefined,
  depth: number,
): BerElement {
  if (depth === maxDepth) throw new DerError('nested too deeply');
  const scope = input.subarray(0, end);
  const parts: BerElement[] = [];
  let next = start;
  while (end === undefined ? !isEndOfContents(scope, next) : next < end) {
    const part = readBer(scope, next, depth + 1);
    parts.push(part);
    next = part.next;
  }
  if (end === undefined) next += 2;
  if (tag === (tags.octetString | constructed)) {
    return { tag: tags.octetString, content: joinOctets(parts), next };
  }
  return { tag, content: Buffer.concat(parts.map((part) => der(part.tag, part.content))), next };
}

/** X.690 8.1.5: two zero octets end what has no length. */
const isEndOfContents = (input: Buffer, offset: number): boolean =>
  input[offset] === 0 && input[offset + 1] === 0;

/** X.690 8.7.3: the octets of a constructed OCTET STRING are those of its parts. */
function joinOctets(parts: readonly BerElement[]): Buffer {
  if (parts.some(({ tag }) => tag !== tags.octetString)) throw new DerError('a part that is no OCTET STRING');
  return Buffer.concat(parts.map(({ content }) => content));
}

/** The tag, and where the content starts and ends; `end` is undefined where the length is indefinite. */
function readHeader(input: Buffer, offset: number): { tag: number; start: number; end: number | undefined } {
  const tag = input[offset];
  const first = input[offset + 1];
  if (tag === undefined || first === undefined) throw new DerError('cut short');
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several octets');
  if (first === 0x80) return { tag, start: offset + 2, end: undefined };
  const octets = first > 0x80 ? first & 0x7f : 0;
  const start = offset + 2 + octets;
  if (octets > 6 || start > input.length) throw new DerError('bad length');
  const end = start + (octets === 0 ? first : input.readUIntBE(offset + 2, octets));
  if (end > input.length) throw new DerError('cut short');
  return { tag, start, end };
}
