/** Lets what has to wait keep its place before what comes after it. */
export class InOrder {
  #last: Promise<unknown> | undefined;

  /** Whether something waits. */
  get isWaiting(): boolean {
    return this.#last !== undefined;
  }

  /** Runs `change` once what was given before it is over, and gives its outcome. */
  async run<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last === undefined ? change() : this.#last.then(change);
    const over: Promise<void> = done.then(
      () => this.#ended(over),
      () => this.#ended(over),
    );
    this.#last = over;
    return done;
  }

  #ended(one: Promise<void>): void {
    if (this.#last === one) this.#last = undefined;
  }
}
