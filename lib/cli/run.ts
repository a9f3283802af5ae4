import type { Command } from 'commander';
import { closest } from '../options.ts';
import { shortUsage } from './command/help.ts';
import { type ExitCode, exitCodes, usage } from './failure.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';
import { reportFailure } from './report-failure.ts';

/**
 * Runs one command line, the words after `portcullis`, to its end. Never rejects: an error is told on standard error,
 * with a hint where there is one, and becomes the exit code.
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    const program = createProgram(io);
    if (argv.length === 0) {
      io.err(shortUsage(program));
      return exitCodes.usage;
    }
    const words = helpAsOption(argv, program);
    checkCommand(program, words);
    await program.parseAsync(words, { from: 'user' });
    return exitCodes.fine;
  } catch (error) {
    return reportFailure(error, io);
  }
}

/** `help pki init` and `pki help init` mean `pki init --help`: commander knows one level only, and no help of help. */
function helpAsOption(words: readonly string[], program: Command): string[] {
  const [first, second] = words;
  const group = program.commands.find((one) => one.name() === first && one.commands.length > 0);
  const isHelp = first === 'help' || (group !== undefined && second === 'help');
  return isHelp ? [...words.filter((word) => word !== 'help'), '--help'] : [...words];
}

/** Commander prints the help of all where an unknown command is followed by --help. */
function checkCommand(command: Command, [word, ...rest]: readonly string[]): void {
  if (word === undefined || word.startsWith('-') || command.commands.length === 0) return;
  const known = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
  if (known !== undefined) {
    checkCommand(known, rest);
    return;
  }
  const names = command.commands.map((one) => one.name());
  const guess = closest(word, names);
  const hint = guess === undefined ? `There are: ${names.join(', ')}.` : `Did you mean '${guess}'?`;
  throw usage(`unknown command '${word}'`, hint);
}
