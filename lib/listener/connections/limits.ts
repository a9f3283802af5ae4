import { type AddressTest, readAddresses } from '../../addresses.ts';
import { ConfigError } from '../../errors.ts';
import { checkKeys, oneOf, wholeNumber } from '../../options.ts';

/**
 * How long a client may take, in milliseconds, and how many may come. Whom they cut is told by `portcullis:drop`.
 * An address is one of IPv4, or a /64 of IPv6.
 */
export interface Limits {
  /** From the connection to the end of the handshake; 10 s by default. */
  readonly handshakeTimeout: number;
  /** For the head of a request; 10 s by default. */
  readonly headersTimeout: number;
  /** For a whole request, its body included; 5 min by default. */
  readonly requestTimeout: number;
  /** Between two requests; 60 s by default. */
  readonly keepAliveTimeout: number;
  /**
   * How long a client may take nothing of an answer; one that takes little by little is not cut, where that is at
   * least 32 KiB for each stream of HTTP/2 whose session moves otherwise. 60 s by default.
   */
  readonly sendTimeout: number;
  /**
   * In all; 20,000 by default. Shortly before, handshakes that take longer than a second, and then the longest idle
   * connections, make room (`EVICTED`); what comes beyond it is refused.
   */
  readonly maxConnections: number;
  /** Connections of one address; 5,000 by default: a company, or a carrier's NAT, is one address. */
  readonly connectionsPerAddress: number;
  /** Of these, handshakes that have not ended; 1,000 by default. A good one takes less than a second. */
  readonly handshakesPerAddress: number;
  /** Handshakes that have not ended, in all; 4,000 by default. One more ends the oldest. */
  readonly pendingHandshakes: number;
  /**
   * Addresses and CIDRs of load balancers and proxies (`['10.0.0.0/8']`), whose connections count only in all: one
   * that stands before us is one address for all its clients. None by default.
   */
  readonly exemptAddresses: readonly string[];
}

/** Of them, the numbers. */
export type LimitName = Exclude<keyof Limits, 'exemptAddresses'>;

/** What `dangerouslyUnlimited` may name. */
export type UnlimitedName = Exclude<LimitName, 'handshakeTimeout'>;

/** The limits, read. 0: without. */
export interface CheckedLimits extends Limits {
  /** Whether an address is one of `exemptAddresses`. */
  readonly isExempt: AddressTest;
}

const defaults: Readonly<Record<LimitName, number>> = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 60_000,
  sendTimeout: 60_000,
  maxConnections: 20_000,
  connectionsPerAddress: 5_000,
  handshakesPerAddress: 1_000,
  pendingHandshakes: 4_000,
};

/** Numbers of connections; the others are times. */
const counts: ReadonlySet<LimitName> = new Set([
  'maxConnections',
  'connectionsPerAddress',
  'handshakesPerAddress',
  'pendingHandshakes',
]);
const names = Object.keys(defaults) as LimitName[];
const day = 86_400_000;

/**
 * Reads `limits`, and the names among them that `node:https` has at the top level. Each is finite: 0 or Infinity,
 * which Node takes for "never", needs `dangerouslyUnlimited: [name]`.
 */
export function readLimits(options: Readonly<Record<string, unknown>>): CheckedLimits {
  const nested = options['limits'] ?? {};
  checkKeys(nested, [...names, 'exemptAddresses'], 'limits');
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
  const { exemptAddresses = [] } = nested as Partial<Limits>;
  const isExempt = readAddresses(
    exemptAddresses,
    'limits.exemptAddresses',
    "If that is meant: dangerouslyUnlimited: ['connectionsPerAddress', 'handshakesPerAddress'].",
  );
  return Object.freeze({ ...limits, exemptAddresses: Object.freeze([...exemptAddresses]), isExempt });
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
      counts.has(name)
        ? 'without a limit one client can take all that the server has'
        : 'without a limit one client can hold a connection for ever',
      name === 'handshakeTimeout'
        ? 'Give it in milliseconds.'
        : `If that is meant: dangerouslyUnlimited: ['${name}'].`,
    );
  }
  return wholeNumber(
    value,
    path,
    counts.has(name) ? 'connections' : 'milliseconds',
    1,
    counts.has(name) ? 10_000_000 : day,
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
