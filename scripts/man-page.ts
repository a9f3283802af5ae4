import type { Command } from 'commander';
import { detailsOf, exitMeaningsOf } from '../lib/cli/command/details.ts';
import { environment } from '../lib/cli/command/environment.ts';
import { exitMeanings } from '../lib/cli/failure.ts';

/** portcullis(1) in man's macros, from the commands themselves. */
export function manPage(program: Command, version: string): string {
  return `${[
    `.TH PORTCULLIS 1 "" "portcullis ${text(version)}" "User Commands"`,
    '.SH NAME',
    `portcullis \\- hardened HTTPS for Express: serve, inspect, pin, audit, and a private authority`,
    '.SH SYNOPSIS',
    ...program.commands.flatMap((one) => [
      '.B portcullis',
      `${text(one.name())} ${text(one.usage())}`,
      '.br',
    ]),
    '.SH COMMANDS',
    ...program.commands.flatMap((one) => section(one, one.name())),
    '.SH EXIT STATUS',
    ...Object.entries(exitMeanings).flatMap(([code, what]) => entry(code, sentence(what))),
    '.SH ENVIRONMENT',
    ...environment.flatMap(([name, what]) => entry(name, what)),
    '.SH SEE ALSO',
    'docs/cli.md of the package; openssl(1), curl(1)',
  ].join('\n')}\n`;
}

function section(command: Command, path: string): string[] {
  const { examples } = detailsOf(command);
  const helper = command.createHelp();
  const options = helper.visibleOptions(command).filter((option) => option.long !== '--help');
  const exits = exitMeaningsOf(command).filter(([code]) => code < 2);
  return [
    `.SS portcullis ${text(path)} ${text(command.usage())}`,
    text(command.description()),
    ...command.registeredArguments.flatMap((one) => entry(one.name(), one.description)),
    ...options.flatMap((option) => entry(option.flags, helper.optionDescription(option))),
    ...(command.commands.length > 0 ? [] : exits.flatMap(([code, what]) => entry(`exit code ${code}`, what))),
    ...examples.flatMap(({ line, what }) => [
      '.PP',
      `${text(what)}:`,
      '.PP',
      '.nf',
      `    portcullis ${text(line)}`,
      '.fi',
    ]),
    ...command.commands.flatMap((child) => section(child, `${path} ${child.name()}`)),
  ];
}

/** The other entries are sentences. */
const sentence = (words: string): string => `${words[0]!.toUpperCase()}${words.slice(1)}.`;

const entry = (term: string, what: string): string[] => ['.TP', `.B ${text(term)}`, text(what)];

/** Backslashes and hyphens are commands of roff, as a point or an apostrophe is at the beginning of a line. */
const text = (plain: string): string =>
  plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
