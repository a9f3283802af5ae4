import { Certificate } from '../../lib/x509/certificate.ts';
import { readPem } from '../../lib/x509/pem.ts';

/** The first certificate in a PEM, read. */
export const readInput = (pem: string): Certificate => new Certificate(readPem(pem)![0]!.der);
