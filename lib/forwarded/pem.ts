import { readBase64 } from './base64.ts';
import { malformed } from './malformed.ts';

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

/**
 * The certificates of a PEM text (RFC 7468) in DER, in order. Stricter than for a file: nothing but certificates, and
 * nothing around them. Any white space may stand where a line ends, as some proxies fold the lines for a header.
 */
export function readCertificatesOfPem(text: string, most: number): Buffer[] {
  const found: Buffer[] = [];
  for (let offset = skipSpace(text, 0); offset < text.length; offset = skipSpace(text, offset)) {
    if (found.length === most) malformed(`more than ${most} certificates`);
    if (!text.startsWith(begin, offset)) malformed('text that is no PEM certificate');
    const body = offset + begin.length;
    const last = text.indexOf(end, body);
    if (last === -1) malformed('a PEM block that does not end');
    found.push(readBase64(text.slice(body, last).replace(/[ \t\r\n]+/g, ''), 'the body of a PEM block'));
    offset = last + end.length;
  }
  return found;
}

function skipSpace(text: string, from: number): number {
  let offset = from;
  while (offset < text.length && ' \t\r\n'.includes(text[offset]!)) offset++;
  return offset;
}
