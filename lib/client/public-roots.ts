import { rootCertificates } from 'node:tls';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';

let read: readonly Certificate[] | undefined;

/**
 * The roots of Mozilla's programme that this Node brings along: neither NODE_EXTRA_CA_CERTS, nor the store of the system,
 * nor `setDefaultCACertificates` adds to them.
 */
export const publicRoots = (): readonly Certificate[] =>
  (read ??= rootCertificates.flatMap((pem) => readCertificate(readPem(pem)![0]!.der) ?? []));

/**
 * What some of these roots break of RFC 5280's form. They are believed for their name and key, as Mozilla has it (RFC
 * 5280 6.1.1 d); what stands below them has to be in order.
 */
export const formOfRoots: ReadonlySet<string> = new Set([
  'critical-flag',
  'encoded-default',
  'missing-key-identifier',
  'serial-number',
  'time-form',
]);
