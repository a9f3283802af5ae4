import { type DerElement, DerError, readElement, tags } from '../../x509/der.ts';
import { readExtensions } from '../../x509/extensions.ts';
import { CrlError } from './crl-error.ts';
import { SerialIndex } from './crl-serials.ts';

/** Entries between two steps: some milliseconds. */
const stepSize = 8192;
const enumerated = 0x0a;
const removeFromCrl = 8;

const entryOids = {
  reasonCode: '2.5.29.21',
  holdInstruction: '2.5.29.23',
  invalidityDate: '2.5.29.24',
  certificateIssuer: '2.5.29.29',
} as const;

/**
 * Walks over revokedCertificates (RFC 5280 5.1.2.6) and gives the serial numbers that are revoked; yields from time
 * to time, so that a long list can be read without holding up the loop. `certificateHold` counts as revoked;
 * `removeFromCRL` says that an entry of an earlier list is none any more (5.3.1), and revokes nothing.
 * Throws a DerError or CrlError.
 */
export function* indexEntries(entries: DerElement | undefined): Generator<void, SerialIndex> {
  if (entries === undefined) return new SerialIndex(Buffer.alloc(0), 0);
  const { content } = entries;
  const walker = new Walker(content);
  const index = new SerialIndex(content, yield* countEntries(walker, content.length));
  const isRevoked = reasonReader();
  let count = 0;
  for (let offset = 0; offset < content.length;) {
    const entryEnd = walker.read(offset, content.length, tags.sequence);
    const serialEnd = walker.read(walker.start, entryEnd, tags.integer);
    const serialStart = walker.start;
    const extensionsStart = walker.readTime(serialEnd, entryEnd);
    if (extensionsStart === entryEnd || isRevoked(content.subarray(extensionsStart, entryEnd))) {
      index.add(serialStart, serialEnd);
    }
    offset = entryEnd;
    if (++count % stepSize === 0) yield;
  }
  return index;
}

function* countEntries(walker: Walker, length: number): Generator<void, number> {
  let count = 0;
  for (let offset = 0; offset < length;) {
    offset = walker.read(offset, length, tags.sequence);
    if (++count % (16 * stepSize) === 0) yield;
  }
  return count;
}

/** Reads headers of DER without making an object of each. */
class Walker {
  readonly #input: Buffer;
  /** Of the content of what was read last. */
  start = 0;

  constructor(input: Buffer) {
    this.#input = input;
  }

  /** Gives the end of the element at `offset`, which has this tag and ends by `limit`. */
  read(offset: number, limit: number, tag: number): number {
    if (offset + 2 > limit) throw new DerError('cut short');
    if (this.#input[offset] !== tag) throw new DerError('an entry with an unexpected element');
    const first = this.#input[offset + 1]!;
    this.start = offset + 2;
    const length = first < 0x80 ? first : this.#longLength(first & 0x7f, limit);
    if (length > limit - this.start) throw new DerError('cut short');
    return this.start + length;
  }

  /** A date of revocation is told to nobody: only its form is looked at. */
  readTime(offset: number, limit: number): number {
    const isUtc = this.#input[offset] === tags.utcTime;
    const end = this.read(offset, limit, isUtc ? tags.utcTime : tags.generalizedTime);
    if (end - this.start !== (isUtc ? 13 : 15)) throw new DerError('bad time');
    return end;
  }

  #longLength(octets: number, limit: number): number {
    if (octets === 0 || octets > 4 || this.start + octets > limit) throw new DerError('bad length');
    const length = this.#input.readUIntBE(this.start, octets);
    if (length < 0x80 || length < 256 ** (octets - 1))
      throw new DerError('a length longer than it needs to be');
    this.start += octets;
    return length;
  }
}

/** Most lists have a handful of different extensions, a hundred thousand times each. */
const rememberedExtensions = 64;

function reasonReader(): (extensions: Buffer) => boolean {
  const known = new Map<string, boolean>();
  return (extensions) => {
    const key = extensions.toString('latin1');
    let revoked = known.get(key);
    if (revoked === undefined) {
      revoked = readReason(extensions) !== removeFromCrl;
      if (known.size < rememberedExtensions) known.set(key, revoked);
    }
    return revoked;
  };
}

/** The reason in crlEntryExtensions. A critical one that is not known makes the whole list unusable (RFC 5280 5.3). */
function readReason(octets: Buffer): number | undefined {
  const { raw } = readElement(octets, tags.sequence);
  const extensions = readExtensions({ tag: tags.sequence, content: raw, raw });
  if (extensions.has(entryOids.certificateIssuer)) throw CrlError.indirect();
  for (const [oid, { critical }] of extensions) {
    if (critical && !Object.values<string>(entryOids).includes(oid)) throw CrlError.unknownExtension(oid);
  }
  const reason = extensions.get(entryOids.reasonCode);
  if (reason === undefined) return undefined;
  const { content } = readElement(reason.value, enumerated);
  if (content.length !== 1) throw new DerError('bad reason code');
  return content[0];
}
