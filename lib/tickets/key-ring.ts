import { randomBytes } from 'node:crypto';
import { type Period, periodAt, periodNumber } from './period.ts';
import { ticketKeyLength } from './store.ts';

/**
 * `own`: random, of this process alone. `shared`: of the store, for this period. `kept`: of the store, for the period
 * before, as the one for this period has not come.
 */
export type KeyOrigin = 'own' | 'shared' | 'kept';

/** The key to use, in the buffer of the ring, which is zero-filled when the key is dropped. */
export interface RingKey {
  readonly key: Buffer;
  readonly origin: KeyOrigin;
  readonly period: Period;
}

interface Entry {
  readonly key: Buffer;
  readonly shared: boolean;
}

/**
 * One key per period, pure in time: it has no timer, and wherever the clock has jumped to, `at` gives the key for that
 * time and destroys those of other times. A shared key serves one further period at most where no new one has come;
 * an own one never does.
 */
export class TicketKeyRing {
  readonly #rotateEvery: number;
  readonly #entries = new Map<number, Entry>();

  /** `rotateEvery` in seconds. */
  constructor(rotateEvery: number) {
    this.#rotateEvery = rotateEvery;
  }

  at(now: number): RingKey {
    const period = periodAt(now, this.#rotateEvery);
    const { key, origin } = this.#choose(period.index);
    for (const index of this.#entries.keys()) {
      const needed =
        index === period.index ||
        index === period.index + 1 ||
        (origin === 'kept' && index === period.index - 1);
      if (!needed) this.#drop(index);
    }
    return { key, origin, period };
  }

  next(period: Period): Period {
    return periodNumber(period.index + 1, this.#rotateEvery);
  }

  isShared({ index }: Period): boolean {
    return this.#entries.get(index)?.shared === true;
  }

  /** What to offer to the store: the key that serves already, so that nobody has to change, or a new one. */
  candidate({ index }: Period): Buffer {
    const held = this.#entries.get(index);
    return held === undefined ? randomBytes(ticketKeyLength) : Buffer.from(held.key);
  }

  /** Takes a copy of the key that the store has for a period; too late, or too early, it is not taken. */
  put({ index }: Period, key: Uint8Array, now: number): void {
    const current = periodAt(now, this.#rotateEvery).index;
    if (index !== current && index !== current + 1) return;
    const held = this.#entries.get(index);
    const same = held?.key.equals(key) === true;
    if (!same) this.#drop(index);
    this.#entries.set(index, { key: same ? held.key : Buffer.from(key), shared: true });
  }

  /** Zero-fills and forgets every key. */
  destroy(): void {
    for (const index of this.#entries.keys()) this.#drop(index);
  }

  #choose(index: number): { key: Buffer; origin: KeyOrigin } {
    const held = this.#entries.get(index);
    if (held !== undefined) return { key: held.key, origin: held.shared ? 'shared' : 'own' };
    const last = this.#entries.get(index - 1);
    if (last?.shared === true) return { key: last.key, origin: 'kept' };
    const key = randomBytes(ticketKeyLength);
    this.#entries.set(index, { key, shared: false });
    return { key, origin: 'own' };
  }

  #drop(index: number): void {
    this.#entries.get(index)?.key.fill(0);
    this.#entries.delete(index);
  }
}
