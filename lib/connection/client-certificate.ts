import type { Certificate } from '../x509/certificate.ts';
import type { KeyUsage, SubjectAltNames } from '../x509/extensions.ts';
import type { DistinguishedName } from '../x509/name.ts';
import type { PublicKeyInfo } from '../x509/public-key.ts';
import { readSpiffeId } from './spiffe-id.ts';

/**
 * A client's certificate that was verified: path, purpose and dates. Frozen, and safe to give to `JSON.stringify`.
 * Only this folder makes one; an object that merely looks like it passes no rule (`isClientCertificate`).
 */
export interface ClientCertificate {
  /** Attributes by their short names, each an array of texts: `{ CN: ['alice'] }`. */
  readonly subject: DistinguishedName;
  /** The name of who signed it, in the same form. */
  readonly issuer: DistinguishedName;
  /** Upper-case hexadecimal; a negative one begins with '-'. */
  readonly serialNumber: string;
  /** Not valid before. */
  readonly notBefore: Date;
  /** Not valid after. */
  readonly notAfter: Date;
  /** Typed names, from the DER. */
  readonly subjectAltNames: SubjectAltNames;
  /** The SPIFFE ID, where the only URI is a valid one (X.509-SVID 2). */
  readonly spiffeId: string | undefined;
  /** Whether basicConstraints make it a CA's. */
  readonly isCa: boolean;
  /** The named bits of the extension; empty where there is none. */
  readonly keyUsage: readonly KeyUsage[];
  /** OIDs. */
  readonly extendedKeyUsage: readonly string[];
  /** OIDs. */
  readonly certificatePolicies: readonly string[];
  /** `type` and `curve` in Node's terms: 'rsa', 'ec' and 'prime256v1', 'ed25519' … */
  readonly publicKey: PublicKeyInfo;
  /** SHA-256 of the DER: 'AB:CD:…'. */
  readonly fingerprint256: string;
  /** `sha256/…=` of the SPKI (RFC 7469). */
  readonly pin: string;
  /** `x5t#S256`: base64url SHA-256 of the DER (RFC 8705 3.1). */
  readonly thumbprint: string;
  /** The issuers, up to the trust anchor. */
  readonly chain: readonly ClientCertificate[];
  /** The certificate in PEM. */
  readonly pem: string;
}

const genuine = new WeakSet<object>();

/** Whether this folder made `value`. */
export const isClientCertificate = (value: unknown): value is ClientCertificate =>
  typeof value === 'object' && value !== null && genuine.has(value);

/** The last certificates of paths: a trust anchor stands at the end of all its clients' paths. */
const ends = new WeakMap<Certificate, ClientCertificate>();

/** The certificate at the head of a path that the caller has verified. */
export function verifiedCertificate(path: readonly Certificate[]): ClientCertificate | undefined {
  const [leaf, ...issuers] = path;
  if (leaf === undefined) return undefined;
  const known = issuers.length === 0 ? ends.get(leaf) : undefined;
  if (known !== undefined) return known;
  const above = verifiedCertificate(issuers);
  const certificate: ClientCertificate = Object.freeze({
    subject: leaf.subject,
    issuer: leaf.issuer,
    serialNumber: leaf.serialNumber,
    // A Date can be changed even when frozen, and this object is shared by all connections of the client.
    get notBefore(): Date {
      return new Date(leaf.notBefore);
    },
    get notAfter(): Date {
      return new Date(leaf.notAfter);
    },
    subjectAltNames: leaf.subjectAltNames,
    spiffeId: spiffeId(leaf),
    isCa: leaf.isCa,
    keyUsage: Object.freeze([...(leaf.keyUsage ?? [])]),
    extendedKeyUsage: Object.freeze([...(leaf.extendedKeyUsage ?? [])]),
    certificatePolicies: Object.freeze([...leaf.certificatePolicies]),
    publicKey: leaf.publicKey,
    fingerprint256: leaf.fingerprint256,
    pin: leaf.pin,
    thumbprint: Buffer.from(leaf.sha256, 'hex').toString('base64url'),
    chain: Object.freeze(above === undefined ? [] : [above, ...above.chain]),
    pem: leaf.pem,
  });
  genuine.add(certificate);
  if (issuers.length === 0) ends.set(leaf, certificate);
  return certificate;
}

function spiffeId({ subjectAltNames: { uri } }: Certificate): string | undefined {
  const [only, ...others] = uri;
  return only !== undefined && others.length === 0 && readSpiffeId(only) !== undefined ? only : undefined;
}
