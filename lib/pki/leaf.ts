import type { KeyObject } from 'node:crypto';
import { oneOf } from '../options.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type CertificateContent, signCertificate } from './certificate.ts';
import { type StatusOptions, statusKeys } from './extensions.ts';
import { keyIdentifier, randomSerialNumber } from './identifiers.ts';
import { type CertificatePath, certificatesToSend, type Issuer, issuerFields, rootOf } from './issuer.ts';
import { exportKey, generateKeys, type KeyType, keyTypes } from './keys.ts';
import { signerOf } from './signer.ts';

/** A certificate with what has to be sent along. All texts are PEM and end with a newline. */
export interface IssuedPublicCertificate {
  /** The certificate alone, in PEM. */
  readonly certificate: string;
  /** The certificate and its intermediates, without the root: what TLS sends. */
  readonly chain: string;
  /** The root. */
  readonly ca: string;
  /** Upper-case hexadecimal, as Node writes it. */
  readonly serialNumber: string;
}

/** A certificate with its private key. */
export interface IssuedCertificate extends IssuedPublicCertificate {
  /** PKCS#8, not encrypted: write it to a file of mode 0600 or nowhere. */
  readonly key: string;
}

export interface LeafOptions extends StatusOptions {
  /** Default `'ecdsa-p256'`. */
  readonly keyType?: KeyType;
  /** From when it is valid; default: five minutes ago, for clocks that are slow, but not before its issuer. */
  readonly notBefore?: Date;
  /** Until when, at most the issuer's end; default: in 90 days, or with its issuer. */
  readonly notAfter?: Date;
}

export const leafDays = 90;

/** The options of every leaf, whoever has its key. */
export const leafKeys: readonly string[] = ['subject', 'names', 'notBefore', 'notAfter', ...statusKeys];

export type LeafContent = Pick<
  CertificateContent,
  'altNames' | 'extensions' | 'purposes' | 'subject' | 'validity'
>;

/** An end entity's certificate for a new key, signed by `issuer`, or by itself. */
export async function issueWithKey(
  content: LeafContent,
  keyType: KeyType = 'ecdsa-p256',
  issuer?: Issuer,
): Promise<IssuedCertificate> {
  const { privateKey, publicKey } = await generateKeys(oneOf(keyType, keyTypes, 'keyType'));
  if (issuer !== undefined)
    return { ...(await issueFor(publicKey, content, issuer)), key: exportKey(privateKey) };
  const certificate = await signCertificate(fieldsOf(content, publicKey), signerOf(privateKey, 'keyType'));
  return { ...bundle(certificate, { certificate, issuers: [] }), key: exportKey(privateKey) };
}

/** The same for a key that is somebody else's. */
export async function issueFor(
  publicKey: KeyObject,
  content: LeafContent,
  issuer: Issuer,
): Promise<IssuedPublicCertificate> {
  return bundle(await signCertificate(fieldsOf(content, publicKey, issuer), issuer.signer), issuer);
}

function fieldsOf(content: LeafContent, key: KeyObject, issuer?: Issuer): CertificateContent {
  const publicKey = key.export({ type: 'spki', format: 'der' });
  return {
    ...content,
    serialNumber: randomSerialNumber(),
    issuer: issuer && issuerFields(issuer),
    publicKey,
    keyId: keyIdentifier(publicKey),
  };
}

function bundle(certificate: Certificate, issuer: CertificatePath): IssuedPublicCertificate {
  return {
    certificate: certificate.pem,
    chain: [certificate, ...certificatesToSend(issuer)].map(({ pem }) => pem).join(''),
    ca: rootOf(issuer).pem,
    serialNumber: certificate.serialNumber,
  };
}
