import { normalizeHost } from '../../connection/index.ts';
import { parseUrl } from '../../url.ts';

/** A host in the form in which two of them compare: lower case, no trailing dot, no brackets. */
export interface RedirectHost {
  readonly name: string;
  readonly address: boolean;
}

/** The host of `name[:port]`, `1.2.3.4[:port]` or `[v6][:port]`, if a URL would carry it as it stands. */
export function readAuthority(authority: string): RedirectHost | undefined {
  const host = normalizeHost(authority);
  if (host === undefined || authority.startsWith('[') !== host.name.includes(':')) return undefined;
  const port = /:([0-9]+)$/.exec(authority)?.[1];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  const written = hostInUrl(host.name);
  // Browsers take '2130706433' and '0x7f.1' for addresses, and refuse 'a.1' and broken punycode (WHATWG URL 3.5).
  return parseUrl(`https://${written}`)?.hostname === written ? host : undefined;
}

/** A name or address as a URL has it. */
export const hostInUrl = (name: string): string => (name.includes(':') ? `[${name}]` : name);

/** A name that a certificate or an option lists: a host without a port, or '*.' and a parent. */
export interface ListedName {
  readonly name: string;
  readonly wildcard: boolean;
}

export function readListedName(text: string): ListedName | undefined {
  const wildcard = text.startsWith('*.');
  const rest = wildcard ? text.slice(2) : text;
  const authority = rest.includes(':') && !rest.startsWith('[') ? `[${rest}]` : rest;
  if (authority.startsWith('[') && !authority.endsWith(']')) return undefined;
  const host = readAuthority(authority);
  if (host === undefined || (wildcard && host.address)) return undefined;
  return { name: host.name, wildcard };
}

/** Names to which a redirect may lead. What is no name (a certificate may hold anything) is left out. */
export class HostNames {
  readonly #exact = new Set<string>();
  readonly #parents = new Set<string>();

  constructor(names: readonly string[]) {
    for (const text of names) {
      const listed = readListedName(text);
      if (listed !== undefined) (listed.wildcard ? this.#parents : this.#exact).add(listed.name);
    }
  }

  /** Exactly, or by a wildcard that stands for one whole label (RFC 9525 6.3). */
  has({ name, address }: RedirectHost): boolean {
    if (this.#exact.has(name)) return true;
    const dot = name.indexOf('.');
    return !address && dot > 0 && dot <= 63 && this.#parents.has(name.slice(dot + 1));
  }
}
