import { relative } from 'node:path';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';

/** A path as a person would write it, fit for a terminal. */
export function shown(io: Io, path: string): string {
  const short = relative(io.directory, path);
  return plain(short === '' ? '.' : short.startsWith('..') ? path : short);
}

/** For a shell to copy. */
export const quoted = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
