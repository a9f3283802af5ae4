import { isMustStaple, ocspRespondersOf } from '../../../trust/ocsp/ocsp-extensions.ts';
import { type Certificate, signatureAlgorithmOid } from '../../../x509/certificate.ts';
import type { DistinguishedName } from '../../../x509/name.ts';
import type { CertificateFacts } from '../inspection.ts';

const day = 86_400_000;

/** As RFC 3279, 5758, 8410 and 9881 call them. */
const algorithms: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'md2WithRSAEncryption',
  '1.2.840.113549.1.1.4': 'md5WithRSAEncryption',
  '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption',
  '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption',
  '1.2.840.10040.4.3': 'dsa-with-sha1',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

/** The name of a signature algorithm, or its OID where it has none here. */
const algorithmName = (oid: string): string => algorithms[oid] ?? oid;

function algorithmOf(certificate: Certificate): string {
  try {
    return algorithmName(signatureAlgorithmOid(certificate));
  } catch {
    return 'unreadable';
  }
}

/** A distinguished name on one line, in the order of the certificate. */
export const nameText = (name: DistinguishedName): string =>
  Object.entries(name)
    .flatMap(([attribute, values]) => values.map((value) => `${attribute}=${value}`))
    .join(', ');

export function factsOf(certificate: Certificate, now: number): CertificateFacts {
  const { publicKey, subjectAltNames, notBefore, notAfter } = certificate;
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    daysLeft: Math.floor((notAfter - now) / day),
    names: [...subjectAltNames.dns, ...subjectAltNames.ip],
    publicKey: {
      type: publicKey.type,
      bits: publicKey.bits ?? null,
      curve: publicKey.curve ?? null,
    },
    signatureAlgorithm: algorithmOf(certificate),
    pin: certificate.pin,
    fingerprint256: certificate.fingerprint256,
    isCa: certificate.isCa,
    selfIssued: certificate.isSelfIssued,
    mustStaple: isMustStaple(certificate),
    ocspResponders: ocspRespondersOf(certificate),
  };
}
