import { isIP } from 'node:net';
import type { NameConstraintsInput, NameTreesInput } from '../../pki/index.ts';

/**
 * The names of a development root. They mean something on this machine or in this network only: RFC 6761 (localhost,
 * test), RFC 6762 (local), RFC 8375 (home.arpa), ICANN's `internal`; and addresses that the Internet does not route.
 * Whoever steals its key can be none of the sites that the user visits.
 */
export const developmentNames: Required<Pick<NameTreesInput, 'dns' | 'ip'>> = {
  dns: ['localhost', 'test', 'internal', 'home.arpa', 'local'],
  ip: [
    '127.0.0.0/8',
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '::1/128',
    'fc00::/7',
    'fe80::/10',
  ],
};

/** A name that nobody can have (RFC 6761 6.4): permitted alone, it permits nothing. */
const nothing = ['invalid'];

/**
 * Name constraints from what `--permit` was given: a domain stands for the DNS names, mail addresses and URIs of it;
 * `@example.org` and `ops@example.org` for mail alone, `spiffe://example.org` for URIs of this host, an address or a
 * range for addresses. A type of which nothing is permitted is closed: one without a constraint would be wide open.
 */
export function permittedOnly(names: readonly string[]): NameConstraintsInput {
  const trees = names.map(treeOf);
  const all = (type: keyof NameTreesInput): readonly string[] => trees.flatMap((tree) => tree[type] ?? []);
  const ip = all('ip');
  return {
    permitted: {
      dns: orNothing(all('dns')),
      email: orNothing(all('email')),
      uri: orNothing(all('uri')),
      ...(ip.length > 0 && { ip }),
    },
    ...(ip.length === 0 && { excluded: { ip: ['0.0.0.0/0', '::/0'] } }),
  };
}

const orNothing = (list: readonly string[]): readonly string[] => (list.length === 0 ? nothing : list);

function treeOf(name: string): NameTreesInput {
  const version = isIP(name);
  if (version !== 0) return { ip: [`${name}/${version === 4 ? 32 : 128}`] };
  if (/^[0-9A-Fa-f.:]+\/\d+$/.test(name)) return { ip: [name] };
  const uri = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/]*)\/?$/.exec(name);
  if (uri !== null) return { uri: [uri[1]!] };
  if (name.startsWith('@')) return { email: [name.slice(1), `.${name.slice(1)}`] };
  if (name.includes('@')) return { email: [name] };
  const domain = name.replace(/^(?:\*?\.)/, '');
  return { dns: [domain], email: [domain, `.${domain}`], uri: [domain, `.${domain}`] };
}
