import { Certificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';

/** The first certificate of a PEM text that is known to have one. */
export const parseCertificate = (pem: string): Certificate => new Certificate(readPem(pem)![0]!.der);
