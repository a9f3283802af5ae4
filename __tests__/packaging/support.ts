import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Outcome, run } from '../interop/support/program.ts';

export const root: string = resolve(import.meta.dirname, '../..');

/** For an installation from the registry, or from npm's cache. */
export const install: readonly string[] = [
  'install',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
];

/** Runs a program that must succeed, and gives what it said. */
export async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  return (await finish(program, args, cwd)).stdout;
}

/** Runs a program that must succeed without a word of warning, and gives what it said. */
export async function succeedQuietly(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr } = await finish(program, args, cwd);
  if (stderr !== '') throw new Error(`${program} ${args.join(' ')} warns: ${stderr}`);
  return stdout;
}

async function finish(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const outcome = await run(program, args, { cwd, timeout: 240_000 });
  const { status, stdout, stderr } = outcome;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return outcome;
}

export interface Tarball {
  readonly file: string;
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number; readonly mode: number }>;
  /** Octets, packed and unpacked. */
  readonly size: number;
  readonly unpackedSize: number;
}

/** Packs the built package below `folder`, as `npm publish` would, into `destination`. */
export async function pack(folder: string, destination: string): Promise<Tarball> {
  // What `prepare` would build is there already, and another suite may be reading it.
  const said = await succeed(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', destination],
    folder,
  );
  const [told] = JSON.parse(said) as [Omit<Tarball, 'file'> & { filename: string }];
  return { ...told, file: join(destination, told.filename) };
}

export interface Consumer {
  readonly directory: string;
  /** The paths in the tarball. */
  readonly packed: readonly string[];
}

/** Installs the package from its tarball into a project of its own, with other packages. */
export async function makeConsumer(
  packages: readonly string[],
  flags: readonly string[] = [],
): Promise<Consumer> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-consumer-'));
  const { file, files } = await pack(root, directory);
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  await succeed('npm', [...install, ...flags, file, ...packages], directory);
  return { directory, packed: files.map(({ path }) => path) };
}

/** The entries of package.json: '', '/client' … */
export const entries: readonly string[] = [
  '',
  '/client',
  '/cluster',
  '/metrics',
  '/pki',
  '/redis',
  '/testing',
];
