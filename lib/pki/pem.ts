import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';
import { Certificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';

/** One PEM block (RFC 7468), ending with a newline. */
export function encodePem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The certificates of a PEM text, at least one; a ConfigError where there is none, or anything else. */
export function readCertificates(pem: unknown, path: string): readonly Certificate[] {
  const remedy = 'Give certificates in PEM.';
  const blocks = typeof pem === 'string' ? readPem(pem) : undefined;
  if (blocks === undefined || blocks.length === 0) {
    const problem =
      typeof pem === 'string' ? 'no certificate in PEM' : `expected a PEM text, got ${describe(pem)}`;
    throw new ConfigError('CERTIFICATE_INVALID', path, problem, remedy);
  }
  return blocks.map(({ label, der }) => {
    if (label !== 'CERTIFICATE')
      throw new ConfigError('CERTIFICATE_INVALID', path, `a PEM block is a ${label}`, remedy);
    try {
      const certificate = new Certificate(der);
      void certificate.x509;
      return certificate;
    } catch (error) {
      throw new ConfigError('CERTIFICATE_INVALID', path, 'a certificate in it is damaged', remedy, error);
    }
  });
}

/** The only certificate of a PEM text. */
export function readOneCertificate(pem: unknown, path: string): Certificate {
  const [certificate, ...others] = readCertificates(pem, path);
  if (certificate !== undefined && others.length === 0) return certificate;
  throw new ConfigError('CERTIFICATE_INVALID', path, `${others.length + 1} certificates`, 'Give one.');
}
