import { run } from '../../lib/cli/run.ts';
import type { Io } from '../../lib/cli/io.ts';

/** What a test gives to a command; everything has a default that touches nothing outside. */
export interface CliSurroundings {
  /** Relative paths are taken from here; the current directory by default. */
  readonly directory?: string;
  /** Empty by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Standard input; empty by default. */
  readonly input?: string | Buffer;
  /** Milliseconds since 1970, or a clock. */
  readonly now?: number | (() => number);
  /** Answers at a terminal, in their order; without them nobody sits there. */
  readonly secrets?: readonly string[];
  readonly colours?: boolean;
  readonly columns?: number;
  /** Ctrl-C. */
  readonly stop?: AbortSignal;
  /** Told of each piece of output while the command runs. */
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
}

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, from the sources, as `portcullis ARGS` would. */
export async function runCli(
  args: readonly string[],
  surroundings: CliSurroundings = {},
): Promise<CliResult> {
  let out = '';
  let err = '';
  const { directory, environment, input, now, secrets, colours, columns, stop, onOut, onErr } = surroundings;
  const answers = secrets === undefined ? undefined : [...secrets];
  const io: Io = {
    out: (text) => {
      out += text;
      onOut?.(text);
    },
    err: (text) => {
      err += text;
      onErr?.(text);
    },
    answered: () => undefined,
    readInput: () => Promise.resolve(Buffer.from(input ?? '')),
    askSecret:
      answers === undefined
        ? undefined
        : (prompt) => {
            err += prompt;
            const answer = answers.shift();
            return answer === undefined
              ? Promise.reject(new Error('asked more often than there are answers'))
              : Promise.resolve(answer);
          },
    environment: environment ?? {},
    directory: directory ?? process.cwd(),
    now: typeof now === 'function' ? now : () => now ?? Date.now(),
    colours: colours ?? false,
    columns: columns ?? 80,
    stop: stop ?? new AbortController().signal,
  };
  const code = await run(args, io);
  return { code, out, err };
}
