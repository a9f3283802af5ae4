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
import { oids } from '../x509/extensions.ts';
import { bitString, sequence } from './der.ts';
import type { NameAttribute } from './distinguished-name.ts';
import type { AltName } from './names.ts';
import type { Signer } from './signer.ts';
import type { Validity } from './validity.ts';

/** What a certificate shall say; everything in it has been checked. */
export interface CertificateContent {
  readonly serialNumber: Buffer;
  readonly subject: readonly NameAttribute[];
  /** The issuer's Name and key identifier; those of the certificate itself where it signs itself. */
  readonly issuer: { readonly name: Buffer; readonly keyId: string } | undefined;
  readonly validity: Validity;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer;
  /** Hexadecimal. */
  readonly keyId: string;
  /** Present in a CA's certificate. */
  readonly authority?: {
    readonly pathLength: number | undefined;
    readonly nameConstraints: Buffer | undefined;
  };
  readonly altNames?: readonly AltName[];
  /** OIDs of extended key usages. */
  readonly purposes?: readonly string[];
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
  requireIssuerName(certificate, content);
  return certificate;
}

/** OpenSSL and others find the issuer by the octets of its name: one that is written anew may not be found. */
function requireIssuerName({ issuerRaw }: Certificate, { issuer }: CertificateContent): void {
  if (issuer === undefined || issuerRaw.equals(issuer.name)) return;
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    'certificate',
    'its name cannot be written again as it is',
    'Issue from another authority.',
  );
}

/** The generator wants a signature, of ECDSA two numbers of 32 octets. */
const placeholder: Uint8Array<ArrayBuffer> = new Uint8Array(64).fill(1);

// The typed form: a plain text would be read for quotes, backslashes and '#'.
const nameOf = (attributes: readonly NameAttribute[]): Name =>
  new Name(attributes.map(({ oid, type, value }) => ({ [oid]: [{ [type]: value }] })));

const caUsages = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

function extensionsOf({
  subject,
  issuer,
  keyId,
  authority,
  altNames,
  purposes,
}: CertificateContent): Extension[] {
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
    extensions.push(new SubjectAlternativeNameExtension(names, subject.length === 0));
  }
  if (authority?.nameConstraints !== undefined) {
    extensions.push(new Extension(oids.nameConstraints, true, new Uint8Array(authority.nameConstraints)));
  }
  return extensions;
}
