/** A process that serves. */
export interface PoolWorker {
  readonly pid: number | undefined;
  /** It listens; what it says of that. */
  readonly onServing: (heard: (served: unknown) => void) => void;
  /** How it has ended: by an exit code, or a signal. */
  readonly onExit: (ended: (how: number | string) => void) => void;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export interface PoolParts {
  readonly count: number;
  readonly fork: () => PoolWorker;
  /** Runs something after so many milliseconds; gives what prevents that. */
  readonly delay: (run: () => void, ms: number) => () => void;
  /** Milliseconds. */
  readonly now: () => number;
  readonly tell: (line: string) => void;
  /** The first one serves. */
  readonly onServing: (served: unknown) => void;
}

const firstPause = 1_000;
const longestPause = 30_000;
/** Who has lived so long was well: the next one after it starts at once again. */
const healthy = 60_000;

/**
 * Keeps so many workers serving. The first has to serve before the others start, so that what keeps it from serving is
 * told once, and ends all. Later a worker that ends is replaced, after a pause that doubles while they end young.
 */
export class WorkerPool {
  /** How all of it ends: 0 after a stop, otherwise what the first worker ended with. */
  readonly done: Promise<number>;
  readonly #parts: PoolParts;
  /** What each of them is due once it serves; undefined where it does. */
  readonly #workers = new Map<PoolWorker, 'nothing' | 'reload' | undefined>();
  readonly #waiting = new Set<() => void>();
  #settle!: (code: number) => void;
  #pause = firstPause;
  #serving = false;
  #stopping = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.done = new Promise((settle) => (this.#settle = settle));
    this.#start();
  }

  /** Lets all end what they have begun. */
  stop(): void {
    this.#stopping = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
    for (const worker of this.#workers.keys()) worker.kill('SIGTERM');
    this.#endIfEmpty(0);
  }

  /** By SIGHUP, which ends a process that does not serve yet: that one is told once it does. */
  reload(): void {
    for (const [worker, due] of this.#workers) {
      if (due === undefined) worker.kill('SIGHUP');
      else this.#workers.set(worker, 'reload');
    }
  }

  #start(): void {
    const worker = this.#parts.fork();
    const started = this.#parts.now();
    this.#workers.set(worker, 'nothing');
    worker.onServing((served) => this.#onServing(worker, served));
    worker.onExit((how) => {
      this.#workers.delete(worker);
      this.#onExit(worker, how, this.#parts.now() - started);
    });
  }

  #onServing(worker: PoolWorker, served: unknown): void {
    if (!this.#workers.has(worker)) return;
    if (this.#workers.get(worker) === 'reload') worker.kill('SIGHUP');
    this.#workers.set(worker, undefined);
    if (this.#serving || this.#stopping) return;
    this.#serving = true;
    this.#parts.onServing(served);
    for (let more = 1; more < this.#parts.count; more++) this.#start();
  }

  #onExit({ pid }: PoolWorker, how: number | string, lived: number): void {
    if (this.#stopping) {
      this.#endIfEmpty(0);
      return;
    }
    if (!this.#serving) {
      if (typeof how === 'string') this.#parts.tell(`the first worker was ended by ${how}`);
      this.#settle(typeof how === 'number' && how !== 0 ? how : 3);
      return;
    }
    this.#replace(pid, how, lived);
  }

  #replace(pid: number | undefined, how: number | string, lived: number): void {
    if (lived >= healthy) this.#pause = firstPause;
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, longestPause);
    const by = typeof how === 'string' ? how : `exit code ${how}`;
    this.#parts.tell(`worker ${pid ?? '?'} has ended (${by}); another one starts in ${pause / 1_000} s`);
    const cancel = this.#parts.delay(() => {
      this.#waiting.delete(cancel);
      this.#start();
    }, pause);
    this.#waiting.add(cancel);
  }

  #endIfEmpty(code: number): void {
    if (this.#workers.size === 0) this.#settle(code);
  }
}
