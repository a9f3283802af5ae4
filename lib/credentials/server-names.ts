import type { Certificate } from '../x509/certificate.ts';

/** As it is compared: in lower case, without one trailing dot. */
export function normalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** The wildcard that would cover a name: `*` stands for its first label, and for no other (RFC 9525 6.3). */
export function wildcardOf(name: string): string | undefined {
  const dot = name.indexOf('.');
  return dot > 0 ? `*${name.slice(dot)}` : undefined;
}

/** The DNS names that a server certificate is served for. A `*` anywhere but as the whole first label makes no name. */
export function dnsNames({ subjectAltNames: { dns } }: Certificate): readonly string[] {
  return [...new Set(dns.map(normalName).filter((name) => /^(?:\*\.)?[^*]+$/.test(name)))];
}

/** With its IP addresses, by which nobody can ask (RFC 6066 3), but of which a client may find the right one. */
export function servedNames(leaf: Certificate): readonly string[] {
  return [...dnsNames(leaf), ...leaf.subjectAltNames.ip.map(normalName)];
}
