import {
  type ClientCertificate,
  isPathSegment,
  isTrustDomain,
  readSpiffeId,
  type SpiffeId,
} from '../connection/index.ts';
import { describe } from '../options.ts';
import { type Match, matchAny } from './match.ts';
import { matchRule } from './pure-rule.ts';
import type { Rule } from './rule.ts';
import { readValues, ruleError, type Values } from './rule-error.ts';
import { quoteAll } from './wording.ts';

/** The SPIFFE ID of an X.509-SVID, or why the certificate is none (X.509-SVID 2, 3.1 and 5.2). */
function readSvid({ subjectAltNames: { uri }, isCa, keyUsage }: ClientCertificate): SpiffeId | Match {
  const [only] = uri;
  if (only === undefined) return 'no';
  if (uri.length > 1 || isCa || keyUsage.includes('keyCertSign') || keyUsage.includes('cRLSign'))
    return 'unclear';
  const id = readSpiffeId(only);
  if (id !== undefined && id.path !== '') return id;
  return /^spiffe:/i.test(only) ? 'unclear' : 'no';
}

function spiffeRule<T>(
  method: keyof SpiffeRules,
  values: Values,
  read: (value: string, path: string) => T,
  matches: (wanted: T, id: SpiffeId) => boolean,
  remedy: string,
): Rule {
  const path = `spiffe.${method}`;
  const wanted = readValues(values, path, remedy, read);
  const words = quoteAll(values.flat());
  return matchRule({
    name: `${path}(${words})`,
    match: (certificate) => {
      const id = readSvid(certificate);
      if (typeof id === 'string') return id;
      return matchAny(wanted, (each) => (matches(each, id) ? 'yes' : 'no'));
    },
    expected: `an X.509-SVID with ${expectations[method]} ${words}`,
    seen: svidInWords,
  });
}

const expectations = { id: 'the SPIFFE ID', memberOf: 'the trust domain', path: 'the path' } as const;

const svidInWords = ({ subjectAltNames: { uri }, isCa, keyUsage }: ClientCertificate): string =>
  [
    uri.length > 1 ? `${uri.length} URIs:` : 'the URI',
    quoteAll(uri),
    ...(isCa ? ['of a CA'] : []),
    ...keyUsage
      .filter((usage) => usage === 'keyCertSign' || usage === 'cRLSign')
      .map((usage) => `with ${usage}`),
  ].join(' ');

function readId(text: string, path: string): SpiffeId {
  const id = readSpiffeId(text);
  if (id === undefined) throw ruleError(path, `${describe(text)} is no SPIFFE ID`, idRemedy(text));
  if (id.path !== '') return id;
  throw ruleError(
    path,
    'no workload has an ID without a path',
    'For a whole trust domain there is spiffe.memberOf().',
  );
}

const idRemedy = (text: string): string =>
  /^spiffe:\/\/[^/]*[A-Z]|^[^:]*[A-Z][^:]*:/.test(text)
    ? 'Scheme and trust domain are in lower case.'
    : text.includes('*')
      ? "A '*' stands for nothing here: combine spiffe.memberOf() and spiffe.path()."
      : example;

const example = "Give one as 'spiffe://example.org/workload'.";

function readTrustDomain(text: string, path: string): string {
  const name = text.startsWith('spiffe://') ? text.slice('spiffe://'.length) : text;
  if (isTrustDomain(name) && /[a-z0-9]/.test(name)) return name;
  const lower = name.toLowerCase();
  throw ruleError(
    path,
    `${describe(text)} is no trust domain`,
    /^[\x20-\x7e]*$/.test(name) && lower !== name && isTrustDomain(lower)
      ? `Did you mean '${lower}'?`
      : "Give one as 'example.org': lower-case letters, digits, '.', '-' and '_'.",
  );
}

type PathPattern = readonly string[];

function readPath(text: string, path: string): PathPattern {
  const [before, ...segments] = text.split('/');
  const problem = `${describe(text)} is no path of a SPIFFE ID`;
  if (before !== '' || segments.length === 0)
    throw ruleError(path, problem, "It begins with a slash: '/ns/default/sa/web'.");
  const bad = segments.find((segment) => segment !== '*' && !isPathSegment(segment));
  if (bad !== undefined) {
    const remedy = bad.includes('*') ? "A '*' stands for one whole segment." : "Give one as '/ns/*/sa/web'.";
    throw ruleError(path, problem, remedy);
  }
  if (segments.every((segment) => segment === '*'))
    throw ruleError(
      path,
      `${describe(text)} says nothing but how long the path is`,
      'Name one segment at least.',
    );
  return segments;
}

function matchesPath(pattern: PathPattern, { path }: SpiffeId): boolean {
  const segments = path.split('/').slice(1);
  return (
    segments.length === pattern.length &&
    pattern.every((wanted, index) => wanted === '*' || wanted === segments[index])
  );
}

/**
 * Clients by their SPIFFE ID. Each of these lets in X.509-SVIDs only: exactly one URI, which is a valid SPIFFE ID with a
 * path, in a certificate that is no CA's and may sign neither certificates nor CRLs. Of several values one has to do.
 * IDs are compared exactly. A ConfigError `RULE_INVALID` for what can be no ID, trust domain or path.
 */
export interface SpiffeRules {
  /** `spiffe://example.org/ns/default/sa/web`. */
  readonly id: (...ids: Values) => Rule;
  /** Every workload of the trust domain `example.org`. */
  readonly memberOf: (...trustDomains: Values) => Rule;
  /**
   * `/ns/web/*`: a `*` stands for exactly one segment. In whatever trust domain: combine it by `allOf` with
   * `memberOf` where the CAs of the route serve several.
   */
  readonly path: (...patterns: Values) => Rule;
}

/** Rules over the SPIFFE ID of an X.509-SVID: exactly one URI, of a leaf that is no CA. */
export const spiffe: SpiffeRules = Object.freeze({
  id: (...ids: Values): Rule =>
    spiffeRule(
      'id',
      ids,
      readId,
      (wanted, id) => wanted.trustDomain === id.trustDomain && wanted.path === id.path,
      example,
    ),
  memberOf: (...trustDomains: Values): Rule =>
    spiffeRule(
      'memberOf',
      trustDomains,
      readTrustDomain,
      (wanted, id) => wanted === id.trustDomain,
      "Give one as 'example.org'.",
    ),
  path: (...patterns: Values): Rule =>
    spiffeRule('path', patterns, readPath, matchesPath, "Give one as '/ns/*/sa/web'."),
});
