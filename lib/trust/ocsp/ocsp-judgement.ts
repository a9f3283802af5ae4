import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateProblem } from '../problem.ts';
import type { Validity } from '../revocation/revocation.ts';
import type { OcspClient } from './ocsp-client.ts';

/**
 * What a responder's word makes of what the lists say of a certificate. Either revokes. Where the lists know nothing a
 * good answer settles it; where the responder does not, `hard` refuses, and `soft` leaves it to the lists.
 */
export function withOcsp(
  byLists: Validity | CertificateProblem,
  client: OcspClient | undefined,
  [certificate, issuer]: readonly [Certificate, Certificate | undefined],
  at: number,
): Validity | CertificateProblem {
  if ('code' in byLists && byLists.code === 'CLIENT_CERTIFICATE_REVOKED') return byLists;
  if (client === undefined) return statusUnknown(certificate, 'nobody asks its responder here');
  const known = client.statusOf(certificate, issuer, at);
  if (known === undefined) return byLists;
  if (known.status === 'unknown')
    return client.config.mode === 'soft' ? byLists : statusUnknown(certificate, known.reason);
  if (known.status === 'revoked') {
    return {
      code: 'CLIENT_CERTIFICATE_REVOKED',
      reason: `${labelOf(certificate)} is revoked, says the responder of its issuer`,
      passing: true,
      outcast: certificate,
    };
  }
  const { notBefore, notAfter } = known;
  if ('code' in byLists) return { notBefore, notAfter };
  return {
    notBefore: Math.max(notBefore, byLists.notBefore),
    notAfter: Math.min(notAfter, byLists.notAfter),
  };
}

const statusUnknown = (certificate: Certificate, why: string): CertificateProblem => ({
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: `whether ${labelOf(certificate)} is revoked is not known: ${why}`,
  passing: true,
});

const labelOf = ({ subject, serialNumber }: Certificate): string =>
  `'${subject['CN']?.join('+') ?? ''}' (serial number ${serialNumber})`;
