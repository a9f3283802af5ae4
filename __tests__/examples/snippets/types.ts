import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../interop/support/program.ts';
import { type Block, placeOf, root } from './blocks.ts';

const common = {
  noEmit: true,
  target: 'es2023',
  lib: ['es2023', 'dom'],
  module: 'nodenext',
  types: ['node'],
  skipLibCheck: true,
};
const settings = {
  ts: { ...common, strict: true, noUncheckedIndexedAccess: true },
  js: { ...common, strict: false, allowJs: true, checkJs: true },
} as const;

/**
 * What is no fault in JavaScript: a text where one of two is wanted (2322, 2345, 2769: `mode: 'optional'` in an object of
 * its own is a string), what users hang on the request, an error's code, and `tls` where a library knows plain requests.
 */
const isForgiven = (code: string, message: string): boolean =>
  ['2322', '2345', '2769'].includes(code) ||
  (code === '2339' && /on type '(?:Request<|IncomingMessage'|Error')/.test(message));

/** Has the compiler look at the programs, as a user's would: each against the built package. */
export async function typeComplaints(programs: readonly Block[], folder: string): Promise<string[]> {
  const languages = ['js', 'ts'] as const;
  const found = await Promise.all(
    languages.map((language) =>
      check(
        programs.filter((block) => block.language === language),
        language,
        folder,
      ),
    ),
  );
  return found.flat();
}

async function check(blocks: readonly Block[], language: 'js' | 'ts', folder: string): Promise<string[]> {
  if (blocks.length === 0) return [];
  const home = join(folder, `types-${language}`);
  mkdirSync(home);
  const files = blocks.map(({ text }, index) => {
    const name = `block-${index}.m${language}`;
    writeFileSync(join(home, name), text);
    return name;
  });
  const config = join(home, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions: settings[language], files }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = await run(process.execPath, [tsc, '-p', config, '--pretty', 'false'], {
    cwd: home,
  });
  const complaints = stdout.split('\n').flatMap((line) => {
    const [, index, row, code = '', message = ''] =
      /block-(\d+)\.m[jt]s\((\d+),\d+\): error TS(\d+): (.*)/.exec(line) ?? [];
    if (index === undefined || (language === 'js' && isForgiven(code, message))) return [];
    return [`${placeOf(blocks[Number(index)]!)}, its line ${row}: TS${code} ${message}`];
  });
  if (status !== 0 && !/error TS/.test(stdout)) return [`tsc ended with ${status}: ${stdout}`];
  return complaints;
}
