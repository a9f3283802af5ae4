import type { Command } from 'commander';
import { detailsOf, exitMeaningsOf } from '../../lib/cli/command/details.ts';
import { environment } from '../../lib/cli/command/environment.ts';
import { createProgram } from '../../lib/cli/program.ts';
import { silentIo } from '../silent-io.ts';
import { cell } from './doc-text.ts';
import { table } from './render.ts';

/** Every command with its arguments and options, as the program itself knows them. */
export function commandPage(): string {
  const program = createProgram(silentIo);
  return `${[
    '# The command',
    `${program.description()} Examples: [the command line](../cli.md). Exit codes: [codes](codes.md#exit-codes-of-the-command).`,
    ...program.commands.flatMap((command) => describe(command, 'portcullis')),
    '## Environment',
    table(
      ['variable', 'meaning'],
      environment.map(([name, meaning]) => [`\`${name}\``, cell(meaning)]),
    ),
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
  const exits = exitMeaningsOf(command).map(([code, meaning]) => `${code} ${meaning}`);
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
  look(createProgram(silentIo), 'portcullis');
  return silent;
}
