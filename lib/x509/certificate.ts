import { hash, X509Certificate } from 'node:crypto';
import {
  type DerElement,
  DerError,
  expectTag,
  explicitTag,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  readTime,
  tags,
} from './der.ts';
import {
  type BasicConstraints,
  type Extension,
  type KeyUsage,
  oids,
  readAuthorityKeyId,
  readBasicConstraints,
  readExtensions,
  readKeyUsage,
  readOidList,
  readPolicies,
  readSubjectAltNames,
  readSubjectKeyId,
  type SubjectAltNames,
} from './extensions.ts';
import { type DistinguishedName, readName } from './name.ts';
import { type PublicKeyInfo, readPublicKey } from './public-key.ts';

/**
 * What a certificate says of itself (RFC 5280 4.1), read from its DER. No more than that: nothing here is verified.
 * Times are milliseconds since 1970.
 */
export class Certificate {
  readonly raw: Buffer;
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly sha256: string;
  readonly version: number;
  /** Upper-case hexadecimal as Node writes it; a negative one starts with '-'. */
  readonly serialNumber: string;
  readonly signatureAlgorithm: DerElement;
  readonly issuer: DistinguishedName;
  readonly issuerRaw: Buffer;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subject: DistinguishedName;
  readonly subjectRaw: Buffer;
  /** SubjectPublicKeyInfo in DER: what a pin hashes. */
  readonly publicKeyRaw: Buffer;
  readonly publicKey: PublicKeyInfo;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly subjectAltNames: SubjectAltNames;
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly certificatePolicies: readonly string[];
  readonly authorityKeyId: string | undefined;
  readonly subjectKeyId: string | undefined;
  #x509: X509Certificate | undefined;

  /** Throws a DerError where `der` is no certificate. */
  constructor(der: Buffer) {
    this.raw = Buffer.from(der);
    this.sha256 = hash('sha256', this.raw, 'hex');
    const [tbs, outerAlgorithm, signature] = readChildren(readElement(this.raw, tags.sequence));
    expectTag(signature, tags.bitString);
    const fields = readChildren(expectTag(tbs, tags.sequence));
    const versionField = fields[0]?.tag === explicitTag(0) ? fields.shift() : undefined;
    this.version = versionField === undefined ? 1 : readSmallInteger(readElement(versionField.content)) + 1;
    const [serial, algorithm, issuer, validity, subject, publicKey, ...optional] = fields;
    this.serialNumber = readSerial(serial);
    this.signatureAlgorithm = expectTag(algorithm, tags.sequence);
    // RFC 5280 4.1.1.2: the algorithm stands twice and must be the same, or the signed one could be exchanged.
    if (!this.signatureAlgorithm.raw.equals(expectTag(outerAlgorithm, tags.sequence).raw)) {
      throw new DerError('the two signature algorithms differ');
    }
    this.issuer = readName(issuer);
    this.issuerRaw = issuer!.raw;
    const [notBefore, notAfter] = readChildren(expectTag(validity, tags.sequence));
    this.notBefore = readTime(notBefore);
    this.notAfter = readTime(notAfter);
    this.subject = readName(subject);
    this.subjectRaw = subject!.raw;
    this.publicKeyRaw = expectTag(publicKey, tags.sequence).raw;
    this.publicKey = readPublicKey(publicKey!);
    const extensions = optional.find(({ tag }) => tag === explicitTag(3));
    this.extensions = extensions === undefined ? new Map() : readExtensions(extensions);
    const value = (oid: string): Buffer | undefined => this.extensions.get(oid)?.value;
    const constraints = value(oids.basicConstraints);
    const keyUsage = value(oids.keyUsage);
    const extendedKeyUsage = value(oids.extendedKeyUsage);
    this.subjectAltNames = readSubjectAltNames(value(oids.subjectAltName));
    this.basicConstraints = constraints && readBasicConstraints(constraints);
    this.keyUsage = keyUsage && readKeyUsage(keyUsage);
    this.extendedKeyUsage = extendedKeyUsage && readOidList(extendedKeyUsage);
    this.certificatePolicies = readPolicies(value(oids.certificatePolicies));
    this.authorityKeyId = readAuthorityKeyId(value(oids.authorityKeyIdentifier));
    this.subjectKeyId = readSubjectKeyId(value(oids.subjectKeyIdentifier));
  }

  /** Node's view, for what only OpenSSL can do: signatures. Made when first asked for (0.3 ms on Node 20). */
  get x509(): X509Certificate {
    return (this.#x509 ??= new X509Certificate(this.raw));
  }

  get isCa(): boolean {
    return this.basicConstraints?.ca === true;
  }

  get isSelfIssued(): boolean {
    return this.subjectRaw.equals(this.issuerRaw);
  }

  /** RFC 7469 pin in OkHttp's notation: `sha256/` and the base64 SHA-256 of the SPKI. */
  get pin(): string {
    return `sha256/${hash('sha256', this.publicKeyRaw, 'base64')}`;
  }

  /** Colon-separated upper-case SHA-256 of the DER, as `openssl x509 -fingerprint -sha256` prints it. */
  get fingerprint256(): string {
    return this.sha256.toUpperCase().replaceAll(/..(?=.)/g, '$&:');
  }

  get pem(): string {
    const lines = this.raw.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }
}

/** The certificate in `der`, or undefined where it is none, as what a stranger sends may be. */
export function readCertificate(der: Buffer): Certificate | undefined {
  try {
    return new Certificate(der);
  } catch {
    return undefined;
  }
}

export const signatureAlgorithmOid = (certificate: Certificate): string =>
  readOid(readChildren(certificate.signatureAlgorithm)[0]);

function readSerial(element: DerElement | undefined): string {
  const { content } = expectTag(element, tags.integer);
  if (content.length === 0) throw new DerError('an empty serial number');
  const negative = content[0]! >= 0x80;
  const digits = (negative ? magnitudeOf(content) : content.toString('hex')).toUpperCase();
  let start = 0;
  while (start < digits.length - 2 && digits.startsWith('00', start)) start += 2;
  const hex = digits.slice(start);
  return hex === '00' ? '0' : `${negative ? '-' : ''}${hex}`;
}

/** Of a negative number, in hexadecimal of whole octets. */
function magnitudeOf(content: Buffer): string {
  const magnitude = (1n << BigInt(content.length * 8)) - BigInt(`0x${content.toString('hex')}`);
  return magnitude.toString(16).padStart(content.length * 2, '0');
}
