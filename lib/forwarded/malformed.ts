/** A forwarded certificate cannot be read. What is wrong with it is for the operator. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** Throws a MalformedError. `problem` never repeats what was sent. */
export function malformed(problem: string): never {
  throw new MalformedError(problem);
}
