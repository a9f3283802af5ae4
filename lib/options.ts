import { ConfigError } from './errors.ts';

/** Refuses a value that is no plain options object, or that has a key outside `allowed`; guesses what was meant. */
export function checkKeys(value: unknown, allowed: readonly string[], path: string): asserts value is object {
  if (!isPlainObject(value)) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected a plain object, got ${typeof value === 'string' ? describeSecret(value) : describe(value)}`,
      allowed.length > 20 ? 'Give an object with options.' : `Allowed keys: ${allowed.join(', ')}.`,
    );
  }
  for (const key of Object.keys(value)) {
    if (allowed.includes(key)) continue;
    throw new ConfigError(
      'OPTION_UNKNOWN',
      path === '' || path === 'options' ? key : `${path}.${key}`,
      'unknown option',
      remedyFor(key, allowed),
    );
  }
}

/**
 * Refuses more arguments than the `most` that a function takes: what is dropped without a word may be what was meant to
 * keep somebody out.
 */
export function checkArguments(
  given: { readonly length: number },
  most: number,
  path: string,
  remedy = 'Give all options in one object.',
  code: 'OPTION_INVALID' | 'RULE_INVALID' = 'OPTION_INVALID',
): void {
  if (given.length <= most) return;
  const takes = most === 0 ? 'no argument' : most === 1 ? 'one argument' : `${most} arguments`;
  throw new ConfigError(code, path, `it takes ${takes}, got ${given.length}`, remedy);
}

/** What people give to the server that belongs to `listen`. */
const belongToListen: ReadonlySet<string> = new Set(['host', 'port', 'path', 'backlog', 'exclusive']);

function remedyFor(key: string, allowed: readonly string[]): string {
  if (belongToListen.has(key) && allowed.includes('key')) return 'Give it to listen().';
  const guess = closest(key, allowed);
  if (guess !== undefined) return `Did you mean '${guess}'?`;
  return allowed.length > 20
    ? 'Leave it out, or see the documentation for its name.'
    : `Allowed: ${allowed.join(', ')}.`;
}

/**
 * Of this realm or another. What an object inherits cannot be listed (a class's getters are not enumerable), so an
 * option that stands there would be read unchecked, or dropped without a word: `clientAuth` among them.
 */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.hasOwn(prototype, 'isPrototypeOf');
}

/** A whole number of `unit` between `min` and `max`, or a ConfigError. */
export function wholeNumber(value: unknown, path: string, unit: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected a whole number of ${unit}, got ${describe(value)}`,
    `Give one from ${min} to ${max}.`,
  );
}

/** `true`, `false` or absent (then `fallback`), or a ConfigError. */
export function flag(value: unknown, path: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected true or false, got ${describe(value)}`,
    'Give a boolean.',
  );
}

/** One of `allowed`, or a ConfigError with the nearest as a guess. */
export function oneOf<T extends string>(value: unknown, allowed: readonly T[], path: string): T {
  const found = allowed.find((item) => item === value);
  if (found !== undefined) return found;
  const guess = typeof value === 'string' ? closest(value, allowed) : undefined;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    value === undefined ? 'it is mandatory' : `${describe(value)} is not a choice`,
    guess === undefined ? `Allowed: ${allowed.join(', ')}.` : `Did you mean '${guess}'?`,
  );
}

/** Names what may be a secret for a message: by its type alone. */
export function describeSecret(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string';
  if (typeof value === 'number' || typeof value === 'bigint') return `a ${typeof value}`;
  return typeof value === 'symbol' ? 'a symbol' : describe(value);
}

/** Longer than any path (PATH_MAX of Linux). */
const longestPath = 4096;

/**
 * Whether somebody gave what is in a file where its path belongs, as `{ keyFile: process.env.KEY }` does: an error that
 * names such a path would print the key. PEM, base64 of PEM or of DER, and what is too long for a path.
 */
export const looksLikeContent = (value: unknown): boolean =>
  typeof value === 'string' &&
  (value.length > longestPath || /[\r\n]|-----BEGIN/.test(value) || base64OfContent.test(value));

/** `LS0tLS1` are five hyphens, `MA` to `MP` begins a DER SEQUENCE; an Ed25519 key in PKCS#8 has 64 characters. */
const base64OfContent = /^(?:LS0tLS1|M[A-P])[\w+/=-]{40,}$/;

/** Names a value for a message; a long one is not printed. What may be a secret: `describeSecret`. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (ArrayBuffer.isView(value)) return value.byteLength === 0 ? 'an empty buffer' : 'a buffer';
  if (typeof value === 'string')
    return value === '' ? 'an empty string' : value.length <= 40 ? `'${value}'` : 'a long string';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/** The candidate within two edits of `word`, letter case aside. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const target = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of candidates) {
    const distance = editDistance(target, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
