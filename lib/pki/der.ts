import { tags } from '../x509/der.ts';

/** One element of DER (X.690): a tag octet, the shortest length, and the contents one after another. */
export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), lengthOctets(content.length), content]);
}

export const sequence = (...contents: readonly Buffer[]): Buffer => der(tags.sequence, ...contents);

export const octetString = (content: Buffer): Buffer => der(tags.octetString, content);

/** An extension that is not critical (RFC 5280 4.2 and 5.2). */
export const extension = (oid: string, value: Buffer): Buffer =>
  sequence(objectIdentifier(oid), octetString(value));

/** A BIT STRING of whole octets. */
export const bitString = (content: Buffer): Buffer => der(tags.bitString, Buffer.of(0), content);

/** A non-negative INTEGER in the fewest octets. */
export function unsignedInteger(value: bigint | number): Buffer {
  const hex = value.toString(16);
  return positiveInteger(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}

/** A non-negative INTEGER of these octets, most significant first. */
export function positiveInteger(octets: Buffer): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const magnitude = first === -1 ? Buffer.of(0) : octets.subarray(first);
  return der(tags.integer, ...(magnitude[0]! >= 0x80 ? [Buffer.of(0)] : []), magnitude);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...arcs] = dotted.split('.').map(BigInt);
  return der(tags.objectIdentifier, ...[first * 40n + second, ...arcs].map(base128));
}

/** A Time as RFC 5280 4.1.2.5 wants it: UTCTime to the end of 2049, GeneralizedTime from then on, in seconds. */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? der(tags.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : der(tags.generalizedTime, Buffer.from(digits, 'latin1'));
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const hex = length.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets]);
}

function base128(arc: bigint): Buffer {
  const septets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) septets.unshift(Number(rest & 0x7fn) | 0x80);
  return Buffer.from(septets);
}
