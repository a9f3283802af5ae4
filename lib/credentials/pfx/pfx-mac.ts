import { createHmac, timingSafeEqual } from 'node:crypto';
import { type DerElement, expectTag, readChildren, readOid, readSmallInteger, tags } from '../../x509/der.ts';
import { unsupported } from './pfx-error.ts';
import { derivePbkdf2, derivePkcs12, type Passphrase, readHmacDigest } from './pfx-key-derivation.ts';

const macDigests: Readonly<Record<string, readonly [digest: string, length: number]>> = {
  '1.3.14.3.2.26': ['sha1', 20],
  '2.16.840.1.101.3.4.2.1': ['sha256', 32],
  '2.16.840.1.101.3.4.2.2': ['sha384', 48],
  '2.16.840.1.101.3.4.2.3': ['sha512', 64],
  '2.16.840.1.101.3.4.2.4': ['sha224', 28],
  '2.16.840.1.101.3.4.2.5': ['sha512-224', 28],
  '2.16.840.1.101.3.4.2.6': ['sha512-256', 32],
};

const pbmac1 = '1.2.840.113549.1.5.14';

interface MacKey {
  readonly digest: string;
  readonly key: Buffer;
}

/** Whether MacData (RFC 7292 4), made with this passphrase, fits the content of the authenticated safe. */
export function verifyMac(macData: DerElement, content: Buffer, passphrase: Passphrase): boolean {
  const [digestInfo, salt, iterations] = readChildren(expectTag(macData, tags.sequence));
  const [algorithm, mac] = readChildren(expectTag(digestInfo, tags.sequence));
  const [type, parameters] = readChildren(expectTag(algorithm, tags.sequence));
  const oid = readOid(type);
  // RFC 9579 4: PBMAC1 has its own salt and iterations, those of MacData mean nothing.
  const { digest, key } =
    oid === pbmac1
      ? derivePbmac1Key(parameters, passphrase)
      : derivePkcs12Key(oid, salt, iterations, passphrase);
  const expected = expectTag(mac, tags.octetString).content;
  const seen = createHmac(digest, key).update(content).digest();
  return expected.length === seen.length && timingSafeEqual(expected, seen);
}

function derivePkcs12Key(
  oid: string,
  salt: DerElement | undefined,
  count: DerElement | undefined,
  passphrase: Passphrase,
): MacKey {
  const algorithm = macDigests[oid];
  if (algorithm === undefined) throw unsupported(`a MAC with the digest ${oid}`);
  const [digest, length] = algorithm;
  const iterations = passphrase.spend(count === undefined ? 1 : readSmallInteger(count));
  const { content } = expectTag(salt, tags.octetString);
  return {
    digest,
    key: derivePkcs12(passphrase, { digest, purpose: 'mac', salt: content, iterations, length }),
  };
}

function derivePbmac1Key(parameters: DerElement | undefined, passphrase: Passphrase): MacKey {
  const [derivation, scheme] = readChildren(expectTag(parameters, tags.sequence));
  return { digest: readHmacDigest(scheme), key: derivePbkdf2(passphrase, derivation) };
}
