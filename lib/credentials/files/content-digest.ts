/* oxlint-disable no-await-in-loop -- a file system that hangs then keeps one of libuv's threads, and not all of them */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What is larger is told by its date. */
const maxBytes = 1 << 26;

/**
 * A digest of what the paths hold now: the octets of files, and those of the files in a directory with their names.
 * What cannot be read is told by why. Waits for the disk: for the start, when everything is read in this way.
 */
export function digestOfAllSync(paths: readonly string[]): string {
  return paths.flatMap((path) => filesInSync(path).map(digestSync)).join('\n');
}

/** The same, without holding up the process while the file system of a network hangs. */
export async function digestOfAll(paths: readonly string[]): Promise<string> {
  const digests: string[] = [];
  for (const path of paths) {
    for (const file of await filesIn(path)) digests.push(await digest(file));
  }
  return digests.join('\n');
}

function filesInSync(path: string): readonly string[] {
  try {
    return inDirectory(path, readdirSync(path));
  } catch {
    return [path];
  }
}

async function filesIn(path: string): Promise<readonly string[]> {
  try {
    return inDirectory(path, await readdir(path));
  } catch {
    return [path];
  }
}

const inDirectory = (path: string, names: readonly string[]): string[] => [
  path,
  ...names.toSorted().map((name) => join(path, name)),
];

function digestSync(file: string): string {
  try {
    const status = statSync(file);
    return told(file, isReadable(status) ? hash(readFileSync(file)) : marks(status));
  } catch (error) {
    return told(file, failure(error));
  }
}

async function digest(file: string): Promise<string> {
  try {
    const status = await stat(file);
    return told(file, isReadable(status) ? hash(await readFile(file)) : marks(status));
  } catch (error) {
    return told(file, failure(error));
  }
}

/** A pipe would be waited for. */
const isReadable = (status: Stats): boolean => status.isFile() && status.size <= maxBytes;
/** A directory's own date changes with any file in it, of which the others tell more. */
const marks = (status: Stats): string =>
  status.isFile()
    ? `${status.ino} ${status.size} ${status.mtimeMs}`
    : status.isDirectory()
      ? 'directory'
      : 'other';
const hash = (content: Buffer): string => createHash('sha256').update(content).digest('base64');
const failure = (error: unknown): string => String((error as { code?: unknown }).code);
const told = (file: string, mark: string): string => `${file} ${mark}`;
