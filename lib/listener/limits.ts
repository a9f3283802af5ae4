import { ConfigError } from '../errors.ts';
import { checkKeys, oneOf, wholeNumber } from '../options.ts';

/** How long a client may take, in milliseconds, and how many may come. */
export interface Limits {
  readonly handshakeTimeout: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly maxConnections: number;
}

type LimitName = keyof Limits;

const defaults: Limits = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 60_000,
  maxConnections: 20_000,
};

const names = Object.keys(defaults) as LimitName[];
const day = 86_400_000;

/**
 * Reads `limits`, and the names among them that `node:https` has at the top level. Each is finite: 0 or Infinity,
 * which Node takes for "never", needs `dangerouslyUnlimited: [name]`.
 */
export function readLimits(options: Readonly<Record<string, unknown>>): Limits {
  const nested = options['limits'] ?? {};
  checkKeys(nested, names, 'limits');
  const unlimited = readUnlimited(options['dangerouslyUnlimited']);
  const entries = names.map((name): [LimitName, number] => {
    const inLimits = (nested as Record<string, unknown>)[name];
    if (inLimits !== undefined && options[name] !== undefined) {
      throw new ConfigError(
        'OPTION_CONFLICT',
        name,
        `it is given here and in limits.${name}`,
        'Give it once.',
      );
    }
    const [value, path] = inLimits === undefined ? [options[name], name] : [inLimits, `limits.${name}`];
    return [name, readLimit(name, value, path, unlimited)];
  });
  const limits = Object.fromEntries(entries) as Record<LimitName, number>;
  const headersGiven = (nested as Partial<Limits>).headersTimeout ?? options['headersTimeout'];
  if (headersGiven === undefined && limits.requestTimeout !== 0)
    limits.headersTimeout = Math.min(limits.headersTimeout, limits.requestTimeout);
  if (limits.requestTimeout !== 0 && limits.headersTimeout > limits.requestTimeout) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'limits.headersTimeout',
      'it is longer than requestTimeout',
      'A request begins with its headers: give it no more time than the whole.',
    );
  }
  return Object.freeze(limits);
}

function readLimit(name: LimitName, value: unknown, path: string, unlimited: readonly LimitName[]): number {
  if (unlimited.includes(name)) {
    if (value === undefined) return 0;
    throw new ConfigError(
      'OPTION_CONFLICT',
      path,
      'it is limited here and unlimited by dangerouslyUnlimited',
      'Choose one.',
    );
  }
  if (value === undefined) return defaults[name];
  if (value === 0 || value === Infinity) {
    throw new ConfigError(
      'OPTION_WEAKENS',
      path,
      'without a limit one client can hold a connection for ever',
      name === 'handshakeTimeout'
        ? 'Give it in milliseconds.'
        : `If that is meant: dangerouslyUnlimited: ['${name}'].`,
    );
  }
  return wholeNumber(
    value,
    path,
    name === 'maxConnections' ? 'connections' : 'milliseconds',
    1,
    name === 'maxConnections' ? 10_000_000 : day,
  );
}

function readUnlimited(value: unknown): readonly LimitName[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw new ConfigError(
      'OPTION_INVALID',
      'dangerouslyUnlimited',
      'expected a list of names',
      `Choose from: ${names.join(', ')}.`,
    );
  }
  return Array.from(value, (item, index) =>
    oneOf(
      item,
      names.filter((name) => name !== 'handshakeTimeout'),
      `dangerouslyUnlimited[${index}]`,
    ),
  );
}
