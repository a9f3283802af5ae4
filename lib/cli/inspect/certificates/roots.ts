import * as tls from 'node:tls';
import { type Certificate, readCertificate } from '../../../x509/certificate.ts';
import { readPem } from '../../../x509/pem.ts';

/** Whom an inspection trusts. */
export interface Roots {
  readonly kind: 'node' | 'file';
  /** For OpenSSL; undefined: Node's default. */
  readonly pem: readonly string[] | undefined;
  /** By their subject (hexadecimal DER). */
  readonly bySubject: ReadonlyMap<string, readonly Certificate[]>;
}

export const rootsOfFile = (certificates: readonly Certificate[]): Roots => ({
  kind: 'file',
  pem: certificates.map(({ pem }) => pem),
  bySubject: indexed(certificates),
});

let known: Roots | undefined;

/** Node's default roots; since 22.15 those of NODE_EXTRA_CA_CERTS and the system's, where Node was told so. */
export function rootsOfNode(): Roots {
  if (known !== undefined) return known;
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };
  const texts = getCACertificates?.('default') ?? tls.rootCertificates;
  const certificates = texts
    .flatMap((text) => readPem(text) ?? [])
    .flatMap(({ der }) => readCertificate(der) ?? []);
  return (known = { kind: 'node', pem: undefined, bySubject: indexed(certificates) });
}

function indexed(certificates: readonly Certificate[]): Roots['bySubject'] {
  const found = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const key = certificate.subjectRaw.toString('hex');
    found.set(key, [...(found.get(key) ?? []), certificate]);
  }
  return found;
}
