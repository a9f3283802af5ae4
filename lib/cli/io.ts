/** What a command knows of the outside: tests give their own. Relative paths are taken from `directory`. */
export interface Io {
  /** Writes to standard output: the answer, and nothing else. */
  readonly out: (text: string) => void;
  /** Writes to standard error: warnings, hints, progress. */
  readonly err: (text: string) => void;
  /** The answer is out, though the command goes on: the process need not be read any more, and may end as it likes. */
  readonly answered: () => void;
  /** Standard input to its end, for what is piped in. */
  readonly readInput: () => Promise<Buffer>;
  /** Asks for a secret without showing it; undefined where nobody sits at a terminal. */
  readonly askSecret: ((prompt: string) => Promise<string>) | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether standard output is a terminal that shows colours (NO_COLOR, FORCE_COLOR and TERM=dumb are regarded). */
  readonly colours: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly stop: AbortSignal;
}
