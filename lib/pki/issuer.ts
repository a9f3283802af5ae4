import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { keyIdentifier } from './identifiers.ts';
import type { Signer } from './signer.ts';

/** A CA's certificate, and its own issuers up to the root, nearest first. */
export interface CertificatePath {
  readonly certificate: Certificate;
  readonly issuers: readonly Certificate[];
}

/** A CA that can sign. */
export interface Issuer extends CertificatePath {
  readonly key: KeyObject;
  readonly signer: Signer;
}

/** What stands in what it issues: its name as it is in its own certificate, and its key identifier. */
export const issuerFields = ({ certificate }: Issuer): { name: Buffer; keyId: string } => ({
  name: certificate.subjectRaw,
  keyId: certificate.subjectKeyId ?? keyIdentifier(certificate.publicKeyRaw),
});

export const rootOf = ({ certificate, issuers }: CertificatePath): Certificate =>
  issuers.at(-1) ?? certificate;

/** The certificates to send after a leaf: this CA and those above it, without the root, which the peer has. */
export const certificatesToSend = (path: CertificatePath): readonly Certificate[] =>
  authoritiesOf(path).slice(0, -1);

/** How many intermediates may still stand below this CA (RFC 5280 4.2.1.9), considering all those above it. */
export function depthLeft(path: CertificatePath): number {
  const lengths = authoritiesOf(path).map(
    ({ basicConstraints }, below) => (basicConstraints?.pathLength ?? Infinity) - below,
  );
  return Math.min(...lengths);
}

/** All authorities of a path, the root last. */
export const authoritiesOf = ({ certificate, issuers }: CertificatePath): readonly Certificate[] => [
  certificate,
  ...issuers,
];
