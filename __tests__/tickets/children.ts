import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

/** A line that a child has written. */
export interface News {
  readonly pid?: number;
  readonly port?: number;
  readonly outcome?: string;
  readonly origin?: string;
  readonly expiresAt?: string;
  readonly reason?: string;
  readonly log?: string;
}

/** Milliseconds after which whoever waits is told what was said instead. */
const mute = 25_000;
const root = resolve(import.meta.dirname, '../..');
/** The build that the children run. */
const built = process.env['PORTCULLIS_BUILD'] ?? join(root, 'dist');
const folders: string[] = [];
const children = new Set<ChildProcess>();

/**
 * Strips the types from modules of the tests, so that every Node runs them; what they import of `lib` is taken from
 * the build. They stand where packages are found, and git does not look.
 */
export function compile(...files: readonly string[]): string[] {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'portcullis-children-'));
  folders.push(folder);
  return files.map((file) => {
    const { code } = transformSync(readFileSync(join(root, '__tests__', file), 'utf8'), {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    const target = join(folder, basename(file).replace(/\.ts$/, '.mjs'));
    writeFileSync(target, relink(code));
    return target;
  });
}

const relink = (code: string): string =>
  code
    .replaceAll(/(["'])(?:\.\.\/)+lib\/(.*?)\.ts\1/g, `'${pathToFileURL(join(built, 'lib')).href}/$2.js'`)
    .replaceAll(/(["'])(?:\.\.?\/)+(?:tickets\/)?([\w-]+)\.ts\1/g, "'./$2.mjs'");

/** A process that tells news line by line, and is told commands. */
export class Child {
  readonly news: News[] = [];
  readonly #process: ChildProcess;
  #noise = '';

  constructor(file: string, environment: Readonly<Record<string, string>>) {
    this.#process = spawn(process.execPath, [file], {
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const child = this.#process;
    children.add(child);
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.news.push(JSON.parse(line) as News);
      child.emit('news');
    });
    child.stderr!.on('data', (chunk: Buffer) => (this.#noise += chunk.toString()));
    child.stdin!.on('error', () => {});
    child.once('close', () => {
      children.delete(child);
      child.emit('news');
    });
  }

  /** Waits until so many lines are there that fit, from the `from`th on; a child that is mute is an error. */
  async told(fits: (news: News) => boolean, count = 1, from = 0, patience: number = mute): Promise<News[]> {
    const signal = AbortSignal.timeout(patience);
    for (;;) {
      const found = this.news.slice(from).filter(fits);
      if (found.length >= count) return found;
      if (!children.has(this.#process) || signal.aborted)
        throw new Error(
          `it has ${signal.aborted ? 'not said it' : 'ended'}:\n${JSON.stringify(this.news)}\n${this.#noise}`,
        );
      await once(this.#process, 'news', { signal }).catch(() => undefined);
    }
  }

  /** Its exit code, once it has ended by itself. */
  async ended(): Promise<unknown> {
    if (!children.has(this.#process)) return this.#process.exitCode;
    const [code] = (await once(this.#process, 'close')) as [unknown];
    return code;
  }

  tell(command: object): void {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`);
  }
}

/** For `afterAll`: ends what was started, waits for it, and removes what was compiled. */
export async function endChildren(): Promise<void> {
  await Promise.all(
    [...children].map(async (child) => {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }),
  );
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
