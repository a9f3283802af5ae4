import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../cli/harness.ts';
import { run } from './support/program.ts';

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-completion-'));
  writeFileSync(join(folder, 'server.pem'), '');
  for (const shell of ['zsh', 'fish'])
    writeFileSync(join(folder, `script.${shell}`), (await runCli(['completion', shell])).out);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a shell offers for the last word, which fish shows with a description. */
const offered = async (program: string, ...args: string[]): Promise<string[]> => {
  const environment = { HOME: folder };
  const { status, stdout, stderr } = await run(program, args, { cwd: folder, environment });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter(Boolean);
};

const lines: ReadonlyArray<readonly [what: string, line: string, word: string]> = [
  ['commands', 'portcullis do', 'doctor'],
  ['options', 'portcullis serve --client', '--client-auth'],
  ['choices', 'portcullis serve --profile mo', 'modern'],
  ['commands within commands', 'portcullis pki revo', 'revoke'],
  ['what help is about', 'portcullis help aud', 'audit'],
  ['shells', 'portcullis completion z', 'zsh'],
];

test.each(['zsh', 'fish'])('%s reads the script', async (shell) => {
  expect(await offered(shell, '-n', `script.${shell}`)).toEqual([]);
});

test.each([
  ...lines,
  ['files of an option', 'portcullis serve --cert ser', 'server.pem'],
  ['files of an argument', 'portcullis pin ser', 'server.pem'],
] as const)('fish completes %s', async (_what, line, word) => {
  const words = await offered('fish', '-c', `source script.fish; complete -C '${line}'`);
  expect(words.map((one) => one.split('\t', 1)[0])).toEqual([word]);
});

/** What its own completion system, which wants a terminal, would be told. */
const system = `
compdef() {}
_files() { print -l -- *(N) }
_message() {}
_describe() { local -a told; told=("\${(@P)@[-1]}"); print -l -- "\${told[@]%%:*}" }
compadd() { shift; print -l -- "$@" }
source ./script.zsh
`;

test.each([...lines, ['files of an option', 'portcullis serve --cert ser', 'server.pem']] as const)(
  'zsh offers %s',
  async (_what, line, word) => {
    const words = line.split(' ');
    const asked = `words=(${words.join(' ')}); CURRENT=${words.length}; _portcullis`;
    const answer = await offered('zsh', '-f', '-c', `${system}${asked}`);
    const last = words.at(-1)!;
    expect(answer.filter((one) => one.startsWith(last))).toEqual([word]);
  },
);
