import type { AgentOptions } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { ConfigError } from '../errors.ts';
import { describe, flag, oneOf, wholeNumber } from '../options.ts';
import type { TlsClientOptions } from './options.ts';

/** What `createAgent` takes: who is believed, how connections are pooled, and by which way they go, as in `https.Agent`. */
export interface TlsAgentOptions extends TlsClientOptions {
  /** Default `true`, as in Node's global agent. */
  readonly keepAlive?: boolean | undefined;
  /** The delay of TCP's keep-alive probes, in milliseconds; 1000 by default. */
  readonly keepAliveMsecs?: number | undefined;
  /** Connections to one server; unlimited by default. */
  readonly maxSockets?: number | undefined;
  /** Connections in all; unlimited by default. */
  readonly maxTotalSockets?: number | undefined;
  /** Idle connections to one server that are kept; 256 by default. */
  readonly maxFreeSockets?: number | undefined;
  /** Which idle connection is used first: the newest (`lifo`, the default) or the oldest. */
  readonly scheduling?: 'fifo' | 'lifo' | undefined;
  /** Of a socket without traffic, in milliseconds; 0, the default: none. */
  readonly timeout?: number | undefined;
  /** In place of `dns.lookup`. */
  readonly lookup?: LookupFunction | undefined;
  /** Of the address: 4, 6, or 0 for both, the default. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** Of `dns.lookup`. */
  readonly hints?: number | undefined;
  /** The address of this machine from which connections go. */
  readonly localAddress?: string | undefined;
  /** Whether IPv6 and IPv4 are tried side by side (RFC 8305); default: Node's. */
  readonly autoSelectFamily?: boolean | undefined;
  /** In milliseconds. */
  readonly autoSelectFamilyAttemptTimeout?: number | undefined;
  /** Without Nagle's algorithm (`TCP_NODELAY`); default: Node's. */
  readonly noDelay?: boolean | undefined;
}

type Given = Readonly<Record<string, unknown>>;
type Reader = (value: unknown, name: string) => unknown;

const most = 2 ** 31 - 1;
const number =
  (unit: string, min: number, max: number = most): Reader =>
  (value, name) =>
    wholeNumber(value, name, unit, min, max);
const sockets =
  (min: number): Reader =>
  (value, name) =>
    value === Infinity ? value : wholeNumber(value, name, 'sockets', min, most);
const boolean: Reader = (value, name) => flag(value, name, false);

/** Node would take a text for a limit, and none for it. */
const readers = {
  autoSelectFamily: boolean,
  autoSelectFamilyAttemptTimeout: number('milliseconds', 10),
  family: (value, name) => {
    if (value === 0 || value === 4 || value === 6) return value;
    throw new ConfigError('OPTION_INVALID', name, `got ${describe(value)}`, 'Give 4, 6, or 0 for both.');
  },
  hints: number('flags', 0),
  keepAlive: boolean,
  keepAliveMsecs: number('milliseconds', 1),
  localAddress: (value, name) => {
    if (typeof value === 'string' && isIP(value) !== 0) return value;
    throw new ConfigError('OPTION_INVALID', name, `got ${describe(value)}`, 'Give an IP address.');
  },
  lookup: (value, name) => {
    if (typeof value === 'function') return value;
    throw new ConfigError(
      'OPTION_INVALID',
      name,
      `got ${describe(value)}`,
      'Give a function as `dns.lookup`.',
    );
  },
  maxFreeSockets: sockets(0),
  maxSockets: sockets(1),
  maxTotalSockets: sockets(1),
  noDelay: boolean,
  scheduling: (value, name) => oneOf(value, ['fifo', 'lifo'], name),
  timeout: number('milliseconds', 0),
} as const satisfies Readonly<Record<string, Reader>>;

/** Of `TlsAgentOptions`, beside `TlsClientOptions`. */
export const agentKeys: readonly string[] = Object.keys(readers);

/** For Node's own agent. ConfigErrors `OPTION_INVALID`. */
export const readAgentOptions = (given: Given): AgentOptions => ({
  keepAlive: true,
  ...Object.fromEntries(
    Object.entries<Reader>(readers).flatMap(([name, read]) =>
      given[name] === undefined ? [] : [[name, read(given[name], name)]],
    ),
  ),
});
