// The default export, so that a test can let a call fail.
import fs from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from './file-failure.ts';

/** The folders that have to be made for this one, from the outer one to the inner one. */
export function missingFolders(folder: string): string[] {
  const above = dirname(folder);
  return isThere(folder) || above === folder ? [] : [...missingFolders(above), folder];
}

function isThere(path: string): boolean {
  try {
    return fs.statSync(path) !== undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** One by one: Node's own `recursive` never comes to an end where a file system refuses with ENOENT, as /proc does. */
export function makeFolders(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      fs.mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (!hasCode(error, 'EEXIST') || !isThere(folder)) throw error;
    }
  }
}

/** From the inner one to the outer one, each only while it is empty. */
export function removeFolders(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      fs.rmdirSync(folder);
    } catch {
      // Somebody uses it by now.
    }
  }
}
