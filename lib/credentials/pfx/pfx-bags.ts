import {
  type DerElement,
  expectTag,
  explicitTag,
  implicitTag,
  readChildren,
  readElement,
  readOid,
  tags,
} from '../../x509/der.ts';
import { toDer } from './pfx-ber.ts';
import { decrypt } from './pfx-encryption.ts';
import { notOpened } from './pfx-error.ts';
import type { Passphrase } from './pfx-key-derivation.ts';

export const contentTypes = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
} as const;

/** RFC 7292 4.2. */
const bagTypes = {
  key: '1.2.840.113549.1.12.10.1.1',
  pkcs8ShroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  safeContents: '1.2.840.113549.1.12.10.1.6',
} as const;

const x509Certificate = '1.2.840.113549.1.9.22.1';

/** What a PFX holds, in the file's order: PrivateKeyInfo and certificates, in DER. */
export interface PfxContents {
  readonly keys: Buffer[];
  readonly certificates: Buffer[];
}

/** A ContentInfo (RFC 5652 3): its type and the element inside its `[0]`. */
export function readContentInfo(element: DerElement | undefined): { type: string; content: DerElement } {
  const [type, content] = readChildren(expectTag(element, tags.sequence));
  return { type: readOid(type), content: readElement(expectTag(content, explicitTag(0)).content) };
}

/** AuthenticatedSafe (RFC 7292 4.1). Other kinds of content and of bags are passed over, as OpenSSL does. */
export function readAuthenticatedSafe(safe: Buffer, passphrase: Passphrase): PfxContents {
  const contents: PfxContents = { keys: [], certificates: [] };
  for (const info of readChildren(readElement(toDer(safe), tags.sequence))) {
    const { type, content } = readContentInfo(info);
    if (type === contentTypes.data) {
      const octets = expectTag(content, tags.octetString).content;
      readSafeContents(readElement(toDer(octets)), passphrase, contents);
    } else if (type === contentTypes.encryptedData) {
      readSafeContents(decryptSafeContents(content, passphrase), passphrase, contents);
    }
  }
  return contents;
}

/** EncryptedData (RFC 5652 8). */
function decryptSafeContents(element: DerElement, passphrase: Passphrase): DerElement {
  const [, info] = readChildren(expectTag(element, tags.sequence));
  const [, algorithm, content] = readChildren(expectTag(info, tags.sequence));
  const plain = decrypt(algorithm, readImplicitOctets(content), passphrase);
  try {
    return readElement(toDer(plain), tags.sequence);
  } catch {
    // One wrong key in 256 leaves a padding that looks right.
    throw notOpened(passphrase.text);
  }
}

/** `[0] IMPLICIT OCTET STRING`, which BER may cut into parts. */
function readImplicitOctets(element: DerElement | undefined): Buffer {
  if (element?.tag !== explicitTag(0)) return expectTag(element, implicitTag(0)).content;
  return Buffer.concat(readChildren(element).map((part) => expectTag(part, tags.octetString).content));
}

function readSafeContents(safeContents: DerElement, passphrase: Passphrase, into: PfxContents): void {
  for (const bag of readChildren(expectTag(safeContents, tags.sequence))) {
    const [type, value] = readChildren(expectTag(bag, tags.sequence));
    readBag(readOid(type), expectTag(value, explicitTag(0)).content, passphrase, into);
  }
}

function readBag(type: string, value: Buffer, passphrase: Passphrase, into: PfxContents): void {
  switch (type) {
    case bagTypes.key:
      into.keys.push(value);
      break;
    case bagTypes.pkcs8ShroudedKey:
      into.keys.push(decryptKey(readElement(value, tags.sequence), passphrase));
      break;
    case bagTypes.certificate:
      into.certificates.push(...readCertificateBag(readElement(value, tags.sequence)));
      break;
    case bagTypes.safeContents:
      readSafeContents(readElement(value), passphrase, into);
      break;
    default:
  }
}

/** EncryptedPrivateKeyInfo (RFC 5958 3). */
function decryptKey(element: DerElement, passphrase: Passphrase): Buffer {
  const [algorithm, data] = readChildren(element);
  return decrypt(algorithm, expectTag(data, tags.octetString).content, passphrase);
}

/** CertBag (RFC 7292 4.2.3); the other kind, an SDSI certificate, is passed over. */
function readCertificateBag(element: DerElement): Buffer[] {
  const [type, value] = readChildren(element);
  if (readOid(type) !== x509Certificate) return [];
  return [readElement(expectTag(value, explicitTag(0)).content, tags.octetString).content];
}
