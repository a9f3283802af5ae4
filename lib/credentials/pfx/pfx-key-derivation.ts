import { pbkdf2Sync } from 'node:crypto';
import {
  bmpPassphrase,
  derivePkcs12 as derive,
  type Pkcs12Derivation,
} from '../../pki/pkcs12/key-derivation.ts';
import {
  type DerElement,
  DerError,
  expectTag,
  readChildren,
  readOid,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';
import { PfxError, unsupported } from './pfx-error.ts';

/** For all derivations of one file together: some seconds. OpenSSL writes 2048, Java 10,000 per derivation. */
const maxIterations = 10_000_000;

/** A passphrase in both encodings, and what deriving from it may still cost. */
export class Passphrase {
  readonly text: string;
  /** For the derivation of PKCS#12. */
  readonly bmp: Buffer;
  #iterationsLeft = maxIterations;

  constructor(text: string, bmp: Buffer) {
    this.text = text;
    this.bmp = bmp;
  }

  /** Takes the iterations of one derivation from what is left. */
  spend(iterations: number): number {
    if (iterations < 1) throw new DerError('an iteration count below 1');
    this.#iterationsLeft -= iterations;
    if (this.#iterationsLeft >= 0) return iterations;
    throw new PfxError(
      `it asks for more than ${maxIterations / 1e6} million iterations`,
      'Export it again with fewer: `openssl pkcs12 -export -iter 600000`.',
    );
  }
}

/**
 * A BMPString that ends with a NUL (RFC 7292 B.1). For no passphrase there are two habits, the NUL alone and
 * nothing at all; as OpenSSL does, both are tried.
 */
export function readPassphrase(text: string): readonly [Passphrase, ...Passphrase[]] {
  const bmp = bmpPassphrase(text);
  const terminated = new Passphrase(text, bmp);
  return text === '' ? [new Passphrase(text, Buffer.alloc(0)), terminated] : [terminated];
}

/** The derivation of RFC 7292 B.2, with its names. */
export const derivePkcs12 = (passphrase: Passphrase, derivation: Pkcs12Derivation): Buffer =>
  derive(passphrase.bmp, derivation);

/** RFC 8018 B.1.2 and the SHA-2 HMACs beside it. */
const hmacDigests: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.12': 'sha512-224',
  '1.2.840.113549.2.13': 'sha512-256',
};

/** The digest of an HMAC's AlgorithmIdentifier. */
export function readHmacDigest(algorithm: DerElement | undefined): string {
  const oid = readOid(readChildren(expectTag(algorithm, tags.sequence))[0]);
  const digest = hmacDigests[oid];
  if (digest === undefined) throw unsupported(`the HMAC ${oid}`);
  return digest;
}

const pbkdf2Oid = '1.2.840.113549.1.5.12';

/**
 * Derives as a key derivation function's AlgorithmIdentifier says, which must be PBKDF2 (RFC 8018 A.2). Without
 * `length` the key length must stand there, as RFC 9579 wants it.
 */
export function derivePbkdf2(
  passphrase: Passphrase,
  algorithm: DerElement | undefined,
  length?: number,
): Buffer {
  const [type, parameters] = readChildren(expectTag(algorithm, tags.sequence));
  const oid = readOid(type);
  if (oid !== pbkdf2Oid) throw unsupported(`the key derivation ${oid}`);
  const [salt, count, ...optional] = readChildren(expectTag(parameters, tags.sequence));
  const { content } = expectTag(salt, tags.octetString);
  const named = optional[0]?.tag === tags.integer ? readSmallInteger(optional.shift()) : length;
  if (named === undefined || named < 1 || named > 64 || named !== (length ?? named)) {
    throw new DerError('a key length that does not fit');
  }
  const digest = optional[0] === undefined ? 'sha1' : readHmacDigest(optional[0]);
  return pbkdf2Sync(passphrase.text, content, passphrase.spend(readSmallInteger(count)), named, digest);
}
