import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readPfx } from '../../credentials/pfx/pfx.ts';
import { readCertificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import { type AskPassphrase, pinnedPrivateKey, pinOfBlock, requirePassphrase } from './pem-pins.ts';
import { pinnedCertificate, type Pinned, pinnedKey } from './pinned.ts';
import { readRequest } from './request-pin.ts';

/** The pins of everything in a file that has a key, in the file's order; at least one, or a CliFailure. */
export async function pinsOfFile(
  content: Buffer,
  name: string,
  ask: AskPassphrase,
): Promise<readonly Pinned[]> {
  if (content.length === 0) throw new CliFailure(`${name} is empty`);
  const found = content.includes('-----BEGIN ')
    ? await ofPem(content, name, ask)
    : await ofDer(content, name, ask);
  if (found.length > 0) return found;
  throw new CliFailure(
    `${name} holds no certificate, key or request`,
    'Give PEM, DER or PKCS#12; a JKS keystore is converted by keytool -importkeystore -deststoretype pkcs12.',
  );
}

async function ofPem(content: Buffer, name: string, ask: AskPassphrase): Promise<Pinned[]> {
  const blocks = readPem(content.toString('latin1'));
  if (blocks === undefined)
    throw new CliFailure(`${name} is damaged PEM`, 'A block begins and does not end, or is no base64.');
  const found: Pinned[] = [];
  for (const block of blocks) {
    // oxlint-disable-next-line no-await-in-loop -- a passphrase is asked for once
    const pinned = await pinOfBlock(block, name, ask);
    if (pinned !== undefined) found.push(pinned);
  }
  return found;
}

async function ofDer(der: Buffer, name: string, ask: AskPassphrase): Promise<Pinned[]> {
  const certificate = readCertificate(der);
  if (certificate !== undefined) return [pinnedCertificate(certificate)];
  const simple = readRequest(der) ?? ofPublicKey(der) ?? ofPrivateKey(der, name);
  if (simple !== undefined) return [simple];
  if (isPfx(der)) return ofPfx(der, name, ask);
  return isEncryptedKey(der) ? [await ofEncryptedKey(der, name, ask)] : [];
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function ofPublicKey(der: Buffer): Pinned | undefined {
  return attempt(() => {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return pinnedKey(key.export({ type: 'spki', format: 'der' }), 'public-key');
  });
}

function ofPrivateKey(der: Buffer, name: string): Pinned | undefined {
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    const key = attempt(() => createPrivateKey({ key: der, format: 'der', type }));
    if (key !== undefined) return pinnedPrivateKey(() => key, name, false);
  }
  return undefined;
}

/** SEQUENCE { INTEGER 3, …: RFC 7292 4. In BER the length may be indefinite. */
const isPfx = (content: Buffer): boolean =>
  content[0] === 0x30 && content.subarray(0, 12).includes(Buffer.from([0x02, 0x01, 0x03, 0x30]));

async function ofPfx(der: Buffer, name: string, ask: AskPassphrase): Promise<Pinned[]> {
  const open = (passphrase: string | undefined): Pinned[] =>
    readPfx(der, passphrase, name).certificates.map(pinnedCertificate);
  if (ask.given !== undefined) return open(ask.given);
  return attempt(() => open(undefined)) ?? open(await requirePassphrase(name, ask));
}

/** SEQUENCE { SEQUENCE { OID …: EncryptedPrivateKeyInfo (RFC 5958 3). */
const isEncryptedKey = (content: Buffer): boolean =>
  content[0] === 0x30 && content.subarray(0, 8).includes(0x06) && content.length < 64 * 1024;

async function ofEncryptedKey(der: Buffer, name: string, ask: AskPassphrase): Promise<Pinned> {
  const passphrase = await requirePassphrase(name, ask);
  return pinnedPrivateKey(
    () => createPrivateKey({ key: der, format: 'der', type: 'pkcs8', passphrase }),
    name,
    true,
  );
}
