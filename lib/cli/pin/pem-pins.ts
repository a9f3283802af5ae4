import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { sequence } from '../../pki/der.ts';
import { readCertificate } from '../../x509/certificate.ts';
import { readChildren, readElement, tags } from '../../x509/der.ts';
import type { PemBlock } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import { pinnedCertificate, type Pinned, pinnedKey } from './pinned.ts';
import { pinnedRequest } from './request-pin.ts';

/** The passphrase of a file, as far as there is one. */
export interface AskPassphrase {
  readonly given: string | undefined;
  /** Has it typed, once. */
  readonly typed: () => Promise<string | undefined>;
}

/** Undefined where a block has no key of its own: parameters, a revocation list. */
export async function pinOfBlock(
  block: PemBlock,
  name: string,
  ask: AskPassphrase,
): Promise<Pinned | undefined> {
  switch (block.label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
      return ofCertificate(block.der, name);
    case 'TRUSTED CERTIFICATE':
      // OpenSSL's own: the certificate, and after it what it is trusted for.
      return ofCertificate(firstElement(block.der), name);
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      return pinnedRequest(block.der, name);
    case 'PUBLIC KEY':
    case 'RSA PUBLIC KEY':
      return ofPublicKey(() => createPublicKey(pemText(block)), name);
    case 'OPENSSH PRIVATE KEY':
      throw new CliFailure(
        `${name} holds a key in OpenSSH's form`,
        `Convert a copy: ssh-keygen -p -m PKCS8 -f COPY`,
      );
    default:
      return block.label.endsWith('PRIVATE KEY') ? ofPrivateKey(block, name, ask) : undefined;
  }
}

const pemText = ({ text }: PemBlock): string => `${text}\n`;

/** The rest is left out; what is damaged stays what it is. */
function firstElement(block: Buffer): Buffer {
  try {
    return readChildren(readElement(sequence(block), tags.sequence))[0]?.raw ?? block;
  } catch {
    return block;
  }
}

function ofCertificate(der: Buffer, name: string): Pinned {
  const certificate = readCertificate(der);
  if (certificate === undefined)
    throw new CliFailure(`${name} holds a certificate that is damaged`, 'Export it again.');
  return pinnedCertificate(certificate);
}

function ofPublicKey(read: () => KeyObject, name: string): Pinned {
  try {
    return pinnedKey(spkiOf(read()), 'public-key');
  } catch (error) {
    throw new CliFailure(
      `${name} holds a public key that this Node cannot read`,
      undefined,
      undefined,
      error,
    );
  }
}

const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

async function ofPrivateKey(block: PemBlock, name: string, ask: AskPassphrase): Promise<Pinned> {
  const encrypted = block.label.startsWith('ENCRYPTED') || /^(?:Proc-Type|DEK-Info):/m.test(block.text);
  const passphrase = encrypted ? await requirePassphrase(name, ask) : undefined;
  return pinnedPrivateKey(
    () =>
      createPrivateKey({
        key: pemText(block),
        format: 'pem',
        ...(passphrase !== undefined && { passphrase }),
      }),
    name,
    encrypted,
  );
}

/** A CliFailure where nobody gives it. */
export async function requirePassphrase(name: string, ask: AskPassphrase): Promise<string> {
  const passphrase = ask.given ?? (await ask.typed());
  if (passphrase !== undefined) return passphrase;
  throw new CliFailure(
    `${name} is protected by a passphrase`,
    'Give --passphrase-env or --passphrase-file; or give the certificate, which has the same pin.',
  );
}

/** Of the public half. OpenSSL's words are not passed on, as they may cite what was typed. */
export function pinnedPrivateKey(read: () => KeyObject, name: string, encrypted: boolean): Pinned {
  try {
    return pinnedKey(spkiOf(createPublicKey(read())), 'private-key');
  } catch {
    throw encrypted
      ? new CliFailure(`the passphrase does not open the private key in ${name}`)
      : new CliFailure(`${name} holds a private key that this Node cannot read`);
  }
}
