import type { Authority } from '../../pki/index.ts';
import { parseCertificate } from './parse-certificate.ts';

/** When an authority's own certificate is valid, in milliseconds: what it issues lies within. */
export function authorityDates({ certificate }: Authority): {
  readonly notBefore: number;
  readonly notAfter: number;
} {
  const { notBefore, notAfter } = parseCertificate(certificate);
  return { notBefore, notAfter };
}
