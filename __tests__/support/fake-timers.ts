import type { Clock } from '../../lib/clock.ts';

/** A clock that stands until it is moved, with timers that go by it. */
export class FakeTimers implements Clock {
  #now: number;
  /** What has gone by for the timers, whatever the clock says. */
  #elapsed = 0;
  readonly #waiting = new Map<object, { at: number; callback: () => void }>();

  constructor(now: number = Date.now()) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = {};
    // As setTimeout does it.
    this.#waiting.set(timer, { at: this.#elapsed + (ms > 2 ** 31 - 1 ? 1 : ms), callback });
    return () => void this.#waiting.delete(timer);
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Time goes by. */
  pass(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const [next] = [...this.#waiting].toSorted(([, one], [, other]) => one.at - other.at);
      if (next === undefined || next[1].at > end) break;
      this.#step(next[1].at - this.#elapsed);
      this.#waiting.delete(next[0]);
      next[1].callback();
    }
    this.#step(end - this.#elapsed);
  }

  /** The clock is set to another time; no timer notices. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #step(ms: number): void {
    this.#now += ms;
    this.#elapsed += ms;
  }
}
