import { randomInt } from 'node:crypto';
import { DerError } from '../../x509/der.ts';

const seed = randomInt(2 ** 32);
/** RFC 5280 4.1.2.2 allows 20; some CAs have gone beyond. */
const maxOctets = 64;

/**
 * Serial numbers as they stand in a CRL's DER: a hash table of places in it, without an object for each.
 * For what it costs see `readList`.
 */
export class SerialIndex {
  readonly #der: Buffer;
  readonly #starts: Uint32Array;
  /** 0: the slot is free. */
  readonly #lengths: Uint8Array;
  readonly #mask: number;
  #isEmpty = true;

  /** For at most `count` numbers that stand in `der`. */
  constructor(der: Buffer, count: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * count + 2));
    this.#der = der;
    this.#starts = new Uint32Array(slots);
    this.#lengths = new Uint8Array(slots);
    this.#mask = slots - 1;
  }

  /** The content of an INTEGER, from `start` to `end` in the DER. */
  add(start: number, end: number): void {
    const der = this.#der;
    const from = start + leadingOctets(der, start, end);
    if (end - from > maxOctets || end === start) throw new DerError('a serial number of a wrong length');
    const slot = this.#find(der, from, end);
    this.#starts[slot] = from;
    this.#lengths[slot] = end - from;
    this.#isEmpty = false;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether the number with this content of an INTEGER is in it. */
  has(serial: Buffer): boolean {
    const slot = this.#find(serial, leadingOctets(serial, 0, serial.length), serial.length);
    return this.#lengths[slot] !== 0;
  }

  /** The slot of the number, or the free one in which it would stand. There are twice as many slots as numbers. */
  #find(octets: Buffer, start: number, end: number): number {
    const length = end - start;
    let slot = hash(octets, start, end) & this.#mask;
    for (;;) {
      const there = this.#lengths[slot]!;
      if (there === 0) return slot;
      if (there === length && this.#equals(this.#starts[slot]!, octets, start, length)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #equals(place: number, octets: Buffer, start: number, length: number): boolean {
    const der = this.#der;
    for (let index = 0; index < length; index++) {
      if (der[place + index] !== octets[start + index]) return false;
    }
    return true;
  }
}

/** Octets in front that say nothing: the same number, written longer than X.690 8.3.2 allows. */
function leadingOctets(octets: Buffer, start: number, end: number): number {
  let at = start;
  while (at + 1 < end) {
    const first = octets[at]!;
    const next = octets[at + 1]!;
    if (!((first === 0 && next < 0x80) || (first === 0xff && next >= 0x80))) break;
    at += 1;
  }
  return at - start;
}

/** FNV-1a and the last step of MurmurHash3. */
function hash(octets: Buffer, start: number, end: number): number {
  let value = seed;
  for (let at = start; at < end; at++) value = Math.imul(value ^ octets[at]!, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
