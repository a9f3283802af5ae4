import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import { Certificate } from '../../x509/certificate.ts';
import {
  type DerElement,
  DerError,
  expectTag,
  readChildren,
  readElement,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';
import { contentTypes, type PfxContents, readAuthenticatedSafe, readContentInfo } from './pfx-bags.ts';
import { toDer } from './pfx-ber.ts';
import { notOpened, PfxError } from './pfx-error.ts';
import { type Passphrase, readPassphrase } from './pfx-key-derivation.ts';
import { verifyMac } from './pfx-mac.ts';

/** The content of a PFX: one private key, its certificate, and the others in the file's order. */
interface Pfx {
  readonly key: KeyObject;
  readonly certificates: readonly [leaf: Certificate, ...others: Certificate[]];
}

/** Two hundred CAs take a quarter of it. */
const maxSize = 2 ** 20;

/**
 * Reads a PFX (PKCS#12, RFC 7292) in DER or BER, so that it can be seen what is inside: Node's own `pfx` makes each
 * CA in it a trust anchor for clients. It reads what exporters write and OpenSSL 3 reads without its legacy provider:
 * a MAC with SHA-1 or SHA-2, PBES2 with AES-CBC or triple DES, triple DES of PKCS#12 itself, nothing encrypted; and
 * PBMAC1 (RFC 9579) on every version of Node. No passphrase and an empty one are the same.
 *
 * The MAC is verified before anything else is used. A file without one is read only without a passphrase, as OpenSSL
 * 3.0 does: who gives a passphrase relies on it that nobody else has written the file.
 *
 * Everything else is a ConfigError `PFX_INVALID` at `path`: another passphrase, a damaged file, an algorithm that is
 * broken or unknown, not exactly one key, no certificate for the key.
 */
export function readPfx(pfx: Buffer, passphrase: string | undefined, path: string): Pfx {
  try {
    return pickKeyPair(readContents(pfx, passphrase ?? ''));
  } catch (error) {
    if (error instanceof PfxError) throw new ConfigError('PFX_INVALID', path, error.message, error.remedy);
    if (!(error instanceof DerError)) throw error;
    throw new ConfigError(
      'PFX_INVALID',
      path,
      'it is damaged, or no PKCS#12 file',
      'Give the octets of the file, as `readFileSync(file)` without an encoding does.',
      error,
    );
  }
}

/** PFX (RFC 7292 4). */
function readContents(pfx: Buffer, passphrase: string): PfxContents {
  if (pfx.length > maxSize) {
    throw new PfxError('it is larger than 1 MiB', 'Export only the key and its certificates.');
  }
  const [version, authSafe, macData] = readChildren(readElement(toDer(pfx), tags.sequence));
  if (readSmallInteger(version) !== 3) throw new DerError('not version 3');
  const { type, content } = readContentInfo(authSafe);
  if (type !== contentTypes.data) {
    throw new PfxError('it has a signature instead of a MAC', 'Export it again with a passphrase.');
  }
  const safe = expectTag(content, tags.octetString).content;
  return readAuthenticatedSafe(safe, checkPassphrase(passphrase, macData, safe));
}

/** The encoding of the passphrase that fits the MAC. */
function checkPassphrase(text: string, macData: DerElement | undefined, safe: Buffer): Passphrase {
  const candidates = readPassphrase(text);
  if (macData === undefined) {
    if (text === '') return candidates[0];
    throw new PfxError(
      'it has no MAC, so that the passphrase does not protect it against changes',
      'Export it again without `-nomac`; if nothing in it is encrypted, give no `passphrase`.',
    );
  }
  const passphrase = candidates.find((candidate) => verifyMac(macData, safe, candidate));
  if (passphrase === undefined) throw notOpened(text);
  return passphrase;
}

function pickKeyPair(contents: PfxContents): Pfx {
  const key = readKey(contents.keys);
  const certificates = readCertificates(contents.certificates);
  const leaf = certificates.find(({ x509 }) => x509.checkPrivateKey(key));
  if (leaf === undefined) {
    throw new PfxError(
      certificates.length === 0 ? 'it holds no certificate' : 'none of its certificates belongs to its key',
      'Export the key together with its certificate.',
    );
  }
  return { key, certificates: [leaf, ...certificates.filter((certificate) => certificate !== leaf)] };
}

function readKey(keys: readonly Buffer[]): KeyObject {
  const [key, ...others] = keys;
  if (key === undefined) {
    throw new PfxError('it holds no private key', 'Export the certificate together with its key.');
  }
  if (others.length > 0) {
    throw new PfxError(
      `it holds ${keys.length} private keys`,
      'Export each key with its certificate to a file of its own.',
    );
  }
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } catch {
    throw new PfxError(
      'its private key cannot be read',
      'Give the right `passphrase`, or a key of a type that Node knows.',
    );
  }
}

/** Each certificate once, as some exporters write the leaf in the chain again. */
function readCertificates(ders: readonly Buffer[]): Certificate[] {
  const certificates = new Map<string, Certificate>();
  for (const der of ders) {
    const certificate = readPfxCertificate(der);
    if (!certificates.has(certificate.sha256)) certificates.set(certificate.sha256, certificate);
  }
  return [...certificates.values()];
}

function readPfxCertificate(der: Buffer): Certificate {
  try {
    const certificate = new Certificate(der);
    // OpenSSL has to take it as well, and says so only when it is asked.
    void certificate.x509;
    return certificate;
  } catch {
    throw new PfxError('a certificate in it is damaged', 'Export it again.');
  }
}
