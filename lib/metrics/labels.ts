/** What stands for all values that are none of the known ones, or come after the table is full. */
export const other = 'other';
/** What was not negotiated, not known, or does not apply. */
export const none = 'none';

/** Gives a value of an event its place among a bounded number of label values. */
export type Label = (value: unknown) => string;

/** One of these, or `other`. */
export function oneOfThem(values: Iterable<string>): Label {
  const known = new Set(values);
  return (value) => (value === undefined ? none : known.has(value as string) ? (value as string) : other);
}

/** Longer than any code, cipher, or route that this package publishes. */
const longest = 256;

/**
 * The first `limit` values of this `form`, and then `other`; what `reserved` knows has a place in any case. For values
 * of which nobody has a list, as OpenSSL's error codes, but which clients may choose among: without a limit they could
 * fill the memory of this process, and of Prometheus.
 */
export function firstOnes(
  limit: number,
  form: RegExp,
  reserved: (value: string) => boolean = () => false,
): Label {
  const known = new Set<string>();
  return (value) => {
    if (value === undefined) return none;
    if (typeof value !== 'string' || value.length > longest) return other;
    if (known.has(value) || reserved(value)) return value;
    if (known.size >= limit || !form.test(value)) return other;
    known.add(value);
    return value;
  };
}

/** `true` or `false`. */
export const flagLabel: Label = (value) => String(value === true);
