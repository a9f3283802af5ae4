import type { Io } from '../lib/cli/io.ts';

/** For who wants to know the commands, and runs none. */
export const silentIo: Io = {
  out: () => undefined,
  err: () => undefined,
  answered: () => undefined,
  readInput: () => Promise.resolve(Buffer.alloc(0)),
  askSecret: undefined,
  environment: {},
  directory: '/',
  now: () => 0,
  colours: false,
  columns: 80,
  stop: new AbortController().signal,
};
