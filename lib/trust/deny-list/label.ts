import type { DeniedCertificate } from './entry.ts';

/** What an entry denies, for the operator. */
export function labelOf({ fingerprint256, pin, issuer, serialNumber }: DeniedCertificate): string {
  if (fingerprint256 !== undefined) return fingerprint256;
  if (pin !== undefined) return pin;
  const name = typeof issuer === 'string' ? issuer : JSON.stringify(issuer);
  return `serial number ${serialNumber} of ${name}`;
}
