/** The time, and what is to happen later; another one in tests. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs it once after so many milliseconds, without keeping the process alive; gives what cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/** Node's own. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The outcome, or a rejection with `message` once the time is over: whoever is asked may never answer. */
export function within<T>(
  clock: Clock,
  milliseconds: number,
  message: string,
  outcome: Promise<T>,
): Promise<T> {
  return new Promise<T>((settle, fail) => {
    const cancel = clock.after(milliseconds, () => fail(new Error(message)));
    outcome.then(settle, fail).finally(cancel);
  });
}

/** Whether `await` would wait for it. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
