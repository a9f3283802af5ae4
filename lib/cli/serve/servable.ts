import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';
import { codeOf } from '../input/read-file.ts';
import { holdsPrivateKey } from './private-key.ts';

/**
 * Whether the file that a request names may be shown: by its real place inside `root`, nothing hidden, a regular file
 * that can be read, no private key. True for what is not there, which the file server answers itself. Never rejects.
 */
export async function isServable(root: string, path: string): Promise<boolean> {
  const file = fileOf(root, path);
  if (file === undefined) return true;
  const closed = await Promise.all([file, join(file, 'index.html')].map((one) => isClosed(root, one)));
  return !closed.includes(true);
}

/** Undefined where the path is no good, which the file server refuses itself. */
function fileOf(root: string, path: string): string | undefined {
  try {
    return join(root, normalize(`${sep}${decodeURIComponent(path)}`));
  } catch {
    return undefined;
  }
}

const absent: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ERR_INVALID_ARG_VALUE',
]);

/** What cannot be looked at is closed. */
async function isClosed(root: string, file: string): Promise<boolean> {
  try {
    const [folder, place] = await Promise.all([realpath(root), realpath(file)]);
    return isElsewhere(relative(folder, place)) || (await isPrivate(place));
  } catch (error) {
    return !absent.has(codeOf(error));
  }
}

/**
 * Outside, or hidden. But for `..data`, which the file server hides from requests, and where Kubernetes has the files
 * that its links lead to. On Windows another drive has no relative path.
 */
const isElsewhere = (inside: string): boolean =>
  inside.split(sep).some((step) => /^\.(?!\.[^.])/.test(step)) || isAbsolute(inside);

/** Neither a folder nor a file that anybody may read; a pipe is not even opened, as that would wait for its writer. */
async function isPrivate(place: string): Promise<boolean> {
  const found = await stat(place);
  if (found.isDirectory()) return false;
  if (!found.isFile()) return true;
  await access(place, constants.R_OK);
  return holdsPrivateKey(place);
}

/** The private keys that lie openly in a folder itself, not in those within it; three at most. */
export async function privateKeysIn(root: string): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => !name.startsWith('.')).slice(0, 1_000);
  const secret = await Promise.all(names.map((name) => isKeyFile(join(root, name))));
  return names.filter((_name, index) => secret[index]).slice(0, 3);
}

async function isKeyFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile() && (await holdsPrivateKey(file));
  } catch {
    return false;
  }
}
