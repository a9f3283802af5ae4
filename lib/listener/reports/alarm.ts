import type { Clock } from '../../clock.ts';

/**
 * setTimeout fires at once beyond 24.8 days, and counts time, not the clock: one that is set right, or a machine that
 * slept, is noticed after this long.
 */
const longestSleep = 12 * 3_600_000;

/** Rings at a time of the clock, once. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** At `time` (ms since 1970), or as soon as can be if that is past. Another one set before is forgotten. */
  setFor(time: number): void {
    this.stop();
    const wait = Math.max(0, Math.min(time - this.#clock.now(), longestSleep));
    this.#cancel = this.#clock.after(wait, () => this.#wake(time));
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wake(time: number): void {
    this.#cancel = undefined;
    if (this.#clock.now() >= time) this.#ring();
    else this.setFor(time);
  }
}
