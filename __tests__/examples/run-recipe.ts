import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The code blocks of one language in a page of docs/. */
export const blocksOf = (page: string, language: string): readonly string[] =>
  [
    ...readFileSync(join(root, 'docs', page), 'utf8').matchAll(
      new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'),
    ),
  ].map((match) => match[1]!);

export interface RunningRecipe {
  readonly port: number;
  readonly output: () => string;
  /** Waits until it has written this. */
  readonly wrote: (text: string) => Promise<void>;
}

/** A folder like a reader's, where the programs of the pages are run. */
export class Kitchen {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'recipes-'));
  readonly #running = new Set<ChildProcess>();
  #count = 0;

  constructor(files: Readonly<Record<string, string>>) {
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(root, join(this.folder, 'node_modules', 'portcullis'));
    for (const name of ['express', 'jose', 'prom-client'])
      symlinkSync(join(root, 'node_modules', name), join(this.folder, 'node_modules', name));
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** Starts a program on a free port of this machine, with `instead` in place of what is another's there. */
  start(
    program: string,
    instead: Readonly<Record<string, string>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningRecipe> {
    let text = program;
    for (const [from, to] of Object.entries(instead)) {
      if (!text.includes(from)) throw new Error(`The program has no ${from}`);
      text = text.replaceAll(from, to);
    }
    const told = `.listen(0, '127.0.0.1', function () { process.send(this.address().port); })`;
    const file = this.write(`recipe-${++this.#count}.mjs`, text.replace(/\.listen\(8443[^)]*\)/, told));
    const child = spawn(process.execPath, [file], {
      cwd: this.folder,
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#running.add(child);
    let output = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        child.emit('wrote');
      });
    return new Promise((settle, fail) => {
      child.once('close', () => {
        this.#running.delete(child);
        child.emit('wrote');
        fail(new Error(`It has ended:\n${output}`));
      });
      const wrote = async (part: string): Promise<void> => {
        while (!output.includes(part)) {
          if (!this.#running.has(child)) throw new Error(`It has ended without writing ${part}:\n${output}`);
          // oxlint-disable-next-line no-await-in-loop -- one piece of output after the other
          await new Promise<void>((heard) => child.once('wrote', () => heard()));
        }
      };
      child.once('message', (port) => settle({ port: Number(port), output: () => output, wrote }));
    });
  }

  /** For `afterAll`. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#running].map(
        (child) =>
          new Promise<void>((ended) => {
            child.once('close', () => ended());
            child.kill('SIGKILL');
          }),
      ),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Asked {
  readonly ca?: string;
  readonly key?: string;
  readonly cert?: string;
  readonly servername?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: object;
}

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** Of a refusal. */
  readonly code: string | undefined;
}

/** One request on a connection of its own; without `ca` over plain HTTP. Rejects where there is no answer. */
export function ask(port: number, path: string, { body, headers = {}, ...options }: Asked): Promise<Told> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const all = {
    host: '127.0.0.1',
    port,
    path,
    agent: false as const,
    ...options,
    headers: { ...headers, ...(text === undefined ? {} : { 'Content-Type': 'application/json' }) },
  };
  return new Promise((settle, fail) => {
    const sent = (options.ca === undefined ? httpRequest : httpsRequest)(all, (response) => {
      let answer = '';
      response.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      response.on('end', () => {
        const code = /"code":"([A-Z_]+)"/.exec(answer)?.[1];
        settle({ status: response.statusCode!, headers: response.headers, body: answer, code });
      });
    });
    sent.on('error', fail);
    sent.end(text);
  });
}
