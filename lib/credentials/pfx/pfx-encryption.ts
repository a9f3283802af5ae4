import { createDecipheriv } from 'node:crypto';
import {
  type DerElement,
  DerError,
  expectTag,
  readChildren,
  readOid,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';
import { notOpened, unsupported } from './pfx-error.ts';
import { derivePbkdf2, derivePkcs12, type Passphrase } from './pfx-key-derivation.ts';

interface Cipher {
  readonly name: string;
  readonly keyLength: number;
  readonly ivLength: number;
}

const pbes2 = '1.2.840.113549.1.5.13';

/** RFC 8018 B.2.2 and B.2.5. */
const pbes2Ciphers: Readonly<Record<string, Cipher>> = {
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyLength: 24, ivLength: 8 },
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyLength: 16, ivLength: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyLength: 24, ivLength: 16 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyLength: 32, ivLength: 16 },
};

/** RFC 7292 C, as far as OpenSSL 3 reads them without its legacy provider. */
const pkcs12Ciphers: Readonly<Record<string, Cipher>> = {
  '1.2.840.113549.1.12.1.3': { name: 'des-ede3-cbc', keyLength: 24, ivLength: 8 },
  '1.2.840.113549.1.12.1.4': { name: 'des-ede-cbc', keyLength: 16, ivLength: 8 },
};

const brokenCiphers: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.12.1.1': '128-bit RC4',
  '1.2.840.113549.1.12.1.2': '40-bit RC4',
  '1.2.840.113549.1.12.1.5': '128-bit RC2',
  '1.2.840.113549.1.12.1.6': '40-bit RC2',
};

/** Decrypts as an encryption's AlgorithmIdentifier says: PBES2 (RFC 8018 6.2), or triple DES of RFC 7292 C. */
export function decrypt(algorithm: DerElement | undefined, data: Buffer, passphrase: Passphrase): Buffer {
  const [type, parameters] = readChildren(expectTag(algorithm, tags.sequence));
  const oid = readOid(type);
  const fields = readChildren(expectTag(parameters, tags.sequence));
  const { cipher, key, iv } =
    oid === pbes2 ? readPbes2(fields, passphrase) : readPkcs12Encryption(oid, fields, passphrase);
  if (iv.length !== cipher.ivLength) throw new DerError('an initialization vector that does not fit');
  const decipher = createDecipheriv(cipher.name, key, iv);
  try {
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch {
    throw notOpened(passphrase.text);
  }
}

interface CipherKey {
  readonly cipher: Cipher;
  readonly key: Buffer;
  readonly iv: Buffer;
}

function readPbes2([derivation, scheme]: readonly DerElement[], passphrase: Passphrase): CipherKey {
  const [type, iv] = readChildren(expectTag(scheme, tags.sequence));
  const oid = readOid(type);
  const cipher = pbes2Ciphers[oid];
  if (cipher === undefined) throw unsupported(`the cipher ${oid}`);
  const key = derivePbkdf2(passphrase, derivation, cipher.keyLength);
  return { cipher, key, iv: expectTag(iv, tags.octetString).content };
}

function readPkcs12Encryption(
  oid: string,
  [salt, count]: readonly DerElement[],
  passphrase: Passphrase,
): CipherKey {
  const cipher = pkcs12Ciphers[oid];
  if (cipher === undefined) throw unsupported(brokenCiphers[oid] ?? `the encryption ${oid}`);
  const iterations = passphrase.spend(readSmallInteger(count));
  const derivation = { digest: 'sha1', salt: expectTag(salt, tags.octetString).content, iterations };
  return {
    cipher,
    key: derivePkcs12(passphrase, { ...derivation, purpose: 'key', length: cipher.keyLength }),
    iv: derivePkcs12(passphrase, { ...derivation, purpose: 'iv', length: cipher.ivLength }),
  };
}
