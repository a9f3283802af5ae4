import { stripVTControlCharacters } from 'node:util';
import { end, endUnwritten, hasReaderGone, isSettled, settle } from './ending.ts';
import { exitCodes } from './failure.ts';
import type { Io } from './io.ts';
import { readInput } from './terminal/read-input.ts';
import { askSecret } from './terminal/ask-secret.ts';
import { wantsColours } from './terminal/style.ts';

/** The Io of a process. Whoever reads its answer may go at any time: it goes on to its end, and to its exit code. */
export function processIo(host: NodeJS.Process, clock: () => number = () => performance.now()): Io {
  host.stdout.on('error', (error) => {
    if (!isSettled(host) && !hasReaderGone(error)) endUnwritten(host, error);
  });
  host.stderr.on('error', (error) => {
    if (!isSettled(host) && !hasReaderGone(error)) end(host, exitCodes.failed);
  });
  let stopping: AbortController | undefined;
  const colourful = wantsColours(host.env, host.stderr.isTTY);
  return {
    out: (text) => void host.stdout.write(text),
    // Into a file go no colours, though standard output may be a terminal.
    err: (text) => void host.stderr.write(colourful ? text : stripVTControlCharacters(text)),
    answered: () => settle(host),
    readInput: () => readInput(host.stdin),
    askSecret: host.stdin.isTTY ? (prompt) => askSecret(host.stdin, host.stderr, prompt) : undefined,
    environment: host.env,
    directory: host.cwd(),
    now: Date.now,
    colours: wantsColours(host.env, host.stdout.isTTY),
    columns: host.stdout.columns || 80,
    // Made when first asked for: who does not look at it is ended by the signal itself.
    get stop() {
      return (stopping ??= heedSignals(host, clock)).signal;
    },
  };
}

/** npm passes on the Ctrl-C that the terminal has sent already, and a cluster's primary does the same. */
const sameKeystroke = 500;
const numbers = { SIGINT: 2, SIGTERM: 15 } as const;

/** The first signal asks to stop; one that comes later than an echo of it ends the process at once. */
function heedSignals(host: NodeJS.Process, clock: () => number): AbortController {
  const controller = new AbortController();
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (first !== undefined && clock() - first > sameKeystroke)
      end(host, 128 + numbers[signal as keyof typeof numbers]);
    first ??= clock();
    controller.abort(signal);
  };
  for (const name of Object.keys(numbers)) host.on(name as NodeJS.Signals, onSignal);
  return controller;
}
