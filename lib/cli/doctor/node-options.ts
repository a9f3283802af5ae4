import type { Machine } from './machine.ts';

/** The options that Node was started with, also by NODE_OPTIONS: names with dashes, as `--tls_min_v1.0` means the same. */
export const nodeOptions = ({ environment, execArgv }: Pick<Machine, 'environment' | 'execArgv'>): string[] =>
  [...execArgv, ...wordsOf(environment['NODE_OPTIONS'] ?? '')].map((word) =>
    word.replace(/^--[^=]+/, (name) => name.replaceAll('_', '-')),
  );

/** Separated by spaces, but within double quotes, where a backslash takes the next character as it is. */
const wordsOf = (text: string): string[] =>
  (text.match(/(?:"(?:\\.|[^"\\])*"|[^ "])+/g) ?? []).map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"/g, (_all, inner: string) => inner.replace(/\\(.)/g, '$1')),
  );
