import { messageOf } from '../errors.ts';
import { type ExitCode, exitCodes } from './failure.ts';
import { plain, plainLines } from './terminal/plain.ts';

/** Processes that have given their answer, or end by a decision of this command. */
const settled = new WeakSet<NodeJS.Process>();

export const isSettled = (host: NodeJS.Process): boolean => settled.has(host);

/** From now on it may end as it likes, and need not be read. */
export const settle = (host: NodeJS.Process): void => void settled.add(host);

/** Ends the process by a decision of this command. */
export function end(host: NodeJS.Process, code: number): void {
  settle(host);
  host.exit(code);
}

/** Ends the process once all is written, whatever a user's module still holds open. */
export function finish(host: NodeJS.Process, code: ExitCode): void {
  host.exitCode = code;
  host.stdout.write('', (error) => {
    const failure = host.stdout.errored ?? error;
    if (failure && !hasReaderGone(failure) && !isSettled(host)) endUnwritten(host, failure);
    else host.stderr.write('', () => end(host, code));
  });
}

/** Whoever reads the answer may go at any time (`| head`), which is no failure, and changes no answer. */
export const hasReaderGone = ({ code }: NodeJS.ErrnoException): boolean => code === 'EPIPE';

/** A full disk, and the like. */
export function endUnwritten(host: NodeJS.Process, error: Error): void {
  const line = `portcullis: standard output cannot be written: ${plain(messageOf(error))}\n`;
  settle(host);
  host.stderr.write(line, () => end(host, exitCodes.failed));
}

/** What nobody has caught, in a user's app or here: one line, as run() tells it, and exit code 3. */
export function endOnUncaught(host: NodeJS.Process): void {
  host.on('uncaughtException', (error: unknown) => {
    const stack = error instanceof Error && host.env['PORTCULLIS_DEBUG'] === '1' ? `${error.stack}\n` : '';
    const [line = ''] = messageOf(error).split('\n', 1);
    host.stderr.write(`portcullis: ${plain(line)}\n${plainLines(stack)}`, () => end(host, exitCodes.failed));
  });
}

/**
 * A user's module may call process.exit(), or wait for what never comes, so that nothing is left to do: both end a
 * process with 0, and neither is an answer.
 */
export function failUnlessSettled(host: NodeJS.Process): void {
  let drained = false;
  host.on('beforeExit', () => (drained = true));
  host.on('exit', () => {
    if (isSettled(host)) return;
    host.exitCode = exitCodes.failed;
    const why = drained
      ? 'nothing is left to do, and no answer is there: a promise of the module is never settled'
      : 'the module has ended the process (process.exit) before there was an answer';
    host.stderr.write(`portcullis: ${why}\n`);
  });
}
