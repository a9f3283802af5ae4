import { createHash } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';
import { readCertificate } from '../x509/certificate.ts';
import { malformed } from './malformed.ts';

/** 32 octets each: of as many clients as a fleet may have. */
const remembered = new BoundedMap<string, true>(16_384);

/**
 * Throws a MalformedError unless each of these is a certificate, and no two are the same. A damaged one is never passed
 * over for the next, which would be somebody else. What was read once costs a hash the next time.
 */
export function requireReadable(certificates: readonly Buffer[]): void {
  const seen = new Set<string>();
  for (const [index, der] of certificates.entries()) {
    const key = createHash('sha256').update(der).digest('base64');
    if (seen.has(key)) malformed(`certificate ${index + 1} stands there twice`);
    seen.add(key);
    if (remembered.get(key) === true) continue;
    if (readCertificate(der) === undefined) malformed(`certificate ${index + 1} cannot be read`);
    remembered.set(key, true);
  }
}
