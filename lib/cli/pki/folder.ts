import { readFileSync, type Stats, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { quoted, shown } from './paths.ts';

/** Where an authority and what belongs to it lie. */
export interface Folder {
  readonly directory: string;
  /** What was issued and revoked: without it there is no authority. */
  readonly record: string;
  readonly lock: string;
  /** What a command is about to write. */
  readonly pending: string;
  readonly root: string;
  /**
   * The root and the intermediate: what a listener takes as `clientAuth.ca`. With the root alone it would depend on the
   * intermediates that clients send, which Node 24.21 does not show.
   */
  readonly ca: string;
  readonly rootKey: string;
  readonly intermediate: string;
  readonly intermediateKey: string;
  readonly crl: string;
  /** Of the root above an intermediate. */
  readonly rootCrl: string;
  readonly issued: string;
  readonly gitignore: string;
}

/** `--dir`, or the variable PORTCULLIS_PKI, or `pki` in the working directory. */
export function folderOf(io: Io, option: string | undefined): Folder {
  const chosen = option ?? (io.environment['PORTCULLIS_PKI'] || 'pki');
  if (chosen === '') throw usage('--dir is empty', 'Name a folder.');
  const directory = resolve(io.directory, chosen);
  const file = (name: string): string => join(directory, name);
  return {
    directory,
    record: file('record.json'),
    lock: file('lock'),
    pending: file('pending.json'),
    root: file('root.pem'),
    ca: file('ca.pem'),
    rootKey: file('root.key'),
    intermediate: file('intermediate.pem'),
    intermediateKey: file('intermediate.key'),
    crl: file('crl.pem'),
    rootCrl: file('root-crl.pem'),
    issued: file('issued'),
    gitignore: file('.gitignore'),
  };
}

/** Relative within the authority's folder, which may be moved. */
export function recordedPath({ directory }: Folder, path: string): string {
  const inside = relative(directory, path);
  return inside.startsWith('..') || resolve(inside) === inside ? path : inside.split(sep).join('/');
}

/** Refuses a folder without an authority. */
export function requireRecord(io: Io, { directory, record }: Folder): void {
  try {
    statSync(record);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw fileFailure(io, record, 'cannot be read', error);
    throw new CliFailure(
      `there is no authority in ${shown(io, directory)}`,
      'Make one with: portcullis pki init, or name its folder with --dir.',
    );
  }
}

/** Refuses what others than its owner may read or change. Windows has no such modes. */
export function requirePrivate(
  io: Io,
  path: string,
  what: string,
  kind: 'directory' | 'file' = 'file',
): void {
  const status = statusOf(io, path, what);
  if (kind === 'directory' ? !status.isDirectory() : !status.isFile()) {
    throw new CliFailure(`${shown(io, path)} is no ${kind === 'file' ? 'regular file' : 'folder'}`);
  }
  if (process.platform === 'win32') return;
  if ((status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(3, '0');
    throw new CliFailure(
      `the ${what} ${shown(io, path)} is open to others (mode ${mode})`,
      `Run: chmod ${kind === 'directory' ? '700' : '600'} ${quoted(shown(io, path))}`,
    );
  }
  const user = process.geteuid?.();
  if (status.uid !== user && user !== 0) {
    throw new CliFailure(
      `the ${what} ${shown(io, path)} belongs to another user (${status.uid})`,
      `Run as that user, or: sudo chown ${user} ${quoted(shown(io, path))}`,
    );
  }
}

function statusOf(io: Io, path: string, what: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw fileFailure(io, path, 'cannot be read', error);
    throw new CliFailure(
      `the ${what} ${shown(io, path)} does not exist`,
      what === 'folder'
        ? 'Make an authority with: portcullis pki init, or name its folder with --dir.'
        : undefined,
    );
  }
}

/** The text of a file that has to be there. */
export function readText(io: Io, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileFailure(io, path, 'cannot be read', error);
  }
}

/** The text of a file, undefined where it cannot be read. */
export function readCurrentText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
