import { createPublicKey } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import { checkKeys } from '../options.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Issuer } from './issuer.ts';
import { readPrivateKey, requireStrongKey } from './keys.ts';
import { readCertificates, readOneCertificate } from './pem.ts';
import { signerOf } from './signer.ts';

/** An authority that was kept. */
export interface StoredAuthority {
  /** Its certificate in PEM. */
  readonly certificate: string;
  /** Its private key in PEM. */
  readonly key: string;
  /** What the key is encrypted with, if it is. */
  readonly passphrase?: string;
  /** For an intermediate: the certificates of its issuers in PEM, in any order, the root among them. */
  readonly issuers?: string;
}

/** Reads a kept authority and checks that it can issue. */
export function readAuthority(options: StoredAuthority): Issuer {
  checkKeys(options, ['certificate', 'key', 'passphrase', 'issuers'], 'options');
  const certificate = readOneCertificate(options.certificate, 'certificate');
  requireCa(certificate, 'certificate');
  const key = readPrivateKey(options.key, options.passphrase, 'key');
  requireStrongKey(createPublicKey(key), 'key');
  if (!certificate.x509.checkPrivateKey(key)) {
    throw new ConfigError(
      'KEY_MISMATCH',
      'key',
      'it is not the key of the certificate',
      'Give the two that belong together.',
    );
  }
  const known = options.issuers === undefined ? [] : readCertificates(options.issuers, 'issuers');
  return { certificate, key, signer: signerOf(key, 'key'), issuers: issuersOf(certificate, known) };
}

function requireCa(certificate: Certificate, path: string): void {
  const { keyUsage, isCa } = certificate;
  if (isCa && (keyUsage === undefined || (keyUsage.has('keyCertSign') && keyUsage.has('cRLSign')))) return;
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    path,
    isCa ? 'its key usage lacks keyCertSign or cRLSign' : 'it is no CA certificate',
    'Give the certificate of an authority.',
  );
}

/** The path from a CA to its root, by name and signature. */
function issuersOf(certificate: Certificate, known: readonly Certificate[]): readonly Certificate[] {
  const path: Certificate[] = [];
  for (let last = certificate; !isSelfSigned(last); last = path.at(-1)!) {
    const issuer = known.find((candidate) => !path.includes(candidate) && isIssuer(candidate, last));
    if (issuer === undefined) {
      throw new ConfigError(
        'CERTIFICATE_MISSING',
        'issuers',
        'the path to the root is incomplete',
        'Add the certificates up to the self-signed root.',
      );
    }
    requireCa(issuer, 'issuers');
    path.push(issuer);
  }
  return path;
}

const isSelfSigned = (certificate: Certificate): boolean => isIssuer(certificate, certificate);

const isIssuer = (issuer: Certificate, certificate: Certificate): boolean =>
  issuer.subjectRaw.equals(certificate.issuerRaw) && certificate.x509.verify(issuer.x509.publicKey);
