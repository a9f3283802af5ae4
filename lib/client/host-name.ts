import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { canonicalAddress } from '../x509/extensions.ts';
import type { Certificate } from '../x509/certificate.ts';

/** Whom a client wants to reach. */
export interface HostName {
  readonly kind: 'address' | 'name';
  /** In the form in which it is compared: an address as RFC 5952 writes it, a name in lower-case A-labels without a last dot. */
  readonly text: string;
}

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const plainName = new RegExp(`^${label}(?:\\.${label})*$`);
/** A name that ends in a number is an address in disguise (WHATWG URL 3.5): `127.1`, `0x7f.1`. */
const numericEnd = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/** Reads a host as URLs and options have it; undefined where it is none that a certificate could name. */
export function readHostName(host: string): HostName | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) {
    // A zone (RFC 4007) says by which interface, and is known to this machine only.
    const text = canonicalAddress(bare.replace(/%.*$/, ''));
    return text === undefined ? undefined : { kind: 'address', text };
  }
  const text = domainToASCII(bare.replace(/\.$/, '')).toLowerCase();
  return isPlainName(text) ? { kind: 'name', text } : undefined;
}

const isPlainName = (name: string): boolean =>
  name.length <= 253 && plainName.test(name) && !numericEnd.test(name);

/**
 * Whether a certificate is this host's (RFC 9525 6): by the dNSNames or iPAddresses of its subjectAltName and by nothing
 * else: neither the common name nor an address that is written as a name. `*` stands for the whole first label, for no
 * other, and not right below a top-level domain (`*.com`; but `*.localhost` is nobody else's).
 */
export function isNamed({ subjectAltNames: { dns, ip } }: Certificate, host: HostName): boolean {
  if (host.kind === 'address') return ip.includes(host.text);
  return dns.some((pattern) => covers(pattern.toLowerCase(), host.text));
}

function covers(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name && isPlainName(pattern);
  const parent = pattern.slice(2);
  if (!isPlainName(parent) || !(parent.includes('.') || parent === 'localhost')) return false;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot + 1) === parent;
}

/** All names that count, for an error. */
export function namesOf({ subjectAltNames: { dns, ip } }: Certificate): string {
  const names = [...dns.map((name) => `DNS:${name}`), ...ip.map((address) => `IP:${address}`)];
  if (names.length === 0) return 'no name in a subjectAltName';
  return names.length <= 10
    ? names.join(' ')
    : `${names.slice(0, 10).join(' ')} and ${names.length - 10} more`;
}
