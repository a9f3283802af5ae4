import { ConfigError } from '../errors.ts';
import { keyTypeOf, type KeyPair } from './key-pair.ts';
import { dnsNames, normalName, servedNames, wildcardOf } from './server-names.ts';

/** The key pairs of one entry of `certificate` each; the first entry is the default. */
export type CertificateGroups = ReadonlyArray<readonly KeyPair[]>;

/**
 * Which certificates a client is shown, by the name that it asks for (SNI, RFC 6066 3). The names are those of the
 * certificates themselves: the DNS names of the subjectAltName, a wildcard for one label only, and behind any exact
 * name. Several entries may cover a name: of each key type the first one is served, so that RSA and ECDSA may stand in
 * entries of their own. Immutable.
 */
export class CertificateChoice {
  /** As they were given. */
  readonly groups: CertificateGroups;
  /** For clients that ask for no name, and, unless they are refused, for a name that nobody has. */
  readonly default: readonly KeyPair[];
  /** Every DNS name and IP address that is served, in lower case; wildcards as they stand. */
  readonly names: readonly string[];
  readonly #byName: ReadonlyMap<string, readonly KeyPair[]>;

  /**
   * ConfigErrors: `CERTIFICATE_MISSING` without any group, or for an empty one, `CERTIFICATE_INVALID` for one behind
   * the first that names no server, `OPTION_CONFLICT` for one that is never served as all its names are taken.
   */
  constructor(groups: CertificateGroups) {
    this.groups = Object.freeze([...groups]);
    this.default = defaultOf(groups);
    const byName = collect(groups);
    for (const group of groups.slice(1)) checkServed(group, byName);
    this.#byName = new Map([...byName].map(([name, types]) => [name, this.#inOrder([...types.values()])]));
    this.names = Object.freeze([...byName.keys()]);
  }

  /**
   * The key pairs for a name, at most one of a key type; `default` itself where those are the same. Undefined for a
   * name that no certificate has. Letter case and one trailing dot do not count; an IDNA name is compared as its
   * A-labels (`xn--…`), as clients send it.
   */
  choose(serverName: string): readonly KeyPair[] | undefined {
    const name = normalName(serverName);
    // Nobody is called '*.example.org', though a certificate says so.
    if (name.includes('*')) return undefined;
    const wildcard = wildcardOf(name);
    return this.#byName.get(name) ?? (wildcard === undefined ? undefined : this.#byName.get(wildcard));
  }

  /** Each list that `choose` may give, once. */
  get lists(): ReadonlySet<readonly KeyPair[]> {
    return new Set(this.#byName.values());
  }

  #inOrder(pairs: readonly KeyPair[]): readonly KeyPair[] {
    // Nothing to choose: a single entry is served whole, as key and cert always were, though its names may differ.
    if (this.groups.length === 1) return this.default;
    const same = pairs.length === this.default.length && pairs.every((pair) => this.default.includes(pair));
    return same ? this.default : Object.freeze(pairs);
  }
}

type ByType = ReadonlyMap<string, KeyPair>;

/** Of each name and key type the first pair. */
function collect(groups: CertificateGroups): ReadonlyMap<string, ByType> {
  const byName = new Map<string, Map<string, KeyPair>>();
  for (const pair of groups.flat()) {
    for (const name of servedNames(pair.leaf)) {
      const types = byName.get(name) ?? new Map<string, KeyPair>();
      const type = keyTypeOf(pair);
      if (!types.has(type)) types.set(type, pair);
      byName.set(name, types);
    }
  }
  return byName;
}

function defaultOf(groups: CertificateGroups): readonly KeyPair[] {
  const [first] = groups;
  if (first !== undefined && groups.every((group) => group.length > 0)) return first;
  throw new ConfigError(
    'CERTIFICATE_MISSING',
    'certificate',
    'an entry without any certificate',
    'Give each entry a certificate with its key.',
  );
}

function checkServed(group: readonly KeyPair[], byName: ReadonlyMap<string, ByType>): void {
  const names = group.flatMap((pair) => dnsNames(pair.leaf).map((name) => ({ name, pair })));
  const path = group[0]?.path ?? 'certificate';
  if (names.length === 0) {
    throw new ConfigError(
      'CERTIFICATE_INVALID',
      path,
      'its subjectAltName has no DNS name, so no client would be shown it',
      'Give a certificate with DNS names, or put it first, to be the default.',
    );
  }
  if (names.some(({ name, pair }) => byName.get(name)?.get(keyTypeOf(pair)) === pair)) return;
  throw new ConfigError(
    'OPTION_CONFLICT',
    path,
    `certificates before it, with keys of the same type, have all its names (${names[0]?.name}, …)`,
    'Leave one of them out, or put this one first.',
  );
}
