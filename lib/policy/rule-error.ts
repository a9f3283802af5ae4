import { ConfigError } from '../errors.ts';
import { checkArguments, describe } from '../options.ts';

/** One value or more, one by one or in a list. */
export type Values = ReadonlyArray<string | readonly string[]>;

/** A rule that can match nothing, or says nothing. */
export const ruleError = (path: string, problem: string, remedy: string): ConfigError =>
  new ConfigError('RULE_INVALID', path, problem, remedy);

/** Each of `values` as `read` takes it; at least one, or a ConfigError `RULE_INVALID`. */
export function readValues<T>(
  values: readonly unknown[],
  path: string,
  remedy: string,
  read: (value: string, path: string) => T,
): readonly T[] {
  // Not map() and flat(), which skip the holes of an array.
  const all = Array.from(values).flatMap((value): unknown[] =>
    Array.isArray(value) && value.length > 0 ? Array.from<unknown>(value) : [value],
  );
  if (all.length === 0) throw ruleError(path, 'nothing is given', remedy);
  return all.map((value, index) => {
    const at = all.length === 1 ? path : `${path}[${index}]`;
    return read(readText(value, at, remedy), at);
  });
}

/** For a rule that takes one argument. */
export const takesOne = (
  given: { readonly length: number },
  path: string,
  remedy = 'Combine rules with allOf or anyOf.',
): void => checkArguments(given, 1, path, remedy, 'RULE_INVALID');

/** The one value of a rule that takes one. */
export function readValue(values: readonly unknown[], path: string, remedy: string): string {
  takesOne(values, path);
  return readText(values[0], path, remedy);
}

function readText(value: unknown, path: string, remedy: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw ruleError(path, `got ${describe(value)}`, remedy);
}
