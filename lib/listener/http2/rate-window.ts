/** Counts what happens within `windowMs`, by a clock that the caller reads. */
export class RateWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  #since = -Infinity;
  #count = 0;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** Counts one at the time `now` (ms); whether that is more than the limit. */
  exceeds(now: number): boolean {
    if (now - this.#since >= this.#windowMs) {
      this.#since = now;
      this.#count = 0;
    }
    return ++this.#count > this.#limit;
  }
}
