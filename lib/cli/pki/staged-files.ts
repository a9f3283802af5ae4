// The default export, so that a test can let a call fail.
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { shown } from './paths.ts';

/** A file to be written. */
export interface NewFile {
  readonly path: string;
  readonly content: string | Buffer;
  /** 0600 for what is secret. */
  readonly mode: number;
  /** Whether it may take the place of another one. */
  readonly overwrite: boolean;
}

/**
 * Files that appear together, or not at all: all are written beside their places first, and moved there by `publish`.
 * Moving replaces a symbolic link, and does not follow it.
 */
export class StagedFiles {
  readonly #io: Io;
  readonly #moves: Array<{ readonly from: string; readonly to: string }> = [];
  /** Folders that were made, and empty files that keep a place free. */
  readonly #made: string[] = [];

  constructor(io: Io) {
    this.#io = io;
  }

  add({ path, content, mode, overwrite }: NewFile): void {
    try {
      this.#makeFolder(dirname(path));
      if (!overwrite) this.#reserve(path);
      const from = join(
        dirname(path),
        `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`,
      );
      this.#moves.push({ from, to: path });
      writeWhole(from, content, mode);
    } catch (error) {
      this.discard();
      throw error instanceof CliFailure ? error : fileFailure(this.#io, path, 'cannot be written', error);
    }
  }

  /** Moves all to their places, in the order in which they were added. */
  publish(): void {
    for (const { from, to } of this.#moves.splice(0)) {
      try {
        fs.renameSync(from, to);
      } catch (error) {
        throw fileFailure(this.#io, to, 'cannot be written', error);
      }
      syncFolder(dirname(to));
    }
    this.#made.length = 0;
  }

  /** Leaves everything as it was. */
  discard(): void {
    for (const { from } of this.#moves.splice(0)) fs.rmSync(from, { force: true });
    for (const path of this.#made.splice(0).toReversed()) remove(path);
  }

  #makeFolder(path: string): void {
    const first = fs.mkdirSync(path, { recursive: true, mode: 0o700 });
    if (first !== undefined) this.#made.push(...foldersBetween(first, path));
  }

  /** O_EXCL: of two that want the place one gets it, and a dangling symbolic link is no free place. */
  #reserve(path: string): void {
    try {
      fs.closeSync(fs.openSync(path, 'wx', 0o600));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      throw new CliFailure(
        `${shown(this.#io, path)} exists already`,
        'Write elsewhere with --out, or replace it with --force.',
      );
    }
    this.#made.push(path);
  }
}

/** From the outer one to the inner one, both included. */
const foldersBetween = (outer: string, inner: string): string[] =>
  inner === outer || dirname(inner) === inner ? [inner] : [...foldersBetween(outer, dirname(inner)), inner];

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

/** A folder only while it is empty. */
function remove(path: string): void {
  try {
    if (fs.lstatSync(path).isDirectory()) fs.rmdirSync(path);
    else fs.rmSync(path, { force: true });
  } catch {
    // Somebody else uses it by now.
  }
}
