// The default export, so that a test can let a call fail.
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { type Folder, recordedPath } from './folder.ts';
import { withLock } from './lock.ts';
import { quoted, shown } from './paths.ts';
import {
  discardStaged,
  dropStaged,
  moveStaged,
  type NewFile,
  planStaging,
  type Staging,
  temporaryName,
  writeFile,
  writeStaged,
} from './staged-files.ts';

/**
 * What a command is about to do, in a file of the folder: with `writing` it is taken back, with `moving` it is finished,
 * by whoever comes next. The step from the one to the other is the moment that counts.
 */
interface Pending extends Staging {
  readonly step: 'writing' | 'moving';
}

/** Lets one process at a time change an authority, and brings to an end what another one has left half done. */
export function withFolderLock<T>(io: Io, folder: Folder, act: () => Promise<T>): Promise<T> {
  return withLock(io, folder.lock, () => {
    finish(io, folder);
    return act();
  });
}

/** Before anything is read: brings to an end what a process that was killed has left half done. */
export async function settle(io: Io, folder: Folder): Promise<void> {
  if (fs.existsSync(folder.pending)) await withFolderLock(io, folder, () => Promise.resolve());
}

/**
 * Writes all files, or none; under the lock. The first one says that the others belong there, as the record does: where
 * it cannot be moved nothing is; where only a later one cannot, `done` says what was done nevertheless.
 */
export function commit(io: Io, folder: Folder, files: readonly NewFile[], done: string): void {
  const staging = planStaging(io, files);
  try {
    writePending(io, folder, { ...staging, step: 'writing' });
    writeStaged(io, staging, files);
    writePending(io, folder, { ...staging, step: 'moving' });
    moveStaged(io, staging, 0);
  } catch (error) {
    discardStaged(staging);
    removePending(folder);
    throw error;
  }
  const failures = moveOthers(io, staging);
  removePending(folder);
  if (failures.length === 0) return;
  throw new CliFailure(failures.map(({ message }) => message).join('; '), done, undefined, failures[0]);
}

/** What cannot take its place is removed: it may be a key. */
function moveOthers(io: Io, staging: Staging): readonly CliFailure[] {
  return staging.files.flatMap((_file, index) => {
    if (index === 0) return [];
    try {
      moveStaged(io, staging, index);
      return [];
    } catch (error) {
      dropStaged(staging, index);
      return [error as CliFailure];
    }
  });
}

function finish(io: Io, folder: Folder): void {
  const pending = readPending(io, folder);
  if (pending?.step === 'moving') {
    moveStaged(io, pending, 0);
    for (const { message } of moveOthers(io, pending))
      io.err(`warning: of a command that was cut short, ${message}\n`);
  }
  if (pending !== undefined) {
    discardStaged(pending);
    removePending(folder);
  }
  for (const name of fs.readdirSync(folder.directory))
    if (temporaryName.test(name)) fs.rmSync(join(folder.directory, name), { force: true });
}

/** With paths that are right when the folder has been moved. */
function writePending(io: Io, folder: Folder, { step, id, files, folders }: Pending): void {
  const content = JSON.stringify({
    step,
    id,
    files: files.map(({ path, overwrite }) => ({ path: recordedPath(folder, path), overwrite })),
    folders: folders.map((path) => recordedPath(folder, path)),
  });
  writeFile(io, { path: folder.pending, content: `${content}\n`, mode: 0o600, overwrite: true });
}

const removePending = ({ pending }: Folder): void => fs.rmSync(pending, { force: true });

function readPending(io: Io, folder: Folder): Pending | undefined {
  let text;
  try {
    text = fs.readFileSync(folder.pending, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw fileFailure(io, folder.pending, 'cannot be read', error);
  }
  const pending = parsePending(text, folder.directory);
  if (pending !== undefined) return pending;
  throw new CliFailure(
    `${shown(io, folder.pending)} is damaged: it says what a command that was cut short wanted to write`,
    `To go on without that, run: rm ${quoted(shown(io, folder.pending))}`,
  );
}

function parsePending(text: string, directory: string): Pending | undefined {
  try {
    const { step, id, files, folders } = JSON.parse(text) as Pending;
    if ((step !== 'writing' && step !== 'moving') || !/^[0-9a-f]{12}$/.test(id)) return undefined;
    return {
      step,
      id,
      files: files.map(({ path, overwrite }) => ({
        path: resolve(directory, path),
        overwrite: overwrite === true,
      })),
      folders: folders.map((path) => resolve(directory, path)),
    };
  } catch {
    return undefined;
  }
}
