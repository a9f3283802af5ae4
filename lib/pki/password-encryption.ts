import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { der, objectIdentifier, octetString, sequence, unsignedInteger } from './der.ts';

const derive = promisify(pbkdf2);

const oids = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
} as const;

/** What was encrypted, and the AlgorithmIdentifier that says how, in DER. */
export interface Encrypted {
  readonly algorithm: Buffer;
  readonly data: Buffer;
}

/** PBES2 (RFC 8018 6.2): AES-256-CBC, its key from PBKDF2 with HMAC-SHA-256 over the UTF-8 of the passphrase. */
export async function encryptPbes2(
  plain: Buffer,
  passphrase: string,
  iterations: number,
): Promise<Encrypted> {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = await derive(Buffer.from(passphrase, 'utf8'), salt, iterations, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const data = Buffer.concat([cipher.update(plain), cipher.final()]);
  const none = der(0x05);
  const derivation = sequence(
    objectIdentifier(oids.pbkdf2),
    sequence(
      octetString(salt),
      unsignedInteger(iterations),
      sequence(objectIdentifier(oids.hmacSha256), none),
    ),
  );
  const scheme = sequence(objectIdentifier(oids.aes256Cbc), octetString(iv));
  return { algorithm: sequence(objectIdentifier(oids.pbes2), sequence(derivation, scheme)), data };
}
