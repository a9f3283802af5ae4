import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** In a child process: answers the questions of a `Child`. */
export function answerParent(handlers: Handlers): void {
  const answer = async ({ id, name, argument }: Question): Promise<Answer> => {
    try {
      return { id, value: await handlers[name]!(argument as never) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on('message', (question: Question) => {
    void answer(question).then((reply) => process.send!(reply));
  });
  // That is how the parent ends us, or its own end.
  process.on('disconnect', () => process.exit());
}

export interface ChildOptions {
  /** The binary; else the measured Node, or this one. */
  readonly execPath?: string;
  readonly execArgv?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A child process that is asked by name. */
export class Child {
  readonly #process: ChildProcess;
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;

  /** `module` is relative to this file; `node` is the binary that runs it. */
  constructor(module: string | URL, node: string, options: ChildOptions = {}) {
    this.#process = fork(fileURLToPath(new URL(module, import.meta.url)), [...(options.args ?? [])], {
      execPath: options.execPath ?? node,
      execArgv: [...(options.execArgv ?? [])],
      env: { ...process.env, NODE_ENV: 'production', ...options.env },
      // The parent's output is the report alone.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    this.#process.on('message', ({ id, value, error }: Answer) => {
      const { resolve, reject } = this.#pending.get(id)!;
      this.#pending.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`${String(module)} has ended: ${signal ?? code}`));
    });
    this.#process.on('error', (error) => {
      for (const { reject } of this.#pending.values()) reject(error);
    });
  }

  ask<Value>(name: string, argument?: unknown): Promise<Value> {
    const id = ++this.#lastId;
    const question: Question = { id, name, argument };
    return new Promise<Value>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send(question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }
}
