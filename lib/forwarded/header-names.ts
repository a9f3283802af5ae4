import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';
import { malformed } from './malformed.ts';

/**
 * The headers of a format. Whatever reads the same somewhere behind us counts as one of them when they are removed: CGI,
 * WSGI and many frameworks know no difference between `Client-Cert`, `Client_Cert` and `CLIENT.CERT`.
 */
export class HeaderNames {
  /** As Node writes them. */
  readonly exact: ReadonlySet<string>;
  readonly #folded: ReadonlySet<string>;
  /** Nearly every other header is told by its length. */
  readonly #lengths: ReadonlySet<number>;

  constructor(names: readonly string[]) {
    this.exact = new Set(names.map((name) => name.toLowerCase()));
    this.#folded = new Set(names.map(fold));
    this.#lengths = new Set(names.map(({ length }) => length));
  }

  /** Whether `name`, as it came, is one of them or looks like one. */
  covers(name: string): boolean {
    return this.#lengths.has(name.length) && this.#folded.has(fold(name));
  }

  /** Whether `name`, as it came, is one of them. */
  isExactly(name: string): boolean {
    return this.#lengths.has(name.length) && this.exact.has(name.toLowerCase());
  }

  /** Names and values, in turn, of those that are there by exactly their names. */
  linesIn(rawHeaders: readonly string[]): string[] {
    const lines: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2)
      if (this.isExactly(rawHeaders[index]!)) lines.push(rawHeaders[index]!, rawHeaders[index + 1]!);
    return lines;
  }

  /** The values under exactly these names, in all `max` characters or fewer; more are malformed, as is a second line. */
  valuesIn(rawHeaders: readonly string[], max: number): HeaderValues {
    const values = new Map<string, string>();
    let length = 0;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (!this.isExactly(rawHeaders[index]!)) continue;
      const name = rawHeaders[index]!.toLowerCase();
      const value = rawHeaders[index + 1]!;
      if (values.has(name)) malformed(`the header ${name} stands there twice`);
      length += value.length;
      if (length > max) malformed(`more than ${max} characters`);
      values.set(name, value);
    }
    return values;
  }
}

/** By names in lower case. */
export type HeaderValues = ReadonlyMap<string, string>;

const plain = /^[A-Za-z0-9-]*$/;

const fold = (name: string): string =>
  (plain.test(name) ? name : name.replace(/[^A-Za-z0-9]/g, '-')).toLowerCase();

/** They belong to HTTP itself, and would be removed from every request. */
const vital: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'transfer-encoding',
  'upgrade',
]);

/** The name of a header in an option (RFC 9110 5.1), in lower case, or a ConfigError `OPTION_INVALID`. */
export function readHeaderName(value: unknown, path: string): string {
  const remedy = "Give the name of a header that the proxy sets, such as 'X-SSL-Client-Cert'.";
  if (typeof value !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(value))
    throw new ConfigError('OPTION_INVALID', path, `${describe(value)} is no header's name`, remedy);
  const name = value.toLowerCase();
  if (vital.has(fold(name)))
    throw new ConfigError('OPTION_INVALID', path, `'${name}' has another meaning`, remedy);
  return name;
}
