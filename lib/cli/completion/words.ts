import type { Argument, Command, Option } from 'commander';

/** What may stand in a place: one of some words, a file, or something that nobody can guess. */
export type Values = readonly string[] | 'file' | 'any';

export interface CompletedOption {
  /** `-p`, `--port`. */
  readonly flags: readonly string[];
  readonly what: string;
  /** Undefined where it takes no value. */
  readonly values: Values | undefined;
}

/** What may follow a command, in the words of a command line. */
export interface CompletedCommand {
  /** ` pki init`: the words that lead to it, each after a space; empty for `portcullis` itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly what: string }[];
  readonly options: readonly CompletedOption[];
  /** Of its arguments; undefined where it takes none. */
  readonly values: Values | undefined;
}

/** All commands, the outer ones first. */
export function completedCommands(command: Command, path = ''): CompletedCommand[] {
  const helper = command.createHelp();
  const children = command.commands;
  const visible = helper.visibleCommands(command);
  const own: CompletedCommand = {
    path,
    commands: visible.map((one) => ({ name: one.name(), what: firstSentence(one.description()) })),
    options: helper.visibleOptions(command).map(completedOption),
    values: argumentValues(command.registeredArguments),
  };
  const help = visible.find((one) => !children.includes(one));
  return [
    own,
    ...children.flatMap((child) => completedCommands(child, `${path} ${child.name()}`)),
    ...(help === undefined ? [] : [helpOf(help, path, own)]),
  ];
}

/** `help` is followed by a command. */
const helpOf = (help: Command, path: string, { commands }: CompletedCommand): CompletedCommand => ({
  path: `${path} ${help.name()}`,
  commands: commands.filter(({ name }) => name !== help.name()),
  options: [],
  values: undefined,
});

const completedOption = (option: Option): CompletedOption => ({
  flags: [option.short, option.long].filter((flag) => flag !== undefined),
  what: firstSentence(option.description),
  values: option.required || option.optional ? valuesOf(option.argChoices, option.flags) : undefined,
});

function argumentValues(args: readonly Argument[]): Values | undefined {
  const [first] = args;
  return first === undefined ? undefined : valuesOf(first.argChoices, first.name());
}

/** By the placeholder: `--cert <file>`, `[entry]`, `<target...>`. */
const fileWords = /\b(?:file|folder|directory|dir|path|entry|target|out|config)\b/;

const valuesOf = (choices: readonly string[] | undefined, words: string): Values =>
  choices ?? (fileWords.test(words.replace(/^.*(?=[<[])/, '')) ? 'file' : 'any');

const firstSentence = (text: string): string => text.split(/[.:;] /, 1)[0]!.replace(/\.$/, '');
