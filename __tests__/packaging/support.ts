import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../interop/support/program.ts';

export const root: string = resolve(import.meta.dirname, '../..');

/** Runs a program that must succeed, and gives what it said. */
export async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, { cwd, timeout: 240_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

export interface Consumer {
  readonly directory: string;
  /** The paths in the tarball. */
  readonly packed: readonly string[];
}

/** Packs the built package, as `npm publish` would, and installs it from the tarball into a project of its own. */
export async function makeConsumer(packages: readonly string[]): Promise<Consumer> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-consumer-'));
  // What `prepare` would build is there already, and another suite may be reading it.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
  const [told] = JSON.parse(await succeed('npm', pack, root)) as [
    { filename: string; files: Array<{ path: string }> },
  ];
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await succeed('npm', ['init', '--yes'], directory);
  await succeed('npm', [...install, join(directory, told.filename), ...packages], directory);
  return { directory, packed: told.files.map(({ path }) => path) };
}
