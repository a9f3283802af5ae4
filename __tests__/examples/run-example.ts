import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request, type RequestOptions } from 'node:https';
import { resolve } from 'node:path';

/** An example that runs as a process of its own, as its reader would start it. */
export interface RunningExample {
  readonly url: string;
  /** Sends Ctrl-C's signal; how it ended. */
  readonly interrupt: () => Promise<Ended>;
  /** All that it has written so far. */
  readonly output: () => string;
  /** Waits until it has written this. */
  readonly wrote: (text: string | RegExp) => Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const folder = resolve(import.meta.dirname, '../../dist/examples');
const running = new Set<ChildProcess>();

/** Starts the built example on a free port, unless told otherwise, and waits for its address. */
export async function startExample(
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningExample> {
  const { child, output, wrote, ended } = launch(name, environment);
  await wrote(/https:\/\/localhost:\d+/);
  const interrupt = (): Promise<Ended> => {
    child.kill('SIGINT');
    return ended;
  };
  return { url: /https:\/\/localhost:\d+/.exec(output())![0], interrupt, output, wrote };
}

/** Runs an example that is to end by itself. */
export const runExample = (name: string, environment: Readonly<Record<string, string>>): Promise<Ended> =>
  launch(name, environment).ended;

/** For `afterAll`: ends what a failed test has left. */
export function endExamples(): void {
  for (const child of running) child.kill('SIGKILL');
}

interface Launched {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly wrote: (text: string | RegExp) => Promise<void>;
  readonly ended: Promise<Ended>;
}

function launch(name: string, environment: Readonly<Record<string, string>>): Launched {
  const child = spawn(process.execPath, [resolve(folder, `${name}.js`)], {
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'development', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      child.emit('wrote');
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    child.emit('wrote');
    return { code: code as number | null, output };
  });
  const wrote = async (text: string | RegExp): Promise<void> => {
    const found = (): boolean => (typeof text === 'string' ? output.includes(text) : text.test(output));
    while (!found()) {
      if (!running.has(child)) throw new Error(`${name} has ended without writing ${text}:\n${output}`);
      // oxlint-disable-next-line no-await-in-loop -- one piece of output after the other
      await once(child, 'wrote');
    }
  };
  return { child, output: () => output, wrote, ended };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** One request over a connection of its own, unless an agent is given. */
export function get(url: string, options: RequestOptions): Promise<Answer> {
  return new Promise((settle, fail) => {
    const sent = request(url, { agent: false, ...options }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => settle({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on('error', fail);
    sent.end();
  });
}
