/** What the other side sent is not what the protocol allows. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Reads the presentation language of TLS (RFC 8446 3) from octets of a stranger: never beyond their end. */
export class Reader {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get left(): number {
    return this.#octets.length - this.#at;
  }

  /** The next `length` octets, as a view. */
  take(length: number): Buffer {
    if (length > this.left) throw new WireError('a message that is cut short');
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }

  /** An unsigned number of `size` octets. */
  number(size: 1 | 2 | 3 | 4): number {
    return this.take(size).readUIntBE(0, size);
  }

  /** A vector whose length stands before it in `size` octets. */
  vector(size: 1 | 2 | 3): Buffer {
    return this.take(this.number(size));
  }

  /** All numbers of `size` octets to the end. */
  numbers(size: 1 | 2): number[] {
    const found: number[] = [];
    while (this.left > 0) found.push(this.number(size));
    return found;
  }

  end(): void {
    if (this.left > 0) throw new WireError('octets after the end of a message');
  }
}

export function number(size: 1 | 2 | 3 | 4, value: number): Buffer {
  const octets = Buffer.alloc(size);
  octets.writeUIntBE(value, 0, size);
  return octets;
}

export const numbers = (size: 1 | 2, values: readonly number[]): Buffer =>
  Buffer.concat(values.map((value) => number(size, value)));

/** A vector with its length before it. */
export function vector(size: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([number(size, content.length), content]);
}
