import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { shown } from './paths.ts';

/** By property, as errors of Node's core may be of another realm. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes(String(codeOf(error)));

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the quota is used up',
  EEXIST: 'it exists already',
  EFBIG: 'it would be too large',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** What a file system error means, in words. */
export function fileFailure(io: Io, path: string, what: string, error: unknown): CliFailure {
  const code = String(codeOf(error) ?? 'unknown error');
  return new CliFailure(`${shown(io, path)} ${what}: ${reasons[code] ?? code}`, undefined, undefined, error);
}
