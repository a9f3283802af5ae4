/** Lets some work be under way at once, and some wait for its turn; what is beyond is refused. */
export class Turns {
  readonly #atOnce: number;
  readonly #mayWait: number;
  #underWay = 0;
  readonly #waiting: Array<() => void> = [];

  constructor(atOnce: number, mayWait: number) {
    this.#atOnce = atOnce;
    this.#mayWait = mayWait;
  }

  /** Runs `work` in its turn; rejects as it does, and where too many wait. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#atOnce) {
      if (this.#waiting.length >= this.#mayWait) throw new Error('too many questions are waiting');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#underWay++;
    try {
      return await work();
    } finally {
      // Whoever is next takes this place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay--;
      else next();
    }
  }
}
