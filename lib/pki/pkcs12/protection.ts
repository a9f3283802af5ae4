import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { der, objectIdentifier, octetString, sequence, unsignedInteger } from '../der.ts';
import { type Encrypted, encryptPbes2 } from '../password-encryption.ts';
import { bmpPassphrase, derivePkcs12InTurns } from './key-derivation.ts';

/** How the content of a PKCS#12 file is encrypted and authenticated. */
export interface Protection {
  encrypt(plain: Buffer): Promise<Encrypted>;
  /** MacData (RFC 7292 4) on the authenticated safe. */
  authenticate(safe: Buffer): Promise<Buffer>;
}

/** Eight octets, as OpenSSL writes it: the keychain of macOS does not open a file whose MAC has a longer salt. */
const saltLength = 8;
const triple = '1.2.840.113549.1.12.1.3';

/** Triple DES and HMAC-SHA-1 with keys by PKCS#12's own derivation (RFC 7292 B and C). */
export function compatibleProtection(passphrase: string, iterations: number): Protection {
  const bmp = bmpPassphrase(passphrase);
  return {
    encrypt: async (plain) => {
      const salt = randomBytes(saltLength);
      const derivation = { digest: 'sha1', salt, iterations };
      const key = await derivePkcs12InTurns(bmp, { ...derivation, purpose: 'key', length: 24 });
      const iv = await derivePkcs12InTurns(bmp, { ...derivation, purpose: 'iv', length: 8 });
      const cipher = createCipheriv('des-ede3-cbc', key, iv);
      const data = Buffer.concat([cipher.update(plain), cipher.final()]);
      const parameters = sequence(octetString(salt), unsignedInteger(iterations));
      return { algorithm: sequence(objectIdentifier(triple), parameters), data };
    },
    authenticate: (safe) => macData(bmp, safe, iterations, sha1),
  };
}

/** AES-256 by PBES2 with HMAC-SHA-256 (RFC 8018 6.2), and HMAC-SHA-256. */
export function modernProtection(passphrase: string, iterations: number): Protection {
  const bmp = bmpPassphrase(passphrase);
  return {
    encrypt: (plain) => encryptPbes2(plain, passphrase, iterations),
    authenticate: (safe) => macData(bmp, safe, iterations, sha256),
  };
}

interface MacDigest {
  readonly digest: string;
  readonly oid: string;
  readonly length: number;
}
const sha1: MacDigest = { digest: 'sha1', oid: '1.3.14.3.2.26', length: 20 };
const sha256: MacDigest = { digest: 'sha256', oid: '2.16.840.1.101.3.4.2.1', length: 32 };

async function macData(
  bmp: Buffer,
  safe: Buffer,
  iterations: number,
  { digest, oid, length }: MacDigest,
): Promise<Buffer> {
  const salt = randomBytes(saltLength);
  const key = await derivePkcs12InTurns(bmp, { digest, purpose: 'mac', salt, iterations, length });
  const mac = createHmac(digest, key).update(safe).digest();
  const digestInfo = sequence(sequence(objectIdentifier(oid), der(0x05)), octetString(mac));
  return sequence(digestInfo, octetString(salt), unsignedInteger(iterations));
}
