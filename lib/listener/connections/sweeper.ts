/**
 * Looks around now and then, from `start` on until nobody is there at its turn: connections that follow each other
 * share a timer, and an idle listener has none. It keeps no process alive.
 */
export class Sweeper {
  readonly #interval: number;
  readonly #sweep: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** `sweep` says whether anybody was there; `interval` is in milliseconds. */
  constructor(interval: number, sweep: () => boolean) {
    this.#interval = interval;
    this.#sweep = sweep;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#turn(), this.#interval).unref();
  }

  #turn(): void {
    if (this.#sweep()) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
