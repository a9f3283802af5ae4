import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** The Node versions on which the suites run: one of every line that `engines` allows. */
export const testedVersions: readonly string[] = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/** Those of other lines than the running Node. */
export const otherVersions: readonly string[] = testedVersions.filter(
  (version) => version.split('.')[0] !== process.versions.node.split('.')[0],
);

/** Of the current lines, where Node's TLS differs most from the oldest's. */
export const newestVersions: readonly string[] = testedVersions.slice(-2);

/** The first versions that `engines` allows: those that `require()` an ES module. */
export const oldestVersions: readonly string[] = ['20.19.0', '22.12.0'];

/** The path of a Node binary of `version`, fetched from npm into `.nodes/` the first time. */
export async function nodeBinary(version: string): Promise<string> {
  const windows = process.platform === 'win32';
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`;
  const prefix = resolve('.nodes', version);
  const binary = join(prefix, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
  try {
    await access(binary);
  } catch {
    const install = ['install', '--prefix', prefix, '--no-save', '--ignore-scripts', '--loglevel=error'];
    if ((await run('npm', [...install, `${name}@${version}`])) !== 0) {
      throw new Error(`npm gives no ${name}@${version}`);
    }
    await access(binary);
  }
  return binary;
}

/** Runs a program with this one's output, and gives its exit code (1 where a signal has ended it). */
export function run(program: string, args: readonly string[]): Promise<number> {
  return new Promise((settle, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32' && program === 'npm',
    });
    child.once('error', reject);
    child.once('close', (code) => settle(code ?? 1));
  });
}
