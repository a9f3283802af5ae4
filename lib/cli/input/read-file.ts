import { closeSync, openSync, readSync, statSync } from 'node:fs';
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

/** The same for a file alone, or a pipe, as a shell makes of `<(command)`. */
export function readWhole(io: Io, name: string): Buffer {
  const file = resolve(io.directory, name);
  try {
    requireFile(name, file);
    const content = readBounded(file);
    if (content.length > most) throw new CliFailure(`${name} is larger than 16 MiB`);
    return content;
  } catch (error) {
    throw error instanceof CliFailure ? error : new CliFailure(whyNot(name, error), hintFor(name, error));
  }
}

/** No more than one octet too many: a pipe does not say how long it is. */
function readBounded(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    while (length <= most) {
      const chunk = Buffer.allocUnsafe(Math.min(64 * 1024, most + 1 - length));
      const read = readSync(descriptor, chunk);
      if (read === 0) break;
      chunks.push(chunk.subarray(0, read));
      length += read;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(descriptor);
  }
}

function requireFile(name: string, file: string): void {
  const found = statSync(file);
  if (found.isDirectory()) throw new CliFailure(`${name} is a folder`, 'Name a file in it.');
  if (!found.isFile() && !found.isFIFO())
    throw new CliFailure(`${name} is no regular file`, "Give '-' to read standard input.");
}

/** What is wrong with a path that cannot be looked at. */
export function whyNot(name: string, error: unknown): string {
  const code = codeOf(error) ?? '';
  if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)) return `there is no file ${name}`;
  if (code === 'ELOOP') return `${name} is a link that leads back to itself`;
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
