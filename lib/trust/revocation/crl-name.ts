import type { Certificate } from '../../x509/certificate.ts';
import { readChildren, readElement, readOid, readString, tags } from '../../x509/der.ts';

const names = new WeakMap<Certificate, readonly [subject: string, issuer: string]>();

/**
 * A Name in the form in which two are compared (RFC 5280 7.1): whatever the string types, case and white space. By the
 * octets alone a list that writes its CA's name as another string type would concern nobody, without a word.
 */
export function comparableName(raw: Buffer): string {
  return JSON.stringify(
    readChildren(readElement(raw, tags.sequence)).map((relative) =>
      readChildren(relative)
        .map((attribute) => {
          const [type, value] = readChildren(attribute);
          const text = value === undefined ? '' : readString(value);
          return `${readOid(type)}=${text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ')}`;
        })
        .toSorted(),
    ),
  );
}

function namesOf(certificate: Certificate): readonly [string, string] {
  let known = names.get(certificate);
  if (known === undefined) {
    known = [comparableName(certificate.subjectRaw), comparableName(certificate.issuerRaw)];
    names.set(certificate, known);
  }
  return known;
}

export const subjectOf = (certificate: Certificate): string => namesOf(certificate)[0];
export const issuerOf = (certificate: Certificate): string => namesOf(certificate)[1];

const serials = new WeakMap<Certificate, Buffer>();

/** The content of the certificate's serial number, as it stands in its DER. */
export function serialOf(certificate: Certificate): Buffer {
  let known = serials.get(certificate);
  if (known === undefined) {
    const [body] = readChildren(readElement(certificate.raw));
    known = readChildren(body!).find(({ tag }) => tag === tags.integer)!.content;
    serials.set(certificate, known);
  }
  return known;
}
