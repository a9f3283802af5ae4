import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A proxy in the foreground, until `stop`. A program that is missing, or ends by itself, is an error. */
export class Proxy {
  readonly #child: ChildProcess;
  readonly #words: string[] = [];
  #failure: Error | undefined;

  constructor(program: 'caddy' | 'haproxy' | 'nginx', args: readonly string[]) {
    this.#child = spawn(program, args, {
      env: { ...process.env, LC_ALL: 'C', OPENSSL_CONF: '/dev/null' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (words: string) => this.#words.push(words));
    this.#child.once('error', ({ message }) => {
      this.#failure = new Error(`${program} cannot be run (Debian package ${program}): ${message}`);
    });
    this.#child.once('exit', () => {
      this.#failure ??= new Error(`${program} has ended:\n${this.#words.join('')}`);
    });
  }

  /** Until it listens on the Unix socket `path`. */
  async ready(path: string): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (await listens(path)) return;
      await pause(10);
    }
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

const listens = (path: string): Promise<boolean> =>
  new Promise((settle) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      settle(true);
    });
    socket.once('error', () => settle(false));
  });
