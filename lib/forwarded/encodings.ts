import { type DerElement, readChildren } from '../x509/der.ts';
import { readBase64 } from './base64.ts';
import { malformed } from './malformed.ts';
import { readCertificatesOfPem } from './pem.ts';
import { readPercentEncoded } from './percent.ts';
import { readByteSequence, readByteSequences } from './structured.ts';

/** Reads certificates (DER) of the value of a header, at most so many. Throws a MalformedError. */
export type Decoder = (value: string, most: number) => readonly Buffer[];

/** How a certificate is written in a header. */
export interface Encoding {
  readonly one: Decoder;
  readonly several: Decoder;
}

/** A header for one certificate with two of them is no certificate: neither may stand in for the other. */
const onlyOf =
  (several: Decoder): Decoder =>
  (value) => {
    const found = several(value, 2);
    if (found.length !== 1) malformed(`${found.length} certificates where one belongs`);
    return found;
  };

const encoding = (several: Decoder): Encoding => ({ one: onlyOf(several), several });

const pem: Decoder = readCertificatesOfPem;
const pemUrl: Decoder = (value, most) => readCertificatesOfPem(readPercentEncoded(value), most);

/** Parted by commas. Old versions of Traefik escape what is in between; base64 itself has no percent sign. */
const derBase64: Decoder = (value, most) => {
  const parts = value.split(',', most + 1);
  if (parts.length > most) malformed(`more than ${most} certificates`);
  return parts.map((part) => {
    const text = part.trim();
    return readBase64(text.includes('%') ? readPercentEncoded(text) : text, 'a certificate');
  });
};

/** One after the other, and base64 of the whole: `%[ssl_c_chain_der,base64]` of HAProxy. */
const derConcatenated: Decoder = (value, most) => {
  const content = readBase64(value, 'a chain');
  let elements: DerElement[];
  try {
    elements = readChildren({ tag: 0, content, raw: content });
  } catch {
    return malformed('a chain that is no DER');
  }
  if (elements.length > most) malformed(`more than ${most} certificates`);
  return elements.map(({ raw }) => raw);
};

/** How a header of one's own can be written. `base64-der` and `url-pem` are other names of `der-base64` and `pem-url`. */
export type CertificateEncoding = 'base64-der' | 'der-base64' | 'pem' | 'pem-url' | 'rfc9440' | 'url-pem';

export const encodings: Readonly<Record<CertificateEncoding, Encoding>> = {
  pem: encoding(pem),
  'pem-url': encoding(pemUrl),
  'url-pem': encoding(pemUrl),
  'der-base64': encoding(derBase64),
  'base64-der': encoding(derBase64),
  rfc9440: { one: (value) => [readByteSequence(value)], several: readByteSequences },
};

export const haproxyChain: Decoder = derConcatenated;
