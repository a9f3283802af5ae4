import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { Folder } from './folder.ts';
import { shown } from './paths.ts';

/** Refuses to write what is handed out over the authority's own files, by whatever path, and with --force too. */
export function requireForeign(io: Io, folder: Folder, path: string): void {
  const { directory, issued: _issued, ...files } = folder;
  const own = Object.values(files).map((file) => join(realFolder(directory), basename(file)));
  if (!own.includes(join(realFolder(dirname(path)), basename(path)))) return;
  throw new CliFailure(`${shown(io, path)} is the authority's own file`, 'Name another one.');
}

/** As it stands where it is not there. */
function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
