import { CommanderError } from 'commander';
import { messageOf } from '../errors.ts';
import { CliFailure, type ExitCode, exitCodes } from './failure.ts';
import type { Io } from './io.ts';
import { plain, plainLines } from './terminal/plain.ts';
import { style } from './terminal/style.ts';

/** What is told of an error: a line, a hint, and how the process ends. */
interface Told {
  readonly message: string;
  readonly hint: string | undefined;
  readonly code: ExitCode;
}

/** Tells on standard error why a command has ended, and gives the exit code. With PORTCULLIS_DEBUG=1 the stack as well. */
export function reportFailure(error: unknown, io: Io): ExitCode {
  const { message, hint, code } = told(error);
  const { red, dim } = style(io.colours);
  if (message !== '') io.err(`${red('portcullis:')} ${plain(message)}\n`);
  if (hint !== undefined) io.err(`${dim('hint:')} ${plain(hint)}\n`);
  if (io.environment['PORTCULLIS_DEBUG'] === '1') io.err(`${plainLines(stackOf(error))}\n`);
  return code;
}

function told(error: unknown): Told {
  if (error instanceof CommanderError) return ofCommander(error);
  if (error instanceof CliFailure) return { message: error.message, hint: error.hint, code: error.exitCode };
  return ofConfigError(error) ?? { message: ofAnything(error), hint: undefined, code: exitCodes.failed };
}

/** Help and version have been printed by now; of the others the message begins with 'error: '. */
function ofCommander(error: CommanderError): Told {
  if (error.exitCode === 0) return { message: '', hint: undefined, code: exitCodes.fine };
  if (error.code === 'commander.help') return { message: '', hint: undefined, code: exitCodes.usage };
  const [, message = error.message, guess] =
    /^(?:error: )?(.*?)(?:\n\((Did you mean .*\?)\))?$/s.exec(error.message) ?? [];
  return {
    message,
    hint: guess ?? "'portcullis COMMAND --help' lists what there is.",
    code: exitCodes.usage,
  };
}

/** By its form, as a configuration may have loaded a Portcullis of its own. */
function ofConfigError(error: unknown): Told | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { name, message, remedy } = error as Record<string, unknown>;
  if (name !== 'ConfigError' || typeof message !== 'string' || typeof remedy !== 'string') return undefined;
  const problem = message.endsWith(remedy)
    ? message.slice(0, -remedy.length).trim().replace(/\.$/, '')
    : message;
  return { message: problem, hint: remedy, code: exitCodes.failed };
}

function ofAnything(error: unknown): string {
  const message = messageOf(error).trim();
  return message === '' ? 'something without a message' : (message.split('\n')[0] ?? message);
}

function stackOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stack' in error
    ? String(error.stack)
    : messageOf(error);
}
