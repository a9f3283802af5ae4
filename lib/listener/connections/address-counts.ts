interface Count {
  connections: number;
  handshakes: number;
}

/** How many connections, and pending handshakes among them, each address has. What has none is not remembered. */
export class AddressCounts {
  readonly #counts = new Map<string, Count>();

  /** Addresses that have a connection. */
  get size(): number {
    return this.#counts.size;
  }

  connections(key: string): number {
    return this.#counts.get(key)?.connections ?? 0;
  }

  handshakes(key: string): number {
    return this.#counts.get(key)?.handshakes ?? 0;
  }

  add(key: string, handshaking: boolean): void {
    let count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, (count = { connections: 0, handshakes: 0 }));
    count.connections++;
    if (handshaking) count.handshakes++;
  }

  handshakeEnded(key: string): void {
    const count = this.#counts.get(key);
    if (count !== undefined) count.handshakes--;
  }

  remove(key: string): void {
    const count = this.#counts.get(key);
    if (count !== undefined && --count.connections === 0) this.#counts.delete(key);
  }
}
