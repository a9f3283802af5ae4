import type { Command } from 'commander';
import { type ExitCode, exitMeanings } from '../failure.ts';

/** A command line that works, and what it is good for. */
export interface Example {
  readonly line: string;
  readonly what: string;
}

/** What an exit code of this command means; 2 and 3 mean the same everywhere, and need not be told. */
export type ExitMeanings = Readonly<Partial<Record<0 | 1, string>>>;

export interface CommandDetails {
  readonly examples: readonly Example[];
  readonly exits: ExitMeanings;
}

const known = new WeakMap<Command, CommandDetails>();

/**
 * Gives a command what its help shows beside its options: examples (`[line, what]`, as `['pki init', 'make a root']`
 * without the leading `portcullis`), and what exit codes 0 and 1 mean. Returns the command.
 */
export function withDetails(
  command: Command,
  examples: readonly (readonly [line: string, what: string])[],
  exits: ExitMeanings = {},
): Command {
  known.set(command, { examples: examples.map(([line, what]) => ({ line, what })), exits });
  return command;
}

export const detailsOf = (command: Command): CommandDetails =>
  known.get(command) ?? { examples: [], exits: {} };

/** The exit codes of a command with their meanings: 0, 1 where the command has one, 2 and 3. */
export function exitMeaningsOf(command: Command): ReadonlyArray<readonly [code: ExitCode, meaning: string]> {
  const { exits } = detailsOf(command);
  return [
    [0, exits[0] ?? 'done'],
    ...(exits[1] === undefined ? [] : [[1, exits[1]] as const]),
    [2, exitMeanings[2]],
    [3, exitMeanings[3]],
  ];
}
