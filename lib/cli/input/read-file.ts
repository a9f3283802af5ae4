import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../errors.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';

/** Certificates, keys and requests are small; a device that never ends would fill the memory. */
const most = 16 * 1024 * 1024;

/** The octets of a file that is named on the command line; '-' is standard input. A CliFailure where it cannot be read. */
export function readGiven(io: Io, name: string): Promise<Buffer> {
  return name === '-' ? io.readInput() : Promise.resolve(readWhole(io, name));
}

/** The same for a file alone. */
export function readWhole(io: Io, name: string): Buffer {
  const file = resolve(io.directory, name);
  try {
    const { size } = requireFile(name, file);
    if (size > most) throw new CliFailure(`${name} is larger than 16 MiB`);
    return readFileSync(file);
  } catch (error) {
    throw error instanceof CliFailure ? error : new CliFailure(whyNot(name, error), hintFor(name, error));
  }
}

function requireFile(name: string, file: string): { size: number } {
  const found = statSync(file);
  if (found.isDirectory()) throw new CliFailure(`${name} is a folder`, 'Name a file in it.');
  if (!found.isFile()) throw new CliFailure(`${name} is no regular file`, "Give '-' to read standard input.");
  return found;
}

function whyNot(name: string, error: unknown): string {
  const code = codeOf(error) ?? '';
  if (['ENOENT', 'ENOTDIR'].includes(code)) return `there is no file ${name}`;
  return ['EACCES', 'EPERM'].includes(code)
    ? `${name} may not be read`
    : `${name} cannot be read: ${messageOf(error)}`;
}

function hintFor(name: string, error: unknown): string | undefined {
  if (codeOf(error) === 'EACCES') return `See its permissions: ls -l ${name}`;
  return undefined;
}

/** The code of an error of Node's, which is not `instanceof Error` everywhere. */
export const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
