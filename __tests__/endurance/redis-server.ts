import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A real redis-server on a socket in a folder of its own, in memory only: a restarted one has forgotten all. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'portcullis-redis-'));
  readonly socket: string = join(this.#folder, 'redis.sock');
  #process: ChildProcess | undefined;

  async start(): Promise<void> {
    const options = ['--port', '0', '--unixsocket', this.socket, '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', options, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'ignore'] });
    this.#process = child;
    await new Promise<void>((settle, fail) => {
      let text = '';
      child.once('error', (error) =>
        fail(new Error(`redis-server cannot be run (Debian package redis-server): ${error.message}`)),
      );
      child.once('close', () => fail(new Error(`redis-server has ended:\n${text}`)));
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('eady to accept connections')) settle();
      });
    });
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** What redis-cli prints, without the last line break. */
  async ask(...command: readonly string[]): Promise<string> {
    const { stdout } = await execute('redis-cli', ['-s', this.socket, ...command]);
    return stdout.trimEnd();
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
