import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** RFC 7292 B.3: what the derived octets are for. */
const purposeIds = { key: 1, iv: 2, mac: 3 } as const;

export interface Pkcs12Derivation {
  readonly digest: string;
  readonly purpose: keyof typeof purposeIds;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly length: number;
}

/** A passphrase as a BMPString that ends with a NUL (RFC 7292 B.1). */
export const bmpPassphrase = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le').swap16();

/** The derivation of RFC 7292 B.2 from a passphrase as a BMPString, at one go. */
export function derivePkcs12(bmp: Buffer, derivation: Pkcs12Derivation): Buffer {
  const steps = derive(bmp, derivation);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same in turns of some 10 ms, between which others get theirs. */
export async function derivePkcs12InTurns(bmp: Buffer, derivation: Pkcs12Derivation): Promise<Buffer> {
  const steps = derive(bmp, derivation);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    // oxlint-disable-next-line no-await-in-loop -- each round needs the one before
    await setImmediate();
  }
}

const roundsPerTurn = 10_000;

/** With the names of RFC 7292 B.2. */
function* derive(bmp: Buffer, derivation: Pkcs12Derivation): Generator<undefined, Buffer, unknown> {
  const { digest, purpose, salt, iterations, length } = derivation;
  const v = /^sha(384|512)/.test(digest) ? 128 : 64;
  const d = Buffer.alloc(v, purposeIds[purpose]);
  const i = Buffer.concat([fill(salt, v), fill(bmp, v)]);
  const output: Buffer[] = [];
  for (let octets = 0; octets < length; octets += output.at(-1)!.length) {
    let a: Buffer = hash(digest, Buffer.concat([d, i]), 'buffer');
    for (let round = 1; round < iterations; round++) {
      a = hash(digest, a, 'buffer');
      if (round % roundsPerTurn === 0) yield;
    }
    output.push(a);
    const b = Buffer.alloc(v, a);
    for (let start = 0; start < i.length; start += v) addPlusOne(i.subarray(start, start + v), b);
  }
  return Buffer.concat(output).subarray(0, length);
}

/** `octets` repeated to the next multiple of `v`. */
function fill(octets: Buffer, v: number): Buffer {
  return octets.length === 0 ? octets : Buffer.alloc(Math.ceil(octets.length / v) * v, octets);
}

/** target = target + addend + 1, modulo its size. */
function addPlusOne(target: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let index = target.length - 1; index >= 0; index--) {
    carry += target[index]! + addend[index]!;
    target[index] = carry & 0xff;
    carry >>= 8;
  }
}
