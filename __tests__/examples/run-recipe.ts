import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readBlocks, root } from './snippets/blocks.ts';

/** The whole programs, or other blocks, of one language in a page of docs/: those that are no fragments. */
export const blocksOf = (page: string, language: string): readonly string[] =>
  readBlocks(`docs/${page}`)
    .filter((block) => block.language === language && block.marker === undefined)
    .map(({ text }) => text);

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export interface RunningRecipe {
  /** That stands for 8443. */
  readonly port: number;
  /** What each listener's port really is, by the documented one. */
  readonly ports: Readonly<Record<string, number>>;
  readonly output: () => string;
  /** Waits until it has written this. */
  readonly wrote: (text: string) => Promise<void>;
  /** Ends it, by SIGTERM unless told otherwise. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Ended>;
}

interface Launched extends Omit<RunningRecipe, 'port'> {
  readonly ended: Promise<Ended>;
  /** Settles when 8443 is listened on, and rejects where it ends without that. */
  readonly listening: Promise<number>;
}

/** How long a program may take, in milliseconds: for a machine that is busy with other things. */
const patience = 30_000;
const preload = join(import.meta.dirname, 'elsewhere.mjs');

/** The packages of package.json, which a page may import, and the built one itself. */
function linkPackages(folder: string): void {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>;
  const names = Object.keys({ ...own['dependencies'], ...own['devDependencies'] });
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(folder, name));
  }
  symlinkSync(root, join(folder, 'portcullis'));
  mkdirSync(join(folder, '.bin'));
  symlinkSync(join(root, 'bin', 'portcullis'), join(folder, '.bin', 'portcullis'));
}

/** A folder like a reader's, where the programs of the pages are run. */
export class Kitchen {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'recipes-'));
  readonly #running = new Set<ChildProcess>();
  #count = 0;

  /** With the packages in `modules`, a `node_modules`; else with those of this repository. */
  constructor(files: Readonly<Record<string, string | Buffer>> = {}, modules?: string) {
    if (modules === undefined) linkPackages(join(this.folder, 'node_modules'));
    else symlinkSync(modules, join(this.folder, 'node_modules'));
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string | Buffer): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** Starts a program on free ports of this machine, with `instead` in place of what is another's there. */
  async start(
    program: string,
    instead: Readonly<Record<string, string>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningRecipe> {
    const launched = this.launch(process.execPath, [this.save(program, instead)], environment);
    return { ...launched, port: await launched.listening };
  }

  /** Runs a program to its end. */
  run(
    program: string,
    instead: Readonly<Record<string, string>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    return this.launch(process.execPath, [this.save(program, instead)], environment).ended;
  }

  /** Writes a program to a file of its own. */
  save(program: string, instead: Readonly<Record<string, string>> = {}): string {
    let text = program;
    for (const [from, to] of Object.entries(instead)) {
      if (!text.includes(from)) throw new Error(`The program has no ${from}`);
      text = text.replaceAll(from, to);
    }
    return this.write(`recipe-${++this.#count}.mjs`, text);
  }

  /** Starts any command in the folder. The ports of its Node programs are free ones. */
  launch(
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Launched {
    const child = spawn(command, args, {
      cwd: this.folder,
      env: {
        ...process.env,
        PATH: `${join(this.folder, 'node_modules', '.bin')}:${process.env['PATH']}`,
        NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`,
        NODE_ENV: 'production',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      timeout: patience,
      killSignal: 'SIGKILL',
    });
    this.#running.add(child);
    let output = '';
    const ports: Record<string, number> = {};
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        child.emit('wrote');
      });
    const ended = new Promise<Ended>((settle) => {
      child.once('error', ({ message }) => (output += message));
      child.once('close', (code) => {
        this.#running.delete(child);
        child.emit('wrote');
        settle({ code, output });
      });
    });
    const listening = new Promise<number>((settle, fail) => {
      child.on('message', (told: { documented: string; port: number }) => {
        ports[told.documented] = told.port;
        if (told.documented === '8443') settle(told.port);
      });
      void ended.then(() => fail(new Error(`It has ended:\n${output}`)));
    });
    // Who waits for its end does not wait for its port.
    listening.catch(() => undefined);
    const wrote = async (part: string): Promise<void> => {
      while (!output.includes(part)) {
        if (!this.#running.has(child)) throw new Error(`It has ended without writing ${part}:\n${output}`);
        await new Promise<void>((heard) => child.once('wrote', () => heard()));
      }
    };
    const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> => {
      child.kill(signal);
      return ended;
    };
    return { ports, output: () => output, wrote, stop, ended, listening };
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
  readonly ca?: string | string[];
  readonly key?: string;
  readonly cert?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
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
    const sent = (
      options.ca === undefined && options.rejectUnauthorized === undefined ? httpRequest : httpsRequest
    )(all, (response) => {
      let answer = '';
      response.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      response.on('error', fail);
      response.on('end', () => {
        const code = /"code":"([A-Z_]+)"/.exec(answer)?.[1];
        settle({ status: response.statusCode!, headers: response.headers, body: answer, code });
      });
    });
    sent.on('error', fail);
    sent.setTimeout(patience, () => sent.destroy(new Error(`No answer from ${path}`)));
    sent.end(text);
  });
}
