import type { ClientCertificate } from '../connection/index.ts';
import { type Match, matchAny } from './match.ts';
import { matchAddress, readRange } from './names/address.ts';
import { matchDns, readDnsPattern } from './names/dns.ts';
import { matchEmail, readMailbox } from './names/email.ts';
import { matchUri, readUri } from './names/uri.ts';
import { matchRule } from './pure-rule.ts';
import type { Rule } from './rule.ts';
import { readValues, type Values } from './rule-error.ts';
import { quoteAll } from './wording.ts';

type Kind = keyof ClientCertificate['subjectAltNames'];

/** What each of these names is to a pattern. */
type Matchers<T> = (names: readonly string[]) => ReadonlyArray<(wanted: T) => Match>;

/** Reads the names of a certificate once, however many rules ask: there may be thousands, and a URI takes 2 µs. */
function readOnce<T>(match: (seen: string) => (wanted: T) => Match): Matchers<T> {
  const known = new WeakMap<readonly string[], ReturnType<Matchers<T>>>();
  return (names) => {
    let matchers = known.get(names);
    if (matchers === undefined) known.set(names, (matchers = names.map(match)));
    return matchers;
  };
}

const matchers = {
  dns: readOnce(matchDns),
  email: readOnce(matchEmail),
  uri: readOnce(matchUri),
  ip: readOnce(matchAddress),
} as const;

function altNameRule<T>(
  kind: Kind,
  values: Values,
  read: (value: string, path: string) => T,
  matchersOf: Matchers<T>,
  remedy: string,
): Rule {
  const path = `san.${kind}`;
  const wanted = readValues(values, path, remedy, read);
  const words = quoteAll(values.flat());
  return matchRule({
    name: `${path}(${words})`,
    match: ({ subjectAltNames }) =>
      matchAny(matchersOf(subjectAltNames[kind]), (match) => matchAny(wanted, match)),
    expected: `a ${kind} name ${words}`,
    seen: ({ subjectAltNames }) => quoteAll(subjectAltNames[kind]),
  });
}

/**
 * Clients by their subject alternative names (RFC 5280 4.2.1.6), by type and from the DER; the common name is never
 * asked. Of several values one has to do, and of several names in the certificate too. A wildcard, or anything that is
 * no valid name, is never a match where it stands in the certificate. A ConfigError `RULE_INVALID` for a value that
 * can match nothing, or that would match everything.
 */
export interface SanRules {
  /**
   * A DNS name, without regard to case; `*.example.org` stands for one label more than `example.org`, and no other.
   * `bücher.example` is compared in its A-label form (RFC 5280 7.2), a dot at its end does not count.
   */
  readonly dns: (...patterns: Values) => Rule;
  /** A mail address: the local part exactly, the domain as a DNS name (RFC 5280 7.5). No wildcards. */
  readonly email: (...addresses: Values) => Rule;
  /**
   * A URI: scheme and host without regard to case, all else exactly (RFC 5280 7.4). No wildcards, and nothing is
   * decoded or resolved. For SPIFFE IDs see `spiffe`.
   */
  readonly uri: (...uris: Values) => Rule;
  /** An address, or a range in CIDR notation. An IPv4 address that is written as one of IPv6 is none. */
  readonly ip: (...ranges: Values) => Rule;
}

/** Rules over the subject alternative names, typed, as they are in the certificate (RFC 5280 4.2.1.6): never the CN. */
export const san: SanRules = Object.freeze({
  dns: (...patterns: Values): Rule =>
    altNameRule(
      'dns',
      patterns,
      readDnsPattern,
      matchers.dns,
      "Give a name, 'a.example.org', or '*.example.org'.",
    ),
  email: (...addresses: Values): Rule =>
    altNameRule('email', addresses, readMailbox, matchers.email, "Give an address, 'ops@example.org'."),
  uri: (...uris: Values): Rule =>
    altNameRule('uri', uris, readUri, matchers.uri, "Give an absolute URI, 'https://example.org/clients/a'."),
  ip: (...ranges: Values): Rule =>
    altNameRule('ip', ranges, readRange, matchers.ip, "Give an address or a range: '10.0.0.0/8'."),
});
