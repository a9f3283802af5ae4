import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';

/** The items of an array that is not empty, or a ConfigError. */
export function nonEmptyList<T>(value: readonly T[] | undefined, path: string): readonly T[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected a list, got ${describe(value)}`,
    'Give an array with at least one item, or leave it out.',
  );
}
