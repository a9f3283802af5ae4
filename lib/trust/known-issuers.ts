import { createHash } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';

/** An intermediate stands above thousands of clients: it is read once, not with each of them. */
const known = new BoundedMap<string, Certificate>(256);

/** The certificate in `der`, or undefined where it is none. That it is known says nothing of whether it is trusted. */
export function readIssuer(der: Buffer): Certificate | undefined {
  return known.get(createHash('sha256').update(der).digest('hex')) ?? readCertificate(der);
}

/** Remembers the issuers of a path that was verified: so strangers push nobody out. */
export function rememberIssuers(issuers: readonly Certificate[]): void {
  for (const issuer of issuers) known.set(issuer.sha256, issuer);
}
