import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { ConfigError } from '../../errors.ts';
import { describe } from '../../options.ts';
import { Denials } from './denials.ts';
import { type Denial, type DeniedCertificate, type DenyListEntry, readEntry } from './entry.ts';

/** One entry, or several. */
export type DenyListEntries = DenyListEntry | readonly DenyListEntry[];

/** What `clientAuth.denyList` takes, beside an array of entries. */
export interface AnyDenyList {
  /** Entries that count now. */
  readonly size: number;
  /** Whether it has this very entry; details do not matter. That a certificate is denied, a request tells. */
  has(entry: DenyListEntry): boolean;
  /** Those that count now, frozen; safe to give to `JSON.stringify`. */
  entries(): readonly DeniedCertificate[];
}

/** The list of one process. Each change counts from the next request on, on open connections too. */
export interface DenyList extends AnyDenyList {
  /**
   * Adds all, or throws a ConfigError (`PIN_INVALID`, `OPTION_…`) and adds none. An entry that denies the same as one
   * before takes its place, with its `reason` and `until`.
   */
  add(...entries: readonly DenyListEntries[]): void;
  /** Removes those that deny the same; how many there were. ConfigErrors as `add`. */
  remove(...entries: readonly DenyListEntries[]): number;
  /** Removes all. */
  clear(): void;
}

const known = new WeakMap<object, Denials>();

/** @internal What connections ask, of a list that this package has made. */
export const denialsOf = (list: unknown): Denials | undefined =>
  typeof list === 'object' && list !== null ? known.get(list) : undefined;

/** @internal Makes an object a list. */
export const noteDenials = (list: AnyDenyList, denials: Denials): void => void known.set(list, denials);

/**
 * Client certificates that are refused at once, whatever their CA says: for the hour in which a key has leaked and no
 * CRL is out yet. In the memory of this process; to share one, see `redisDenyList` in `portcullis/redis`.
 *
 * An entry denies whoever it names, and everybody below where it names a CA. ConfigErrors: `PIN_INVALID`, `OPTION_…`.
 *
 * @example
 * const list = denyList();
 * createServer({ key, cert, clientAuth: { mode: 'optional', ca, denyList: list } }, app);
 * list.add({ fingerprint256: 'AB:CD:…', reason: 'laptop stolen, INC-17', until: '2026-12-31T00:00:00Z' });
 */
export function denyList(entries: DenyListEntries = []): DenyList {
  return makeDenyList(entries, 'denyList');
}

/** @internal With a clock and a limit for tests. */
export function makeDenyList(
  entries: DenyListEntries,
  path: string,
  clock?: Clock,
  limit?: number,
): DenyList {
  const denials = new Denials('memory', clock, undefined, limit);
  const list: DenyList = {
    get size() {
      return denials.size;
    },
    has: (entry) => denials.has(readEntry(entry, 'has').key),
    entries: () => denials.entries,
    add(...given) {
      denials.change(readAdditions(denials, given.flat(), 'add'), []);
    },
    remove(...given) {
      const keys = new Set(readAll(given.flat(), 'remove').map(({ key }) => key));
      const there = [...keys].filter((key) => denials.has(key));
      denials.change([], there);
      return there.length;
    },
    clear: () => denials.change([], denials.keys),
  };
  noteDenials(Object.freeze(list), denials);
  denials.change(readAdditions(denials, isList(entries) ? entries : [entries], path), []);
  return list;
}

const isList = (entries: DenyListEntries): entries is readonly DenyListEntry[] => Array.isArray(entries);

/** Reads entries, or throws a ConfigError with the place of the first that is none. */
export function readAll(entries: readonly unknown[], path: string): readonly Denial[] {
  // Not map(), which skips the holes of an array.
  return Array.from(entries, (entry, index) => readEntry(entry, `${path}[${index}]`));
}

/** The same where there is room for them. */
export function readAdditions(
  denials: Denials,
  entries: readonly unknown[],
  path: string,
): readonly Denial[] {
  const read = readAll(entries, path);
  const more = new Set(read.map(({ key }) => key).filter((key) => !denials.has(key))).size;
  if (denials.size + more <= denials.limit) return read;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `there would be more than ${denials.limit} entries`,
    'Deny their CA, or publish a CRL.',
  );
}

/** Reads `clientAuth.denyList`. ConfigErrors as `denyList`, and `OPTION_INVALID` for what is neither list nor array. */
export function readDenyList(option: unknown, path: string): Denials | undefined {
  if (option === undefined) return undefined;
  const denials = Array.isArray(option) ? fixedList(option, path) : denialsOf(option);
  if (denials !== undefined) return denials;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `got ${describe(option)}`,
    "Give denyList(), redisDenyList() of 'portcullis/redis', or an array of entries.",
  );
}

/** Known by its content: a reload that reads the same array again changes nothing. */
function fixedList(entries: readonly DenyListEntry[], path: string): Denials {
  const denials = denialsOf(makeDenyList(entries, path))!;
  const content = createHash('sha256').update(JSON.stringify(denials.entries));
  denials.identity = `array ${content.digest('hex')}`;
  return denials;
}
