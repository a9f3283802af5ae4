import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import {
  bitString,
  der,
  objectIdentifier,
  positiveInteger,
  sequence,
  time,
  unsignedInteger,
} from '../../lib/pki/der.ts';
import { encodePem } from '../../lib/pki/pem.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { explicitTag, tags } from '../../lib/x509/der.ts';
import { extension, purposes } from './odd-extensions.ts';
import { newKeys } from './odd-keys.ts';
import { commonName } from './odd-names.ts';

type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** What a certificate has where it is not told otherwise; `null` leaves the extension out. */
interface OddExtensions {
  basicConstraints?: Buffer | null;
  keyUsage?: Buffer | null;
  extendedKeyUsage?: Buffer | null;
  subjectAltName?: Buffer | null;
  nameConstraints?: Buffer | null;
  subjectKeyId?: Buffer | null;
  authorityKeyId?: Buffer | null;
  certificatePolicies?: Buffer | null;
}

/** Everything that can be made odd. Nothing is checked. */
export interface Overrides {
  /** Who signs; without one it signs itself. */
  issuer?: OddCertificate;
  /** The Name that stands for the issuer, where it shall not be the issuer's own. */
  issuerName?: Buffer;
  /** A Name in DER; see odd-names. Default: `CN=odd`. */
  subject?: Buffer;
  /** Default: a new key on P-256. */
  keys?: KeyPairKeyObjectResult;
  /** SubjectPublicKeyInfo in DER, where it shall not be that of the keys. */
  publicKey?: Buffer;
  /** What stands for the key. Default: from its hash. */
  keyId?: Buffer;
  /** 1 and 2 have no extensions. Default 3. */
  version?: 1 | 2 | 3;
  /** The content octets of the INTEGER, as they are. Default: 16 random octets, positive. */
  serialNumber?: Buffer;
  /** A Date, or a whole Time in DER. Default: an hour ago. */
  notBefore?: Date | Buffer;
  /** Default: in a day. */
  notAfter?: Date | Buffer;
  /** Those that replace the usual ones. */
  extensions?: OddExtensions;
  /** Whole extensions to stand at the end: unknown ones, or some for a second time. */
  moreExtensions?: readonly Buffer[];
  /** Whole fields after the key: unique identifiers. */
  moreFields?: readonly Buffer[];
  /** Default: SHA-256. Ed25519 and Ed448 have their own. */
  hash?: Hash;
  /** Sign by RSA-PSS with a plain RSA key. */
  pss?: boolean;
  /** The AlgorithmIdentifier inside and outside, where it shall not be that of the key. */
  algorithm?: Buffer;
  /** The AlgorithmIdentifier inside, where it shall differ from the one outside. */
  innerAlgorithm?: Buffer;
  /** Turn a bit of the signature. */
  damaged?: boolean;
}

export interface OddCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8 in PEM. */
  readonly key: string;
  readonly der: Buffer;
  readonly keys: KeyPairKeyObjectResult;
  /** Its Name in DER. */
  readonly subject: Buffer;
  readonly keyId: Buffer;
}

/** A client's certificate that is in order but for the overrides. */
export function oddCertificate(overrides: Overrides = {}): OddCertificate {
  return build(overrides, {
    basicConstraints: extension.basicConstraints(),
    keyUsage: extension.keyUsage(['digitalSignature']),
    extendedKeyUsage: extension.extendedKeyUsage([purposes.clientAuth]),
  });
}

/** A CA that is in order but for the overrides: a root, or with `issuer` an intermediate. */
export function oddAuthority(overrides: Overrides = {}): OddCertificate {
  return build(
    { subject: commonName(overrides.issuer === undefined ? 'odd root' : 'odd intermediate'), ...overrides },
    {
      basicConstraints: extension.basicConstraints({ ca: true }),
      keyUsage: extension.keyUsage(['keyCertSign', 'cRLSign']),
    },
  );
}

/** Another CA of the same name and the same key identifier, with a key of its own. */
export const impostorOf = (authority: OddCertificate, overrides: Overrides = {}): OddCertificate =>
  oddAuthority({ subject: authority.subject, keyId: authority.keyId, ...overrides });

/** An authority of ours, to issue odd certificates. */
export function issuerOf({ certificate, key }: { certificate: string; key: string }): OddCertificate {
  const { raw } = new X509Certificate(certificate);
  const { subjectRaw, subjectKeyId = '' } = new Certificate(raw);
  const keys = { privateKey: createPrivateKey(key), publicKey: createPublicKey(certificate) };
  return { certificate, key, der: raw, keys, subject: subjectRaw, keyId: Buffer.from(subjectKeyId, 'hex') };
}

