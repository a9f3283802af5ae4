import { isIPv4 } from 'node:net';
import { canonicalAddress } from '../x509/extensions.ts';

/** What a request says of the host it is for. */
export interface RequestTarget {
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  /** The request target, whose absolute form names a host of its own and outranks `Host` (RFC 9112 3.2.2). */
  readonly url?: string | undefined;
}

const isHostLine = (name: string): boolean =>
  (name.length === 4 && name.toLowerCase() === 'host') || name === ':authority';

/** The values of all `Host` (or `:authority`) lines. */
export function hostLines({ rawHeaders }: RequestTarget): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isHostLine(rawHeaders[index]!)) values.push(rawHeaders[index + 1]!);
  }
  return values;
}

/** The value of the only such line, of a request that names no other host by its target. */
function soleHost({ rawHeaders, url }: RequestTarget): string | undefined {
  if (url !== undefined && !url.startsWith('/')) return undefined;
  let host: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!isHostLine(rawHeaders[index]!)) continue;
    if (host !== undefined) return undefined;
    host = rawHeaders[index + 1];
  }
  return host;
}

/**
 * `hostMismatch` for the requests of one connection. The Host that was found right last is remembered, as a client
 * sends the same with every request.
 */
export class HostCheck {
  readonly #serverName: string | undefined;
  readonly #isUnclear: boolean;
  #right: string | undefined;

  /** `isUnclear`: whether another host's trust may have judged the client, by the spelling of the name. */
  constructor(serverName: string | undefined, isUnclear: boolean) {
    this.#serverName = serverName;
    this.#isUnclear = isUnclear;
  }

  mismatch(target: RequestTarget): string | undefined {
    if (this.#isUnclear)
      return 'the SNI is not in its plain form, and another context may have judged the client';
    const host = soleHost(target);
    if (host !== undefined && host === this.#right) return undefined;
    const mismatch = hostMismatch(this.#serverName, target);
    if (mismatch === undefined) this.#right = host;
    return mismatch;
  }
}

/**
 * Why a request does not belong on a connection that was opened for `serverName` (RFC 9110 7.4), or undefined.
 * Both must name the same host, letter case, port and one trailing dot aside; a wildcard certificate widens nothing,
 * as routes may trust different clients on names that one certificate covers.
 * Clients send no SNI for an address (RFC 6066 3): without SNI the request may name an address, or nothing.
 */
export function hostMismatch(serverName: string | undefined, target: RequestTarget): string | undefined {
  const hosts = hostLines(target);
  if (hosts.length > 1) return `${hosts.length} Host lines`;
  const absolute = absoluteAuthority(target.url);
  const named = absolute === undefined ? hosts : [...hosts, absolute];
  if (named.length === 0) {
    return serverName === undefined ? undefined : `no Host on a connection for '${serverName}'`;
  }
  for (const authority of named) {
    const host = normalizeHost(authority);
    if (host === undefined) return `'${authority}' names no host`;
    if (serverName === undefined ? !host.address : host.name !== serverName) {
      return `the request names '${host.name}', the connection was opened for ${serverName === undefined ? 'no name' : `'${serverName}'`}`;
    }
  }
  return undefined;
}

interface Host {
  readonly name: string;
  readonly address: boolean;
}

/** `name[:port]`, `1.2.3.4[:port]` or `[v6][:port]` (RFC 3986 3.2.2), in the form in which two of them compare. */
export function normalizeHost(authority: string): Host | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::[0-9]{0,5})?$/.exec(authority);
  if (match === null) return undefined;
  const [, v6, other] = match;
  if (v6 !== undefined) {
    const name = canonicalAddress(v6);
    return name === undefined ? undefined : { name, address: true };
  }
  const name = normalizeName(other!);
  if (name.split('.').includes('')) return undefined;
  return { name, address: isIPv4(name) };
}

/** Lower case, without one trailing dot. */
export function normalizeName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

function absoluteAuthority(url: string | undefined): string | undefined {
  if (url === undefined || url.startsWith('/') || url === '*') return undefined;
  // Userinfo is left in, so that it names no host: it is there to deceive (RFC 9110 4.2.4).
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(url)?.[1];
}

/** Whether a Host names this machine: localhost and its subdomains (RFC 6761 6.3), or a loopback address. */
export function isLocalHost(authority: string | undefined): boolean {
  const host = authority === undefined ? undefined : normalizeHost(authority);
  if (host === undefined) return false;
  const { name, address } = host;
  return address
    ? name === '::1' || name.startsWith('127.')
    : name === 'localhost' || name.endsWith('.localhost');
}
