import type { Certificate } from '../../x509/certificate.ts';
import { DerError, readChildren, readElement, readOid, readString, tags } from '../../x509/der.ts';

/** What needs no normalizing. */
const plain = /^[ -~]*$/;

/**
 * NFKC takes the square of the length for marks in a row, and strangers choose it. X.520 has 64 characters for most
 * attributes.
 */
const maxLength = 256;
/** Of a whole name. */
const maxOctets = 4096;

/** RFC 4518 2.2: what is a space, and what is nothing. */
const spaces = /[\t-\r\u0085\p{Z}]/gu;
const nothing =
  /[\p{Cc}\p{Variation_Selector}\u{34f}\u{ad}\u{6dd}\u{70f}\u{1806}\u{180e}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2063}\u{206a}-\u{206f}\u{feff}\u{fff9}-\u{fffc}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/gu;

const isTooLong = (text: string): boolean => text.length > maxLength && !plain.test(text);

/**
 * A value of a name in the form in which two are compared (RFC 4518 2): case and white space do not count, nor what
 * nobody sees. A very long one stands as it is.
 */
export const comparableText = (text: string): string => (isTooLong(text) ? text : prepare(text));

/** The same, which throws a DerError for a very long one. */
export function preparedText(text: string): string {
  if (isTooLong(text)) throw new DerError('a value that is too long to be compared');
  return prepare(text);
}

function prepare(text: string): string {
  const normal = plain.test(text)
    ? text
    : // Upper case first, as 'ß' is 'SS' there.
      text.replaceAll(spaces, ' ').replaceAll(nothing, '').normalize('NFKC').toUpperCase();
  return normal.toLowerCase().trim().replaceAll(/\s+/g, ' ');
}

/**
 * A Name in the form in which two are compared (RFC 5280 7.1): whatever the string types, case and white space. By the
 * octets alone a list that writes its CA's name as another string type would concern nobody, without a word. A giant
 * one, as strangers may send, is its octets. JSON, as it is read again where a list tells of it.
 */
export const comparableName = (raw: Buffer): string =>
  JSON.stringify(raw.length > maxOctets ? [[raw.toString('latin1')]] : comparableRdns(raw));

/** The same RDN by RDN, each of them its attributes, their values as `prepared`. */
export const comparableRdns = (
  raw: Buffer,
  prepared: (text: string) => string = comparableText,
): readonly (readonly string[])[] =>
  readChildren(readElement(raw, tags.sequence)).map((relative) =>
    readChildren(relative)
      .map((attribute) => {
        const [type, value] = readChildren(attribute);
        const text = value === undefined ? '' : readString(value);
        return `${readOid(type)}=${prepared(text)}`;
      })
      .toSorted(),
  );

const subjects = new WeakMap<Certificate, string>();
const issuers = new WeakMap<Certificate, string>();

/** Each once, and only what is asked for: a client is asked for its issuer alone, beside each CA. */
function remembered(known: WeakMap<Certificate, string>, certificate: Certificate, raw: Buffer): string {
  let name = known.get(certificate);
  if (name === undefined) {
    name = comparableName(raw);
    known.set(certificate, name);
  }
  return name;
}

export const subjectOf = (certificate: Certificate): string =>
  remembered(subjects, certificate, certificate.subjectRaw);
export const issuerOf = (certificate: Certificate): string =>
  remembered(issuers, certificate, certificate.issuerRaw);

/**
 * Whether `issuer` bears the name of the issuer of `certificate`: RFC 5280 7.1, by which neither string types nor case nor
 * white space count, as some CAs spell themselves anew. What a name links, a signature has to prove.
 */
export const isNamedAs = (issuer: Certificate, certificate: Certificate): boolean =>
  issuer.subjectRaw.equals(certificate.issuerRaw) || subjectOf(issuer) === issuerOf(certificate);

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
