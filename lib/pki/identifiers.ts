import { createHash, randomBytes } from 'node:crypto';
import { readBitString, readChildren, readElement } from '../x509/der.ts';

/** A serial number of 16 octets, positive, with 126 random bits (RFC 5280 4.1.2.2 allows 20 octets). */
export function randomSerialNumber(): Buffer {
  const octets = randomBytes(16);
  octets[0] = (octets[0]! & 0x3f) | 0x40;
  return octets;
}

/** The key identifier of a SubjectPublicKeyInfo: the first 160 bits of its key's SHA-256 (RFC 7093 2, method 1). */
export function keyIdentifier(publicKey: Buffer): string {
  const [, key] = readChildren(readElement(publicKey));
  return createHash('sha256').update(readBitString(key)).digest('hex').slice(0, 40);
}
