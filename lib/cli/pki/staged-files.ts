// The default export, so that a test can let a call fail.
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { makeFolders, missingFolders, removeFolders } from './new-folders.ts';
import { shown } from './paths.ts';

/** A file to be written. */
export interface NewFile {
  readonly path: string;
  readonly content: string | Buffer;
  /** 0600 for what is secret. */
  readonly mode: number;
  /** Whether it may take the place of another one. */
  readonly overwrite: boolean;
  /** What to do where it may not, and there is one. */
  readonly ifTaken?: string;
}

/** Files on their way: each is written beside its place first, and moved there when all are written. */
export interface Staging {
  readonly id: string;
  readonly files: ReadonlyArray<Pick<NewFile, 'path' | 'overwrite' | 'ifTaken'>>;
  /** Folders that are made for them. */
  readonly folders: readonly string[];
}

/** Of what a command writes beside its place. */
export const temporaryName: RegExp = /^\.portcullis\..*\.tmp$/;

export const temporary = (folder: string, id: string): string => join(folder, `.portcullis.${id}.tmp`);

const besideOf = ({ id, files }: Staging, index: number): string =>
  temporary(dirname(files[index]!.path), `${index}.${id}`);

/** Refuses what cannot be written, before anything is; a symbolic link that leads nowhere is no free place either. */
export function planStaging(io: Io, files: readonly NewFile[]): Staging {
  const folders = new Set<string>();
  for (const file of files) {
    const { path } = file;
    try {
      requirePlace(io, file);
      for (const folder of missingFolders(dirname(path))) folders.add(folder);
    } catch (error) {
      throw asFailure(io, path, error);
    }
  }
  return {
    id: randomBytes(6).toString('hex'),
    files: files.map(({ path, overwrite, ifTaken }) => ({
      path,
      overwrite,
      ...(ifTaken !== undefined && { ifTaken }),
    })),
    folders: [...folders],
  };
}

/** Neither a folder nor a device (`/dev/stdout` leads to one) is replaced by a file. */
function requirePlace(io: Io, { path, overwrite, ifTaken }: Staging['files'][number]): void {
  if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  if (!overwrite) throw takenAlready(io, path, ifTaken);
  if (fs.statSync(path, { throwIfNoEntry: false })?.isFile() !== false) return;
  throw new CliFailure(`${shown(io, path)} is no regular file`, 'Name another one.');
}

const takenAlready = (io: Io, path: string, hint: string | undefined): CliFailure =>
  new CliFailure(`${shown(io, path)} exists already`, hint);

export function writeStaged(io: Io, staging: Staging, files: readonly NewFile[]): void {
  for (const [index, { path, content, mode }] of files.entries()) {
    try {
      makeFolders(missingFolders(dirname(path)));
      writeWhole(besideOf(staging, index), content, mode);
    } catch (error) {
      throw asFailure(io, path, error);
    }
  }
}

/** Moves one file to its place; what is there already was moved before. Moving replaces a symbolic link itself. */
export function moveStaged(io: Io, staging: Staging, index: number): void {
  const { path, overwrite, ifTaken } = staging.files[index]!;
  const from = besideOf(staging, index);
  try {
    if (fs.lstatSync(from, { throwIfNoEntry: false }) === undefined) return;
    if (overwrite) fs.renameSync(from, path);
    else moveToFreePlace(io, from, path, ifTaken);
  } catch (error) {
    throw asFailure(io, path, error);
  }
  syncFolder(dirname(path));
}

/** By link(2), which replaces nothing. */
function moveToFreePlace(io: Io, from: string, to: string, ifTaken: string | undefined): void {
  try {
    fs.linkSync(from, to);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      if (!isSameFile(from, to)) throw takenAlready(io, to, ifTaken);
    } else if (isWithoutLinks(error)) {
      if (fs.lstatSync(to, { throwIfNoEntry: false }) !== undefined) throw takenAlready(io, to, ifTaken);
      fs.renameSync(from, to);
      return;
    } else throw error;
  }
  fs.rmSync(from);
}

/** As file systems say it that have no hard links. */
export const isWithoutLinks = (error: unknown): boolean =>
  hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK');

/** A move that was cut short between its two steps. */
function isSameFile(a: string, b: string): boolean {
  const [one, other] = [fs.lstatSync(a), fs.lstatSync(b)];
  return one.ino === other.ino && one.dev === other.dev;
}

/** Takes back one file that was not moved. */
export const dropStaged = (staging: Staging, index: number): void =>
  fs.rmSync(besideOf(staging, index), { force: true });

/**
 * Takes back what was not moved; the first file last: while it waits, the others can be moved after it, and where it is
 * gone there are none that nothing speaks of.
 */
export function discardStaged(staging: Staging): void {
  for (const index of [...staging.files.keys()].toReversed()) dropStaged(staging, index);
  removeFolders(staging.folders);
}

/** Writes or replaces one file: the former one is there, or the new one, and nothing between. */
export function writeFile(io: Io, file: NewFile): void {
  const staging = planStaging(io, [file]);
  try {
    writeStaged(io, staging, [file]);
    moveStaged(io, staging, 0);
  } catch (error) {
    discardStaged(staging);
    throw error;
  }
}

const asFailure = (io: Io, path: string, error: unknown): CliFailure =>
  error instanceof CliFailure ? error : fileFailure(io, path, 'cannot be written', error);

/** On the disk before anything speaks of it. */
function writeWhole(path: string, content: string | Buffer, mode: number): void {
  const file = fs.openSync(path, 'wx', mode);
  try {
    fs.writeFileSync(file, content);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** So that the new name survives a loss of power; some file systems, and Windows, do not know it. */
function syncFolder(path: string): void {
  try {
    const folder = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(folder);
    } finally {
      fs.closeSync(folder);
    }
  } catch {
    // What was moved is there all the same.
  }
}
