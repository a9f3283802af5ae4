import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import { quoted, shown } from './paths.ts';

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
  readonly token: string;
}

/** Locks of this process: another lock of its process id is left over from one that had the same, as in a container. */
const held = new Set<string>();
const pollMs = 25;

/**
 * Lets one process at a time change an authority. The lock is a file that only one can create (O_EXCL); that of a
 * process which ended without removing it is taken over, and one of another machine is not judged.
 */
export async function withLock<T>(
  io: Io,
  file: string,
  act: () => Promise<T>,
  waitMs: number = 30_000,
): Promise<T> {
  const token = await acquire(io, file, performance.now() + waitMs);
  try {
    return await act();
  } finally {
    release(file, token);
  }
}

async function acquire(io: Io, file: string, deadline: number): Promise<string> {
  for (;;) {
    const token = create(io, file);
    if (token !== undefined) return token;
    const text = contentOf(io, file);
    if (text === undefined) continue;
    const holder = readHolder(text);
    const gone = holder !== undefined && isGone(holder);
    if (gone && takeOver(io, file, text)) continue;
    if (performance.now() >= deadline) throw gone ? leftOver(io, file) : refusal(io, file, holder);
    // oxlint-disable-next-line no-await-in-loop -- until it is free
    await pause(pollMs);
  }
}

function create(io: Io, file: string): string | undefined {
  const token = randomUUID();
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), token };
  try {
    writeFileSync(file, `${JSON.stringify(holder)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    // What could not be written whole would hold everybody up.
    if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO')) rmSync(file, { force: true });
    throw fileFailure(io, file, 'cannot be written', error);
  }
  held.add(token);
  return token;
}

function release(file: string, token: string): void {
  held.delete(token);
  try {
    if (readHolder(readFileSync(file, 'utf8'))?.token === token) rmSync(file, { force: true });
  } catch {
    // Somebody has removed it by hand.
  }
}

/**
 * Under a second lock: of two that find the same dead holder, the slower one would otherwise remove the lock that the
 * faster one has made since.
 */
function takeOver(io: Io, file: string, dead: string): boolean {
  const second = secondLock(file);
  try {
    writeFileSync(second, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw fileFailure(io, second, 'cannot be written', error);
  }
  try {
    if (contentOf(io, file) === dead) rmSync(file, { force: true });
  } finally {
    rmSync(second, { force: true });
  }
  return true;
}

const secondLock = (file: string): string => `${file}.takeover`;

function contentOf(io: Io, file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw fileFailure(io, file, 'cannot be read', error);
  }
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

/** Whoever wanted to take it over has ended on the way. */
const leftOver = (io: Io, file: string): CliFailure =>
  new CliFailure(
    `the lock ${shown(io, file)} is left over from a process that has ended`,
    `If no portcullis command runs, run: rm ${quoted(shown(io, file))} ${quoted(shown(io, secondLock(file)))}`,
  );

function refusal(io: Io, file: string, holder: Holder | undefined): CliFailure {
  const who =
    holder === undefined
      ? 'by somebody unknown'
      : `by process ${holder.pid} on ${JSON.stringify(holder.host)} since ${JSON.stringify(holder.since)}`;
  return new CliFailure(
    `the authority is locked ${who}`,
    `Try again. If no portcullis command runs there, run: rm ${quoted(shown(io, file))}`,
  );
}
