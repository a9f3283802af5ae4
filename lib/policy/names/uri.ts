import { describe } from '../../options.ts';
import type { Match } from '../match.ts';
import { ruleError } from '../rule-error.ts';
import { hostInRule } from './host.ts';
import { parseUrl } from '../../url.ts';

/** Only what RFC 3986 2 allows, and every percent with two digits. */
const characters = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?(.*)$/;
const authorityParts = /^([^@]*@)?(\[[0-9A-Fa-f:.]+\]|[^@:[\]]*)(:[0-9]*)?$/;

/**
 * A URI as it is compared: scheme and host in lower case, all else as it is (RFC 5280 7.4, RFC 3986 6.2.1). No percent
 * is decoded, no segment resolved, no default port added. Undefined where it is no absolute URI.
 */
function comparableUri(text: string): string | undefined {
  const [, scheme, authority, rest = ''] = (characters.test(text) && parts.exec(text)) || [];
  if (scheme === undefined || (authority ?? '') + rest === '') return undefined;
  if (authority === undefined) return `${scheme.toLowerCase()}:${rest}`;
  const [whole, user = '', host = '', port = ''] = authorityParts.exec(authority) ?? [];
  return whole === undefined
    ? undefined
    : `${scheme.toLowerCase()}://${user}${host.toLowerCase()}${port}${rest}`;
}

const remedy = "Give an absolute URI, 'https://example.org/clients/a'.";

/** A URI as it is compared, and what some programs would take for the same. */
export interface UriPattern {
  readonly exact: string;
  readonly loose: string;
}

/** The URI that a rule names; its host may have U-labels. Or a ConfigError `RULE_INVALID`. */
export function readUri(text: string, path: string): UriPattern {
  const exact = comparableUri(withALabels(text, path));
  if (exact === undefined) throw ruleError(path, `${describe(text)} is no absolute URI`, remedy);
  if (!text.includes('*')) return { exact, loose: loosely(exact) };
  const problem = `${describe(text)} has a '*', which stands for nothing here`;
  throw ruleError(path, problem, 'For SPIFFE IDs there is spiffe.path(); for others use rule().');
}

function withALabels(text: string, path: string): string {
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:[\]]*)/.exec(text);
  if (host === null || !/[^\0-\x7f]/.test(host[1]!)) return text;
  const end = host[0].length;
  return text.slice(0, end - host[1]!.length) + hostInRule(host[1]!, path) + text.slice(end);
}

export function matchUri(text: string): (wanted: UriPattern) => Match {
  const seen = comparableUri(text);
  if (seen === undefined) return () => 'unclear';
  const seenLoosely = loosely(seen);
  return ({ exact, loose }) => (seen === exact ? 'yes' : seenLoosely === loose ? 'unclear' : 'no');
}

/** What some programs take for the same: percents decoded, segments resolved, default ports left out, case aside. */
function loosely(uri: string): string {
  const resolved = parseUrl(uri)?.href ?? uri;
  const decoded = resolved.replace(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return (parseUrl(decoded)?.href ?? decoded).toLowerCase();
}
