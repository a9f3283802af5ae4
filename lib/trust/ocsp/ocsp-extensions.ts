import type { Certificate } from '../../x509/certificate.ts';
import {
  expectTag,
  implicitTag,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';

const authorityInfoAccess = '1.3.6.1.5.5.7.1.1';
const ocspMethod = '1.3.6.1.5.5.7.48.1';
const tlsFeature = '1.3.6.1.5.5.7.1.24';
/** The TLS extension status_request (RFC 6066 8). */
const statusRequest = 5;

/**
 * The URLs of the responders that a certificate names (RFC 5280 4.2.2.1), as they stand there. Empty where there is
 * none, or where the extension cannot be read.
 */
export const ocspRespondersOf = (certificate: Certificate): readonly string[] =>
  readValue(certificate, authorityInfoAccess, (descriptions) =>
    descriptions.flatMap((description) => {
      const [method, location] = readChildren(expectTag(description, tags.sequence));
      const isResponder = readOid(method) === ocspMethod && location?.tag === implicitTag(6);
      return isResponder ? [location.content.toString('latin1')] : [];
    }),
  ) ?? [];

/** Whether clients shall refuse the certificate where no OCSP response is stapled (RFC 7633). */
export const isMustStaple = (certificate: Certificate): boolean =>
  readValue(certificate, tlsFeature, (features) =>
    features.some((feature) => readSmallInteger(feature) === statusRequest),
  ) ?? false;

/** The elements of an extension that is a SEQUENCE. */
function readValue<Result>(
  { extensions }: Certificate,
  oid: string,
  read: (children: ReturnType<typeof readChildren>) => Result,
): Result | undefined {
  const value = extensions.get(oid)?.value;
  try {
    return value && read(readChildren(readElement(value, tags.sequence)));
  } catch {
    return undefined;
  }
}
