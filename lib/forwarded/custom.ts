import { ConfigError } from '../errors.ts';
import { checkKeys, describe, flag, oneOf } from '../options.ts';
import { type CertificateEncoding, encodings } from './encodings.ts';
import { readHeaderName } from './header-names.ts';
import type { Layout } from './layout.ts';
import { type Verifier, valueVerifier } from './verification.ts';

/** A header of one's own. */
export interface CustomFormat {
  /** The header with the client's certificate, and nothing else, unless `bundle`. */
  readonly header: string;
  /** Whether what the client has sent besides stands behind it in the same header. */
  readonly bundle?: boolean | undefined;
  /** `pem-url`: percent-encoded PEM; `pem`: PEM with blanks for line ends; `der-base64`; `rfc9440`: `:base64:`. */
  readonly encoding: CertificateEncoding;
  /** The header with what the client has sent besides, in the same encoding, where the proxy forwards that. */
  readonly chainHeader?: string | undefined;
  /** The header that has this value, letter for letter, where the proxy has verified the certificate. */
  readonly verify?: { readonly header: string; readonly value: string } | undefined;
}

/** Reads a format of one's own. ConfigErrors: `OPTION_CONFLICT`, `OPTION_INVALID`, `OPTION_UNKNOWN`. */
export function readCustomFormat(value: unknown, path: string): Layout {
  checkKeys(value, ['header', 'encoding', 'bundle', 'chainHeader', 'verify'], path);
  const given = value as Partial<CustomFormat>;
  const name = oneOf(given.encoding, Object.keys(encodings) as CertificateEncoding[], `${path}.encoding`);
  const encoding = encodings[name];
  const header = readHeaderName(given.header, `${path}.header`);
  const chain =
    given.chainHeader === undefined ? undefined : readHeaderName(given.chainHeader, `${path}.chainHeader`);
  const isBundle = flag(given.bundle, `${path}.bundle`, false);
  if (isBundle && chain !== undefined)
    throw new ConfigError(
      'OPTION_CONFLICT',
      `${path}.bundle`,
      'given together with chainHeader',
      'Say where the chain stands: bundle, or chainHeader.',
    );
  return {
    certificate: [{ header, decode: isBundle ? encoding.several : encoding.one, verified: false }],
    chain: chain === undefined ? undefined : { header: chain, decode: encoding.several },
    verifier: readVerify(given.verify, `${path}.verify`),
    // Apache's `%{SSL_CLIENT_CERT}s` without a certificate.
    blank: name.includes('pem') ? '(null)' : undefined,
  };
}

function readVerify(value: unknown, path: string): Verifier | undefined {
  if (value === undefined) return undefined;
  checkKeys(value, ['header', 'value'], path);
  const { header, value: expected } = value as Record<string, unknown>;
  if (typeof expected !== 'string' || expected === '')
    throw new ConfigError(
      'OPTION_INVALID',
      `${path}.value`,
      `got ${describe(expected)}`,
      "Give the value that the proxy sends for a verified client, such as 'SUCCESS'.",
    );
  return valueVerifier(readHeaderName(header, `${path}.header`), expected);
}
