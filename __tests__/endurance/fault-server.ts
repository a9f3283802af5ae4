import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { PortcullisOptions, ReloadReport, ShutdownReport } from 'portcullis';
import { compile } from '../tickets/children.ts';
import type { Command } from './fault-app.ts';

/** What its process holds. Memory in MiB, after a collection; time of the processor in ms. */
export interface State {
  readonly open: number;
  readonly ok: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly files: number | null;
  readonly used: number;
  readonly rss: number | null;
  readonly cpu: number;
  /** How many timers it has set so far. */
  readonly timers: number;
  readonly now: number;
}

interface News {
  readonly port?: number;
  readonly log?: string;
  readonly drop?: string;
  readonly crash?: string;
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface FaultOptions {
  /** Descriptors that it may have, both limits. */
  readonly files?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const mute = 50_000;
let app: string | undefined;
const running = new Set<FaultServer>();
const started: FaultServer[] = [];

/** A `PortcullisServer` in a process of its own, see `fault-app.ts`. */
export class FaultServer {
  readonly news: News[] = [];
  port = 0;
  readonly process: ChildProcess;
  #lastId = 0;
  #noise = '';

  private constructor(options: PortcullisOptions, { files, environment }: FaultOptions) {
    const command = files === undefined ? 'exec "$@"' : `ulimit -n ${files} && exec "$@"`;
    this.process = spawn(
      'sh',
      ['-c', command, 'sh', process.execPath, (app ??= compile('endurance/fault-app.ts')[0]!)],
      {
        env: { ...process.env, NODE_OPTIONS: '', TEST_OPTIONS: JSON.stringify(options), ...environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.news.push(JSON.parse(line) as News);
      this.process.emit('news');
    });
    this.process.stderr!.on('data', (chunk: Buffer) => (this.#noise += chunk.toString()));
    this.process.stdin!.on('error', () => {});
    this.process.once('close', () => {
      running.delete(this);
      this.process.emit('news');
    });
    running.add(this);
    started.push(this);
  }

  /** Serves. Options that JSON cannot carry are none. */
  static async start(options: PortcullisOptions, more: FaultOptions = {}): Promise<FaultServer> {
    const server = new FaultServer(options, more);
    server.port = (await server.told(({ port }) => port !== undefined)).port!;
    return server;
  }

  /** The first news, from the `from`th on, that fit. A server that is mute, or has ended, is an error. */
  async told(fits: (news: News) => boolean, from = 0): Promise<News> {
    const signal = AbortSignal.timeout(mute);
    for (;;) {
      const found = this.news.slice(from).find(fits);
      if (found !== undefined) return found;
      if (!running.has(this) || signal.aborted) {
        const what = signal.aborted ? 'not said it' : 'ended';
        throw new Error(`it has ${what}:\n${JSON.stringify(this.news.slice(-20))}\n${this.#noise}`);
      }
      // oxlint-disable-next-line no-await-in-loop -- news come one after another
      await once(this.process, 'news', { signal }).catch(() => undefined);
    }
  }

  state(): Promise<State> {
    return this.#ask({ do: 'state' }) as Promise<State>;
  }

  reload(): Promise<ReloadReport> {
    return this.#ask({ do: 'reload' }) as Promise<ReloadReport>;
  }

  /** Answers whoever waits at `/held`; how many there were. */
  release(): Promise<number> {
    return this.#ask({ do: 'release' }) as Promise<number>;
  }

  async deny(fingerprint256: string, isDenied = true): Promise<void> {
    await this.#ask({ do: isDenied ? 'deny' : 'allow', fingerprint256 });
  }

  /** Takes all descriptors that are left to the process, or gives them back. */
  async take(isTaken = true): Promise<void> {
    await this.#ask({ do: isTaken ? 'take' : 'give' });
  }

  /** Its report, once the process has ended by itself, as nothing keeps it alive any more. */
  async shutdown(timeout: number): Promise<ShutdownReport> {
    const closed = once(this.process, 'close');
    const report = (await this.#ask({ do: 'shutdown', timeout })) as ShutdownReport;
    const [code] = (await closed) as [number | null];
    if (code !== 0) throw new Error(`the server has ended with ${code}:\n${this.#noise}`);
    return report;
  }

  /** Asks until it fits: for what takes the server a while to notice. */
  async until(fits: (state: State) => boolean): Promise<State> {
    const end = performance.now() + mute;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const state = await this.state();
      if (fits(state)) return state;
      if (performance.now() > end) throw new Error(`it does not come: ${JSON.stringify(state)}`);
      // oxlint-disable-next-line no-await-in-loop -- the same
      await new Promise((settle) => setTimeout(settle, 20));
    }
  }

  get crashes(): readonly string[] {
    return this.news.flatMap(({ crash }) => crash ?? []);
  }

  get logged(): readonly string[] {
    return this.news.flatMap(({ log }) => log ?? []);
  }

  async kill(): Promise<void> {
    if (!running.has(this)) return;
    const closed = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await closed;
  }

  async #ask(question: Omit<Command, 'id'>): Promise<unknown> {
    const id = ++this.#lastId;
    this.process.stdin!.write(`${JSON.stringify({ id, ...question })}\n`);
    const { value, error } = await this.told((news) => news.id === id);
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
    return value;
  }
}

/** For `afterEach`: ends those of the test, none of which may have thrown anything that nobody has caught. */
export async function endFaultServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.kill()));
  const crashes = started.splice(0).flatMap((server) => server.crashes);
  if (crashes.length > 0) throw new Error(`uncaught in the server:\n${crashes.join('\n')}`);
}
