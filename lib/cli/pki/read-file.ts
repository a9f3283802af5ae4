import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { shown } from './paths.ts';

/** Certificates, lists and requests are smaller; a device never ends. */
const most = 16 * 1024 * 1024;

/** A file, or a pipe (`<(command)`), with the mode of a file; undefined for a pipe, whose mode says nothing. */
export interface ReadFile {
  readonly content: Buffer;
  readonly mode: number | undefined;
}

/** Reads a file that is named on the command line. */
export function readGivenFile(io: Io, path: string): ReadFile {
  try {
    const file = openSync(path, 'r');
    try {
      const status = fstatSync(file);
      if (status.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
      if (!status.isFile() && !status.isFIFO())
        throw new CliFailure(`${shown(io, path)} is no regular file`, 'Name a file, or a pipe.');
      return { content: readBounded(io, path, file), mode: status.isFile() ? status.mode : undefined };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw error instanceof CliFailure ? error : fileFailure(io, path, 'cannot be read', error);
  }
}

const noFile = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EISDIR', 'ERR_INVALID_ARG_VALUE'];

/** The same for what may be a file; undefined where there is none of that name, as there cannot be one. */
export function readFileIfAny(io: Io, path: string): Buffer | undefined {
  try {
    return readGivenFile(io, path).content;
  } catch (error) {
    if (!hasCode((error as CliFailure).cause, ...noFile)) throw error;
    return undefined;
  }
}

function readBounded(io: Io, path: string, file: number): Buffer {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= most;) {
    const chunk = Buffer.allocUnsafe(65_536);
    const read = readSync(file, chunk);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    size += read;
  }
  throw new CliFailure(`${shown(io, path)} is larger than 16 MiB`);
}
