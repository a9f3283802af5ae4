import type { ClientCertificate } from '../connection/index.ts';
import { hasSigned } from '../trust/signatures.ts';
import { Certificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';

/** What a verified certificate says of itself beyond what it shows. */
export const certificateOf = ({ pem }: ClientCertificate): Certificate =>
  new Certificate(readPem(pem)![0]!.der);

/** Whether a path cannot go on behind this certificate: a root, which it has signed itself. */
export function isEnd(certificate: ClientCertificate): boolean {
  const end = certificateOf(certificate);
  return end.isSelfIssued && hasSigned(end, end);
}
