// @peculiar/x509 injects its parts by reflection and fails to load without this before it.
// oxlint-disable-next-line no-unassigned-import
import 'reflect-metadata/lite';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { ConfigError } from '../errors.ts';
import { Certificate } from '../x509/certificate.ts';
import { readChildren, readElement } from '../x509/der.ts';
import { bitString, sequence } from './der.ts';
import type { NameAttribute } from './distinguished-name.ts';
import type { AltName } from './names.ts';
import type { Signer } from './signer.ts';
import type { Validity } from './validity.ts';

/** What a certificate shall say; everything in it has been checked. */
export interface CertificateContent {
  readonly serialNumber: Buffer;
  /** A Name in DER is put in as it stands. */
  readonly subject: readonly NameAttribute[] | Buffer;
  /** The issuer's Name and key identifier; those of the certificate itself where it signs itself. */
  readonly issuer: { readonly name: Buffer; readonly keyId: string } | undefined;
  readonly validity: Validity;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer;
  /** Hexadecimal. */
  readonly keyId: string;
  /** Present in a CA's certificate. */
  readonly authority?: { readonly pathLength: number | undefined };
  readonly altNames?: readonly AltName[];
  /** OIDs of extended key usages. */
  readonly purposes?: readonly string[];
  /** More of them, which take the place of those made here. */
  readonly extensions?: readonly RawExtension[];
}

/** An extension (RFC 5280 4.1) whose value is in DER. */
export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

/**
 * Makes and signs a certificate of version 3 (RFC 5280 4.1). The only module that knows @peculiar/x509, which lays it
 * out; Node signs, as Web Crypto knows no RSA-PSS key (RFC 4055 1.2) and warns of Ed25519 on Node 20.
 */
export async function signCertificate(content: CertificateContent, signer: Signer): Promise<Certificate> {
  const subject = nameOf(content.subject);
  const unsigned = await X509CertificateGenerator.create({
    serialNumber: content.serialNumber.toString('hex'),
    subject,
    issuer: content.issuer === undefined ? subject : new Name(new Uint8Array(content.issuer.name)),
    ...content.validity,
    publicKey: new Uint8Array(content.publicKey),
    extensions: extensionsOf(content),
    signingAlgorithm: signer.webAlgorithm,
    signature: placeholder,
  });
  const [body, algorithm] = readChildren(readElement(Buffer.from(unsigned.rawData)));
  const certificate = new Certificate(sequence(body!.raw, algorithm!.raw, bitString(signer.sign(body!.raw))));
  if (content.issuer !== undefined) requireSameName(certificate.issuerRaw, content.issuer.name);
  if (Buffer.isBuffer(content.subject)) requireSameName(certificate.subjectRaw, content.subject);
  return certificate;
}

/** OpenSSL and others find a certificate by the octets of its name: one that is written anew may not be found. */
function requireSameName(written: Buffer, name: Buffer): void {
  if (written.equals(name)) return;
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    'certificate',
    'its name cannot be written again as it is',
    'Use one with another name.',
  );
}

/** The generator wants a signature, of ECDSA two numbers of 32 octets. */
const placeholder: Uint8Array<ArrayBuffer> = new Uint8Array(64).fill(1);

// The typed form: a plain text would be read for quotes, backslashes and '#'.
const nameOf = (subject: readonly NameAttribute[] | Buffer): Name =>
  Buffer.isBuffer(subject)
    ? new Name(new Uint8Array(subject))
    : new Name(subject.map(({ oid, type, value }) => ({ [oid]: [{ [type]: value }] })));

const emptyName = 2;
const isNameless = (subject: readonly NameAttribute[] | Buffer): boolean =>
  Buffer.isBuffer(subject) ? subject.length === emptyName : subject.length === 0;

const caUsages = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

function extensionsOf(content: CertificateContent): Extension[] {
  const given = content.extensions ?? [];
  const made = madeExtensions(content).filter(({ type }) => given.every(({ oid }) => oid !== type));
  return [
    ...made,
    ...given.map(({ oid, critical, value }) => new Extension(oid, critical, new Uint8Array(value))),
  ];
}

function madeExtensions(content: CertificateContent): Extension[] {
  const { subject, issuer, keyId, authority, altNames, purposes } = content;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(authority !== undefined, authority?.pathLength, true),
    // oxlint-disable-next-line no-unsafe-enum-assignment -- the flags of a bit mask
    new KeyUsagesExtension(authority === undefined ? KeyUsageFlags.digitalSignature : caUsages, true),
    new SubjectKeyIdentifierExtension(keyId),
    new AuthorityKeyIdentifierExtension(issuer?.keyId ?? keyId),
  ];
  if (purposes !== undefined) extensions.push(new ExtendedKeyUsageExtension([...purposes]));
  if (altNames !== undefined) {
    const names = altNames.map(({ type, value }) => ({
      type: type === 'uri' ? ('url' as const) : type,
      value,
    }));
    // RFC 5280 4.2.1.6: critical where the subject is empty.
    extensions.push(new SubjectAlternativeNameExtension(names, isNameless(subject)));
  }
  return extensions;
}
