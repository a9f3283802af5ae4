import { isPlainObject } from '../options.ts';

/** Whoever gives a key as octets may wipe them later, as is good custom: no copy of them is made. */
const secrets: ReadonlySet<string> = new Set(['key', 'pfx']);

/**
 * The options, with their lists, objects and octets, as they are now: they are read again by each reload, and what the
 * caller does to theirs meanwhile changes nothing. What is no plain object is left for the reader to refuse.
 */
export function ownCopy(options: unknown): unknown {
  if (!isPlainObject(options)) return options;
  return mapValues(options, (value, name) => copyOf(value, !secrets.has(name)));
}

function copyOf(value: unknown, withOctets: boolean): unknown {
  const copy = (item: unknown): unknown => copyOf(item, withOctets);
  // Not map(), which skips the holes of an array.
  if (Array.isArray(value)) return Array.from(value, copy);
  if (ArrayBuffer.isView(value))
    return withOctets
      ? Buffer.from(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength))
      : value;
  return isPlainObject(value) ? mapValues(value, copy) : value;
}

const mapValues = (from: object, map: (value: unknown, name: string) => unknown): object =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, map(value, name)]));
