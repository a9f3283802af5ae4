import type { Command } from 'commander';
import { detailsOf, exitMeanings } from '../../lib/cli/command/details.ts';
import type { Io } from '../../lib/cli/io.ts';
import { createProgram } from '../../lib/cli/program.ts';
import { cell } from './doc-text.ts';
import { table } from './render.ts';

/** Nothing is read or written where commands are only listed. */
const nowhere: Io = {
  out: () => undefined,
  err: () => undefined,
  answered: () => undefined,
  readInput: () => Promise.resolve(Buffer.alloc(0)),
  askSecret: undefined,
  environment: {},
  directory: '/',
  now: () => 0,
  colours: false,
  columns: 80,
  stop: new AbortController().signal,
};

/** Every command with its arguments and options, as the program itself knows them. */
export function commandPage(): string {
  const program = createProgram(nowhere);
  return `${[
    '# The command',
    `${program.description()} Examples: [the command line](../cli.md). Exit codes: [codes](codes.md#exit-codes-of-the-command).`,
    ...program.commands.flatMap((command) => describe(command, 'portcullis')),
  ].join('\n\n')}\n`;
}

function describe(command: Command, above: string): string[] {
  const name = `${above} ${command.name()}`;
  const args = command.registeredArguments.filter(({ description }) => description !== '');
  const options = command.options.filter(({ hidden }) => !hidden);
  return [
    `## ${name}`,
    command.description(),
    `\`${name} ${command.usage()}\``,
    ...(args.length === 0
      ? []
      : [
          table(
            ['argument', 'meaning'],
            args.map((one) => [`\`${one.name()}\``, cell(one.description)]),
          ),
        ]),
    ...(options.length === 0
      ? []
      : [
          table(
            ['option', 'default', 'meaning'],
            options.map((one) => [
              `\`${cell(one.flags)}\``,
              defaultOf(one.defaultValue),
              cell(one.description),
            ]),
          ),
        ]),
    ...(command.commands.length === 0 ? [ends(command)] : []),
    ...command.commands.flatMap((child) => describe(child, name)),
  ];
}

/** Its examples, and how it ends. */
function ends(command: Command): string {
  const examples = detailsOf(command).examples.map(({ line, what }) => `- \`portcullis ${line}\`: ${what}`);
  const exits = exitMeanings(command).map(([code, meaning]) => `${code} ${meaning}`);
  return [...examples, `- ends with ${exits.join('; ')}`].join('\n');
}

const defaultOf = (value: unknown): string =>
  value === undefined || (Array.isArray(value) && value.length === 0)
    ? ''
    : `\`${cell(JSON.stringify(value))}\``;

/** Commands and options that say nothing of themselves. */
export function silentCommands(): string[] {
  const silent: string[] = [];
  const look = (command: Command, name: string): void => {
    if (command.description() === '') silent.push(name);
    for (const { flags, description, hidden } of command.options)
      if (!hidden && description === '') silent.push(`${name} ${flags}`);
    for (const child of command.commands) look(child, `${name} ${child.name()}`);
  };
  look(createProgram(nowhere), 'portcullis');
  return silent;
}
