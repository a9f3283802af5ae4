import { request } from 'node:https';

/** What somebody else's client has met. */
export interface Probes {
  readonly asked: number;
  readonly answered: number;
  /** Milliseconds, of those that were answered. */
  readonly median: number | undefined;
  readonly slowest: number | undefined;
}

/** A client of another address than the attacker's. */
export const probeAddress = '127.0.0.9';

/** Asks on a new connection each time, until it is stopped. */
export class Prober {
  readonly #port: number;
  readonly #times: number[] = [];
  #asked = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(port: number) {
    this.#port = port;
    this.#done = this.#run();
  }

  async stop(): Promise<Probes> {
    this.#stopped = true;
    await this.#done;
    const times = this.#times.toSorted((a, b) => a - b).map(Math.round);
    return {
      asked: this.#asked,
      answered: times.length,
      median: times[times.length >> 1],
      slowest: times.at(-1),
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#asked++;
      const start = performance.now();
      if (await ask(this.#port)) this.#times.push(performance.now() - start);
      await new Promise((settle) => setTimeout(settle, 100));
    }
  }
}

function ask(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        localAddress: probeAddress,
        agent: false,
        rejectUnauthorized: false,
        timeout: 5_000,
      },
      (answer) => {
        answer.resume();
        answer.on('end', () => settle(answer.statusCode === 200));
        answer.on('error', () => settle(false));
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => settle(false));
    asked.end();
  });
}
