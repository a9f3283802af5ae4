/* oxlint-disable no-await-in-loop -- a file system that hangs then keeps one of libuv's threads, and not all of them */
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, parse, resolve, sep } from 'node:path';

/** More links than any path should have: a loop. */
const maxLinks = 40;

/**
 * The directories whose entries decide what `path` leads to: that of the file itself, and that of each symbolic link on
 * the way. Kubernetes mounts `tls.crt → ..data/tls.crt` and `..data → ..2026_11_21`, and renames over `..data` only. Of
 * what is not there the nearest directory that is. With the links of its entries where `path` is a directory.
 */
export async function directoriesOf(path: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const end = await follow(resolve(path), found);
  if (end === undefined) return found;
  found.add(end.isDirectory ? end.path : dirname(end.path));
  if (!end.isDirectory) return found;
  for (const entry of await entriesOf(end.path)) {
    if (!entry.isSymbolicLink()) continue;
    const target = await follow(join(end.path, entry.name), found);
    if (target !== undefined && !target.isDirectory) found.add(dirname(target.path));
  }
  return found;
}

interface End {
  readonly path: string;
  readonly isDirectory: boolean;
}

/** Walks a path part by part, and adds the directory of each link; undefined, with the nearest directory, if it ends. */
async function follow(path: string, found: Set<string>): Promise<End | undefined> {
  let { root: at } = parse(path);
  let rest = path.slice(at.length).split(sep);
  let isDirectory = true;
  for (let links = 0; rest.length > 0;) {
    const [name = '', ...others] = rest;
    rest = others;
    if (name === '') continue;
    const next = join(at, name);
    const kind = await kindOf(next);
    if (kind === undefined || links > maxLinks) {
      found.add(at);
      return undefined;
    }
    if (kind.isSymbolicLink()) {
      links++;
      found.add(at);
      const target = resolve(at, await readlink(next).catch(() => '.'));
      at = parse(target).root;
      rest = [...target.slice(at.length).split(sep), ...rest];
    } else {
      at = next;
      isDirectory = kind.isDirectory();
    }
  }
  return { path: at, isDirectory };
}

const kindOf = (path: string): Promise<Stats | undefined> => lstat(path).catch(() => undefined);
const entriesOf = (directory: string): Promise<Dirent[]> =>
  readdir(directory, { withFileTypes: true }).catch(() => []);

/** Tells a directory from another one that has been put in its place; undefined where there is none. */
export async function identityOf(directory: string): Promise<string | undefined> {
  const found = await stat(directory).catch(() => undefined);
  return found?.isDirectory() === true ? `${found.dev}:${found.ino}` : undefined;
}