export const utcTime = (text: string): Buffer => der(tags.utcTime, Buffer.from(text, 'latin1'));
export const generalizedTime = (text: string): Buffer =>
  der(tags.generalizedTime, Buffer.from(text, 'latin1'));

function build(overrides: Overrides, usual: OddExtensions): OddCertificate {
  const {
    issuer,
    keys = newKeys('ec-p256'),
    subject = commonName('odd'),
    hash = 'sha256',
    pss = false,
  } = overrides;
  const publicKey = overrides.publicKey ?? keys.publicKey.export({ type: 'spki', format: 'der' });
  const keyId = overrides.keyId ?? createHash('sha256').update(publicKey).digest().subarray(0, 20);
  const signingKey = issuer?.keys.privateKey ?? keys.privateKey;
  const algorithm = overrides.algorithm ?? algorithmOf(signingKey, hash, pss);
  const extensions: OddExtensions = {
    ...usual,
    subjectKeyId: extension.subjectKeyId(keyId),
    authorityKeyId: extension.authorityKeyId(issuer?.keyId ?? keyId),
    ...overrides.extensions,
  };
  const body = sequence(
    ...versionAndSerial(overrides),
    overrides.innerAlgorithm ?? algorithm,
    overrides.issuerName ?? issuer?.subject ?? subject,
    sequence(encodeTime(overrides.notBefore, -3_600_000), encodeTime(overrides.notAfter, 86_400_000)),
    subject,
    publicKey,
    ...(overrides.moreFields ?? []),
    ...encodeExtensions(overrides, extensions),
  );
  const signature = signBody(body, signingKey, hash, pss);
  if (overrides.damaged === true) signature[signature.length - 1]! ^= 1;
  const certificate = sequence(body, algorithm, bitString(signature));
  return {
    certificate: encodePem('CERTIFICATE', certificate),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    der: certificate,
    keys,
    subject,
    keyId,
  };
}

function versionAndSerial({ version = 3, serialNumber }: Overrides): Buffer[] {
  const serial =
    serialNumber === undefined ? positiveInteger(randomBytes(16)) : der(tags.integer, serialNumber);
  return version === 1 ? [serial] : [der(explicitTag(0), unsignedInteger(version - 1)), serial];
}

function encodeExtensions(
  { version = 3, moreExtensions = [] }: Overrides,
  extensions: OddExtensions,
): Buffer[] {
  const all = [...Object.values(extensions), ...moreExtensions].filter((item): item is Buffer =>
    Buffer.isBuffer(item),
  );
  return version < 3 || all.length === 0 ? [] : [der(explicitTag(3), sequence(...all))];
}

function encodeTime(value: Date | Buffer | undefined, fromNowMs: number): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return time(value ?? new Date(Date.now() + fromNowMs));
}

const hashOids: Readonly<Record<Hash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const rsaOids: Readonly<Record<Hash, string>> = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};
const ecdsaOids: Readonly<Record<Hash, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
const saltLengths: Readonly<Record<Hash, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

/** The AlgorithmIdentifier of a signature by this key. */
export function algorithmOf(key: KeyObject, hash: Hash = 'sha256', pss = false): Buffer {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return sequence(objectIdentifier('1.3.101.112'));
  if (type === 'ed448') return sequence(objectIdentifier('1.3.101.113'));
  if (type === 'ec') return sequence(objectIdentifier(ecdsaOids[hash]));
  if (type === 'dsa')
    return sequence(objectIdentifier(hash === 'sha1' ? '1.2.840.10040.4.3' : '2.16.840.1.101.3.4.3.2'));
  return type === 'rsa-pss' || pss
    ? pssAlgorithm(hash)
    : sequence(objectIdentifier(rsaOids[hash]), der(0x05));
}

/** RSASSA-PSS-params (RFC 4055 3.1). */
function pssAlgorithm(hash: Hash): Buffer {
  const hashAlgorithm = sequence(objectIdentifier(hashOids[hash]), der(0x05));
  return sequence(
    objectIdentifier('1.2.840.113549.1.1.10'),
    sequence(
      der(explicitTag(0), hashAlgorithm),
      der(explicitTag(1), sequence(objectIdentifier('1.2.840.113549.1.1.8'), hashAlgorithm)),
      der(explicitTag(2), unsignedInteger(saltLengths[hash])),
    ),
  );
}

function signBody(body: Buffer, key: KeyObject, hash: Hash, pss: boolean): Buffer {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519' || type === 'ed448') return sign(null, body, key);
  if (type !== 'rsa-pss' && !pss) return sign(hash, body, key);
  return sign(hash, body, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLengths[hash] });
}
