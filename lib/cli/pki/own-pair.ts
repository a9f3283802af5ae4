import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import type { Certificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { readCurrentText } from './folder.ts';
import { isEncrypted } from './keys.ts';
import { parseCertificate } from './parse-certificate.ts';
import { shown } from './paths.ts';
import { certificateOf, type Entry } from './record.ts';

/**
 * Refuses to put a renewed certificate where another one's pair is in service, or beside a key that is not its own: a
 * server would not start with them. `kept` is the new certificate where no new key comes with it.
 */
export function requireOwnPair(io: Io, folder: string, old: Entry, kept: Certificate | undefined): void {
  const present = certificateIn(join(folder, `${old.purpose}.pem`));
  const keyFile = join(folder, `${old.purpose}.key`);
  const key = readCurrentText(keyFile);
  const isOther = present !== undefined && !hasKeyOf(present, certificateOf(old));
  const matches =
    kept === undefined ||
    key === undefined ||
    (isEncrypted(key) ? present === undefined || hasKeyOf(present, kept) : isKeyOf(key, kept));
  if (!isOther && matches) return;
  throw new CliFailure(
    isOther
      ? `${shown(io, folder)} has the certificate of another key by now`
      : `${shown(io, keyFile)} is not the key of this certificate`,
    'Nothing was changed. Write elsewhere with --out FOLDER.',
  );
}

function certificateIn(file: string): Certificate | undefined {
  const text = readCurrentText(file);
  try {
    return text === undefined || readPem(text)?.[0]?.label !== 'CERTIFICATE'
      ? undefined
      : parseCertificate(text);
  } catch {
    return undefined;
  }
}

const hasKeyOf = (one: Certificate, other: Certificate): boolean =>
  one.x509.publicKey.equals(other.x509.publicKey);

function isKeyOf(key: string, { x509 }: Certificate): boolean {
  try {
    return x509.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
