import { type Clock, systemClock } from '../clock.ts';
import type { TicketKeyPeriod } from './store.ts';

/** Far more than the two periods of each listening address. */
const limit = 1_000;
/** The longest period, twice. */
const farthest = 2 * 604_800_000;

/** The keys that the workers of a cluster share: first come, first served, and destroyed when their time is over. */
export class PrimaryKeys {
  readonly #clock: Clock;
  readonly #keys = new Map<string, Buffer>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The key of the period, or `candidate`, which is it from now on; undefined for a period out of reason. */
  keyFor(scope: string, { id, expiresAt }: TicketKeyPeriod, candidate: Buffer): Buffer | undefined {
    const name = JSON.stringify([scope, id]);
    const held = this.#keys.get(name);
    if (held !== undefined) return held;
    const wait = expiresAt - this.#clock.now();
    if (wait <= 0 || wait > farthest || this.#keys.size >= limit) return undefined;
    this.#keys.set(name, candidate);
    this.#clock.after(wait, () => {
      candidate.fill(0);
      this.#keys.delete(name);
    });
    return candidate;
  }
}
