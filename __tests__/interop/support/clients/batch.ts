import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Outcome, run } from '../program.ts';
import type { Result } from './client.ts';

/** One process for all questions: JSON goes in, and as many results come out. */
export async function inBatch(
  program: string,
  args: readonly string[],
  asks: readonly object[],
): Promise<ReadonlyArray<Result | Error>> {
  const outcome = await run(program, args, { input: JSON.stringify(asks), timeout: 90_000 });
  return resultsOf(program, outcome, asks.length);
}

/** Each is an answer, a refusal, or what went wrong in the program itself. */
export function resultsOf(
  program: string,
  { status, stdout, stderr }: Outcome,
  count: number,
): ReadonlyArray<Result | Error> {
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}${stdout}`);
  const results = JSON.parse(stdout) as Array<Result | { readonly failed: string }>;
  if (results.length !== count) throw new Error(`${program} told ${results.length} results of ${count}`);
  return results.map((result) => ('failed' in result ? new Error(`${program}: ${result.failed}`) : result));
}

/**
 * What a compiler made of a source file: kept by the hash of that file and of what the compiler says of its version,
 * since four Nodes in turn ask the same program. Without the compiler it is an error, whatever is kept. `compile` writes
 * into a folder of its own, which then gets its name at once.
 */
export async function compiled(
  source: string,
  [compiler, ...version]: readonly [string, ...string[]],
  compile: (source: string, folder: string) => Promise<Outcome>,
): Promise<string> {
  const about = await run(compiler, version);
  if (about.status !== 0) throw new Error(`${compiler} ${version.join(' ')}: ${about.stdout}${about.stderr}`);
  const hash = createHash('sha256')
    .update(about.stdout + about.stderr)
    .update(readFileSync(source))
    .digest('hex')
    .slice(0, 16);
  const kept = resolve('node_modules/.cache/portcullis-interop');
  const folder = join(kept, hash);
  if (existsSync(folder)) return folder;
  mkdirSync(kept, { recursive: true });
  const fresh = mkdtempSync(join(kept, 'making-'));
  const { status, stdout, stderr } = await compile(source, fresh);
  if (status !== 0) throw new Error(`${source} cannot be compiled: ${stdout}${stderr}`);
  try {
    renameSync(fresh, folder);
  } catch (error) {
    // Somebody else was first.
    rmSync(fresh, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
