import type { Io } from '../io.ts';

/** Runs code of the user's that says things meanwhile: to standard error, as standard output has the answer. */
export async function withOutputAside<T>(io: Io, run: () => Promise<T>): Promise<T> {
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  // By which console writes as well.
  stdout.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    io.err(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  try {
    return await run();
  } finally {
    stdout.write = write;
  }
}
