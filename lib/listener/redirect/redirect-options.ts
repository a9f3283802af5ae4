import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { ConfigError } from '../../errors.ts';
import { checkKeys, describe } from '../../options.ts';
import { type ListedName, readListedName } from './redirect-hosts.ts';

/**
 * Gives the key authorization for a token of an HTTP-01 challenge (RFC 8555 8.3), or undefined for one that is not
 * known. `host` is the name or address that is being validated: lower case, without port, trailing dot and brackets.
 */
export type AcmeChallenge = (
  token: string,
  host: string,
) => string | null | undefined | Promise<string | null | undefined>;

/** `redirect`: a plain listener that sends everybody to https. */
export interface RedirectOptions {
  /** Where it listens; usually 80, and 0 for a free one. */
  readonly port: number;
  /** The address on which it listens; that of the https listener by default. */
  readonly host?: string;
  /** Names to which it leads beside those of the certificate; '*.example.org' stands for one label. */
  readonly hosts?: readonly string[];
  /** The port of the https listener as clients see it; the one it listens on by default. */
  readonly httpsPort?: number;
  /** Answers `/.well-known/acme-challenge/TOKEN`, for every host: a CA asks before there is a certificate. */
  readonly acmeChallenge?: AcmeChallenge;
}

/** `redirect`, read and validated once. */
export interface RedirectConfig {
  readonly port: number;
  readonly host: string | undefined;
  readonly hosts: readonly string[];
  readonly httpsPort: number | undefined;
  readonly acmeChallenge: AcmeChallenge | undefined;
}

const keys = ['acmeChallenge', 'host', 'hosts', 'httpsPort', 'port'];

/** Reads `redirect`, or throws a ConfigError `OPTION_INVALID`, `OPTION_UNKNOWN`, `OPTION_CONFLICT`, `OPTION_WEAKENS`. */
export function readRedirect(option: unknown, path = 'redirect'): RedirectConfig | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, keys, path);
  const given: Readonly<Record<string, unknown>> = Object.assign(Object.create(null), option);
  const port = readPort(given['port'], `${path}.port`, 0);
  const httpsPort =
    given['httpsPort'] === undefined ? undefined : readPort(given['httpsPort'], `${path}.httpsPort`, 1);
  if (httpsPort === port) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      `${path}.httpsPort`,
      'it is the port of the redirect itself',
      'Give the port on which clients reach the https listener, or leave it out.',
    );
  }
  const acmeChallenge = given['acmeChallenge'];
  if (acmeChallenge !== undefined && typeof acmeChallenge !== 'function') {
    throw new ConfigError(
      'OPTION_INVALID',
      `${path}.acmeChallenge`,
      `expected a function, got ${describe(acmeChallenge)}`,
      'Give (token, host) => the key authorization, or undefined where the token is not known.',
    );
  }
  return Object.freeze({
    port,
    host: readListenAddress(given['host'], `${path}.host`),
    hosts: readHosts(given['hosts'], `${path}.hosts`),
    httpsPort,
    acmeChallenge: acmeChallenge as AcmeChallenge | undefined,
  });
}

function readPort(value: unknown, path: string, min: 0 | 1): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 65_535) return value;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected a port, got ${describe(value)}`,
    `Give a whole number from ${min} to 65535.`,
  );
}

function readListenAddress(value: unknown, path: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') {
    if (isIP(value) !== 0) return value;
    const listed = readListedName(value);
    if (listed?.wildcard === false && !listed.name.includes(':')) return listed.name;
  }
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected an address to listen on, got ${describe(value)}`,
    "Give one such as '127.0.0.1' or '::', or leave it out; names to redirect to belong in `hosts`.",
  );
}

function readHosts(value: unknown, path: string): readonly string[] {
  if (value === undefined) return Object.freeze([]);
  if (!Array.isArray(value)) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected a list of names, got ${describe(value)}`,
      "Give such as ['example.org', '*.example.org'].",
    );
  }
  return Object.freeze(Array.from(value, (item: unknown, index) => readListed(item, `${path}[${index}]`)));
}

function readListed(value: unknown, path: string): string {
  const listed = typeof value === 'string' ? readListedName(value) : undefined;
  if (listed === undefined) {
    throw new ConfigError('OPTION_INVALID', path, `${describe(value)} is no host name`, remedyFor(value));
  }
  if (isTooWide(listed)) {
    throw new ConfigError(
      'OPTION_WEAKENS',
      path,
      `it would redirect to any name under '${listed.name}'`,
      'Name the domain: a wildcard needs two labels behind it.',
    );
  }
  return listed.wildcard ? `*.${listed.name}` : listed.name;
}

const isTooWide = ({ name, wildcard }: ListedName): boolean => wildcard && !name.includes('.');

function remedyFor(value: unknown): string {
  const forms = "Give such as 'example.org', '*.example.org' or '2001:db8::1'.";
  if (typeof value !== 'string') return forms;
  if (value.includes('/')) return 'Give the name alone, without scheme and path.';
  if (/:\d*$/.test(value)) return 'Give the name alone; the port to redirect to is httpsPort.';
  const ascii = /[^\0-\x7f]/.test(value) ? domainToASCII(value) : '';
  if (ascii !== '') return `Give it in ASCII: '${ascii}'.`;
  if (value.includes('*'))
    return "A wildcard stands for one whole label, the first, of a name: '*.example.org'.";
  return forms;
}
