/** The clock and the timers, so that tests need not wait. */
export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  set(callback: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** Node's own; none of them keeps the process alive. */
export const systemTimers: Timers = {
  now: () => Date.now(),
  set: (callback, ms) => setTimeout(callback, ms).unref(),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/**
 * setTimeout fires at once beyond 24.8 days, and counts time, not the clock: one that is set right, or a machine that
 * slept, is noticed after this long.
 */
const longestSleep = 12 * 3_600_000;

/** Rings at a time of the clock, once. */
export class Alarm {
  readonly #timers: Timers;
  readonly #ring: () => void;
  #timer: unknown;

  constructor(timers: Timers, ring: () => void) {
    this.#timers = timers;
    this.#ring = ring;
  }

  /** At `time` (ms since 1970), or as soon as can be if that is past. Another one set before is forgotten. */
  setFor(time: number): void {
    this.stop();
    const wait = Math.max(0, Math.min(time - this.#timers.now(), longestSleep));
    this.#timer = this.#timers.set(() => this.#wake(time), wait);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#timers.clear(this.#timer);
    this.#timer = undefined;
  }

  #wake(time: number): void {
    this.#timer = undefined;
    if (this.#timers.now() >= time) this.#ring();
    else this.setFor(time);
  }
}
