import type { Exchange } from './exchange.ts';

/**
 * The exchanges of one session. A Set makes a new table after every few of them, and V8 links each old table to the new
 * one: one that has moved to the old space keeps the whole chain, and the requests in it, until the next full
 * collection. With a Set 8.9 KB of each request outlived the small collections of Node 24, and 2.1 KB do without
 * (docs/decisions/http2-cost.md).
 */
export class OpenExchanges implements Iterable<Exchange> {
  readonly #list: Exchange[] = [];

  get size(): number {
    return this.#list.length;
  }

  has(exchange: Exchange): boolean {
    return this.#list[exchange.place] === exchange;
  }

  add(exchange: Exchange): void {
    exchange.place = this.#list.length;
    this.#list.push(exchange);
  }

  /** Nothing where it is not there. */
  delete(exchange: Exchange): void {
    if (!this.has(exchange)) return;
    const last = this.#list.pop()!;
    if (last === exchange) return;
    last.place = exchange.place;
    this.#list[last.place] = last;
  }

  /** Those that are there now, whatever becomes of them meanwhile. */
  [Symbol.iterator](): IterableIterator<Exchange> {
    return [...this.#list].values();
  }
}
