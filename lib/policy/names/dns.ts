import type { Match } from '../match.ts';
import { hostInCertificate, hostInRule } from './host.ts';

export interface DnsPattern {
  /** The name, or with a wildcard what follows its first label. */
  readonly host: string;
  readonly wildcard: boolean;
}

/** `a.example.org`, or `*.example.org`, or a ConfigError `RULE_INVALID`. */
export function readDnsPattern(text: string, path: string): DnsPattern {
  const wildcard = text.startsWith('*.') && !/^[*.]+$/.test(text);
  return { host: hostInRule(wildcard ? text.slice(2) : text, path), wildcard };
}

/** The name `text` against patterns. A wildcard stands for exactly one label, the first (RFC 9525 6.3). */
export function matchDns(text: string): (wanted: DnsPattern) => Match {
  const name = hostInCertificate(text);
  if (name === undefined) return () => 'unclear';
  const dot = name.indexOf('.');
  const parent = dot === -1 ? undefined : name.slice(dot + 1);
  return ({ host, wildcard }) => ((wildcard ? parent : name) === host ? 'yes' : 'no');
}
