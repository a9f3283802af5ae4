import { createHash } from 'node:crypto';
import type { Certificate } from '../../x509/certificate.ts';

/** What a pin was computed of. */
export type PinnedKind = 'certificate' | 'private-key' | 'public-key' | 'request';

/** One SPKI, and what it was found in. JSON-safe. */
export interface Pinned {
  readonly pin: string;
  /** SHA-256 of the SPKI, lower-case hexadecimal. */
  readonly hex: string;
  readonly kind: PinnedKind;
  /** `CN=example.org`, of a certificate or a request. */
  readonly subject?: string;
  readonly issuer?: string;
  /** ISO 8601. */
  readonly notBefore?: string;
  readonly notAfter?: string;
}

/** The pin of a SubjectPublicKeyInfo in DER. */
export function pinnedKey(spki: Buffer, kind: PinnedKind, subject?: string): Pinned {
  const digest = createHash('sha256').update(spki).digest();
  return {
    pin: `sha256/${digest.toString('base64')}`,
    hex: digest.toString('hex'),
    kind,
    ...(subject !== undefined && { subject }),
  };
}

export const pinnedCertificate = (certificate: Certificate): Pinned => ({
  ...pinnedKey(certificate.publicKeyRaw, 'certificate', textOfName(certificate.subject)),
  issuer: textOfName(certificate.issuer),
  notBefore: dateOf(certificate.notBefore),
  notAfter: dateOf(certificate.notAfter),
});

/** `CN=example.org, O=Example`; commas in values are escaped, as RFC 4514 does. */
export function textOfName(name: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(name).flatMap(([key, values]) =>
    values.map((value) => `${key}=${value.replace(/[\\,+"<>;]/g, String.raw`\$&`)}`),
  );
  return parts.length === 0 ? '(no subject)' : parts.join(', ');
}

/** A year beyond 9999, as a certificate may have, has no ISO date. */
function dateOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'never' : date.toISOString();
}
