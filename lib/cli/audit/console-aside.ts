import { format } from 'node:util';
import type { Io } from '../io.ts';

const talkative = ['log', 'info', 'debug', 'dir', 'table'] as const;

/** Runs code of the user's whose console says things meanwhile: to standard error, as standard output has the answer. */
export async function withConsoleAside<T>(io: Io, run: () => Promise<T>): Promise<T> {
  const before = talkative.map((name) => [name, console[name]] as const);
  for (const name of talkative) console[name] = (...words: unknown[]) => io.err(`${format(...words)}\n`);
  try {
    return await run();
  } finally {
    for (const [name, method] of before) console[name] = method as typeof console.log;
  }
}
