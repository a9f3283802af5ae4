import { octetString, sequence } from './der.ts';
import { readPrivateKey } from './keys.ts';
import { readPassphrase } from './passphrase.ts';
import { encryptPbes2 } from './password-encryption.ts';
import { encodePem } from './pem.ts';

/** OWASP's figure for PBKDF2 with HMAC-SHA-256, of 2023; OpenSSL itself takes 2048. It costs 0.1 to 0.3 s at each use. */
const iterations = 600_000;

/**
 * A private key in PEM, encrypted with a passphrase: PKCS#8 `BEGIN ENCRYPTED PRIVATE KEY` (RFC 5958 3), PBES2 with
 * AES-256-CBC and PBKDF2-HMAC-SHA-256 of 600,000 iterations. Node, OpenSSL and whoever reads PKCS#8 can open it, and so
 * do `passphrase` of `createServer` and of `loadAuthority`.
 *
 * ConfigErrors `KEY_INVALID`, and `OPTION_INVALID` for a passphrase that is empty or has control characters.
 */
export async function encryptKey(key: string, passphrase: string): Promise<string> {
  const secret = readPassphrase(passphrase, 'passphrase');
  const privateKey = readPrivateKey(key, undefined, 'key');
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const { algorithm, data } = await encryptPbes2(plain, secret, iterations);
  return encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(data)));
}
