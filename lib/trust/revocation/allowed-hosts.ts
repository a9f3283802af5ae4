import { isIPv6 } from 'node:net';
import { ConfigError } from '../../errors.ts';
import { describe } from '../../options.ts';
import { parseUrl } from '../../url.ts';

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
/** A URL in a certificate is the CA's to write; whatever is longer is nobody's address. */
const longestUrl = 2048;

/**
 * The hosts that may be asked, exactly as they are listed: `crl.example.org` is that name at the ports of http and
 * https, `crl.example.org:8080` that port alone. No wildcard, no suffix, no part of a name.
 */
export class AllowedHosts {
  /** As they were given, for messages. */
  readonly hosts: readonly string[];
  readonly #origins: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;

  constructor(hosts: readonly string[]) {
    this.hosts = hosts;
    const entries = hosts.map((host) => readEntry(host)!);
    this.#origins = new Set(entries.flatMap(originsOf));
    this.#names = new Set(entries.map(({ name }) => name));
  }

  /** The URL in its canonical form where it may be asked; undefined where it is none, or leads elsewhere. */
  allowed(text: string): string | undefined {
    const url = text.length > longestUrl ? undefined : parseUrl(text);
    if (url === undefined || url.username !== '' || url.password !== '') return undefined;
    url.hash = '';
    return this.#origins.has(originOf(url)) ? url.href : undefined;
  }

  /** Whether this name or address itself is listed. */
  lists(name: string): boolean {
    return this.#names.has(bare(name));
  }
}

/** Reads a list of hosts; a ConfigError `OPTION_INVALID` for what is none. */
export function readHosts(value: unknown, path: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      value === undefined ? 'it is mandatory' : `expected a list of host names, got ${describe(value)}`,
      'Name each host that may be asked, as crl.example.org or crl.example.org:8080.',
    );
  // Not map(), which skips the holes of an array.
  return Object.freeze(Array.from(value as unknown[], (host, index) => checkHost(host, `${path}[${index}]`)));
}

function checkHost(host: unknown, path: string): string {
  if (typeof host === 'string' && readEntry(host) !== undefined) return host;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `${describe(host)} is no host`,
    typeof host === 'string' && host.includes('*')
      ? 'There are no wildcards: name each host.'
      : 'Give a name or an address, and a port only where it is not that of the scheme: no scheme, no path.',
  );
}

interface Entry {
  readonly name: string;
  /** Undefined: those of the schemes. */
  readonly port: string | undefined;
}

function readEntry(text: string): Entry | undefined {
  if (isIPv6(text)) return readEntry(`[${text}]`);
  const [, host = '', port] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@\\*%[\]]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const url = host === '' ? undefined : parseUrl(`http://${host}/`);
  if (url === undefined) return undefined;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  return { name: bare(url.hostname), port: port && String(Number(port)) };
}

const originsOf = ({ name, port }: Entry): string[] =>
  Object.entries(defaultPorts).map(([scheme, usual]) => `${scheme}${name} ${port ?? usual}`);

const originOf = ({ protocol, hostname, port }: URL): string =>
  `${protocol}${bare(hostname)} ${port === '' ? (defaultPorts[protocol] ?? '') : port}`;

const bare = (name: string): string => name.replace(/^\[|\]$/g, '');
