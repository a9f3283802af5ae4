// The default export, so that a test can let a call fail.
import fs from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname, uptime } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { quoted, shown } from './paths.ts';
import { isWithoutLinks, temporary } from './staged-files.ts';

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
  readonly token: string;
}

/** How long a command waits, in milliseconds. */
export interface Patience {
  readonly waitMs: number;
  /** For a lock that nobody has signed: it is written in less, unless whoever did it has ended. */
  readonly unsignedMs: number;
}

/** Locks of this process: another lock of its process id is left over from one that had the same, as in a container. */
const held = new Set<string>();
const pollMs = 25;

/**
 * Lets one process at a time change an authority. The lock is a file that only one can create; that of a process which
 * ended without removing it is taken over, and one of another machine is not judged.
 */
export async function withLock<T>(
  io: Io,
  file: string,
  act: () => T | Promise<T>,
  patience: Patience = { waitMs: 30_000, unsignedMs: 2_000 },
): Promise<T> {
  const token = await acquire(io, file, patience);
  try {
    return await act();
  } finally {
    release(file, token);
  }
}

async function acquire(io: Io, file: string, patience: Patience): Promise<string> {
  const token = randomUUID();
  const begun = performance.now();
  let found: { readonly text: string | undefined; readonly at: number } | undefined;
  while (!create(io, file, token)) {
    const now = performance.now();
    const text = contentOf(io, file);
    if (found === undefined || found.text !== text) found = { text, at: now };
    const holder = text === undefined ? undefined : readHolder(text);
    const isOver = holder === undefined ? now - found.at >= patience.unsignedMs : isGone(holder);
    if (text !== undefined && isOver) {
      // oxlint-disable-next-line no-await-in-loop -- until it is free
      await takeOver(io, file, text, patience);
    } else {
      if (now - begun >= patience.waitMs) throw refusal(io, file, holder);
      // oxlint-disable-next-line no-await-in-loop -- until it is free
      await pause(pollMs);
    }
  }
  return token;
}

/** Written beside its place, and linked there: so it is never found half written. False where somebody holds it. */
function create(io: Io, file: string, token: string): boolean {
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), token };
  const beside = temporary(dirname(file), `lock.${token}`);
  const text = `${JSON.stringify(holder)}\n`;
  try {
    if (fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined) return false;
    fs.writeFileSync(beside, text, { flag: 'wx', mode: 0o600 });
    link(beside, file, text);
  } catch (error) {
    // Whoever has it may have tidied up what lay beside it.
    if (hasCode(error, 'EEXIST') || (hasCode(error, 'ENOENT') && fs.existsSync(dirname(file)))) return false;
    throw fileFailure(io, file, 'cannot be written', error);
  } finally {
    fs.rmSync(beside, { force: true });
  }
  held.add(token);
  return true;
}

function link(beside: string, file: string, text: string): void {
  try {
    fs.linkSync(beside, file);
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    fs.writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  }
}

function release(file: string, token: string): void {
  held.delete(token);
  try {
    if (readHolder(fs.readFileSync(file, 'utf8'))?.token === token) fs.rmSync(file, { force: true });
  } catch {
    // Somebody has removed it by hand.
  }
}

/**
 * Under a lock of its own: of two that find the same dead holder, the slower one would otherwise remove the lock that
 * the faster one has made since.
 */
const takeOver = (io: Io, file: string, dead: string, patience: Patience): Promise<void> =>
  withLock(
    io,
    `${file}.takeover`,
    () => {
      if (contentOf(io, file) === dead) fs.rmSync(file, { force: true });
    },
    patience,
  );

/** Undefined where there is none. */
function contentOf(io: Io, file: string): string | undefined {
  try {
    const status = fs.lstatSync(file, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    if (status.isFile()) return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw fileFailure(io, file, 'cannot be read', error);
  }
  throw new CliFailure(`the lock ${shown(io, file)} is no regular file`, howToRemove(io, file));
}

/** Undefined: it is being written, or damaged. */
function readHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    const { pid, host, since, token } = value ?? {};
    return Number.isInteger(pid) && typeof host === 'string' && typeof token === 'string'
      ? { pid: pid!, host, since: String(since), token }
      : undefined;
  } catch {
    return undefined;
  }
}

function isGone({ pid, host, since, token }: Holder): boolean {
  if (host !== hostname() || held.has(token)) return false;
  // A minute for a clock that was set.
  if (Date.parse(since) < Date.now() - uptime() * 1000 - 60_000) return true;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

function refusal(io: Io, file: string, holder: Holder | undefined): CliFailure {
  const who =
    holder === undefined
      ? 'by somebody unknown'
      : `by process ${holder.pid} on ${JSON.stringify(holder.host)} since ${JSON.stringify(holder.since)}`;
  return new CliFailure(`the authority is locked ${who}`, `Try again. ${howToRemove(io, file)}`);
}

const howToRemove = (io: Io, file: string): string =>
  `If no portcullis command runs there, run: rm ${quoted(shown(io, file))}`;
