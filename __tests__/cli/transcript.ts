import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A command line and what it is to print. In a file of transcripts:
 *
 *     # what it shows
 *     $ portcullis pin server.pem
 *     < what is typed, or piped in
 *     > a line of standard output
 *     ! a line of standard error
 *     = 3
 *
 * `{esc}` in a command is the character that begins a control sequence. `{…}` stands for anything within a line, a line `> {…}` or `! {…}` for any lines. Without `=` the exit code is 0.
 */
export interface Transcript {
  readonly what: string;
  readonly words: readonly string[];
  readonly input: string;
  readonly out: RegExp;
  readonly err: RegExp;
  readonly code: number;
}

const folder = join(import.meta.dirname, 'transcripts');

export const transcripts = (): Transcript[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split(/\n(?=# )/)
        .map((part) => parse(part.split('\n'), name)),
    );

function parse(lines: readonly string[], file: string): Transcript {
  const all = (mark: string): string[] =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length).replace(/^ /, ''));
  const [what, command] = [all('#')[0], all('$ portcullis')[0]];
  if (what === undefined || command === undefined) throw new Error(`${file}: a transcript without # or $`);
  return {
    what: `${file.replace('.txt', '')}: ${what}`,
    words: wordsOf(command),
    input: all('<')
      .map((line) => `${line}\n`)
      .join(''),
    out: pattern(all('>')),
    err: pattern(all('!')),
    code: Number(all('=')[0] ?? 0),
  };
}

const wordsOf = (command: string): string[] =>
  Array.from(command.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) =>
    (quoted ?? bare!).replaceAll('{esc}', '\u001b'),
  );

function pattern(lines: readonly string[]): RegExp {
  const body = lines.map((line) =>
    line === '{…}' ? '(?:.*\\n)*' : `${line.split('{…}').map(escaped).join('.*')}\\n`,
  );
  return new RegExp(`^${body.join('')}$`);
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
