import { randomBytes } from 'node:crypto';
import type { Authority } from '../../pki/index.ts';
import { createFile, type DevelopmentFiles, hasIssued, readKept, replaceFile } from './development-files.ts';
import { type KeyPair, readKeyPairs } from '../key-pair.ts';

/** The names of the development certificate. `*.localhost` leads to this machine everywhere (RFC 6761 6.3). */
const names = ['localhost', '*.localhost', '127.0.0.1', '::1'];
const day = 86_400_000;
/** What has less time left than this is made anew. The authority must outlive whatever it issues. */
const certificateMargin = 7 * day;
const authorityMargin = 100 * day;

/**
 * The development certificate kept on disk, while it is good and of the authority that lies beside it for clients to
 * trust; undefined where one has to be made.
 */
export function readDevelopmentCertificate(files: DevelopmentFiles, now: number): KeyPair | undefined {
  const kept = readKept(files.localhost, now, certificateMargin);
  return kept !== undefined && hasIssued(files.authority, kept.leaf) ? kept : undefined;
}

/** A development certificate that was made, and why it could not be kept, if so. */
export interface MadeCertificate {
  readonly pair: KeyPair;
  readonly notKept: unknown;
}

/**
 * Makes a certificate for localhost by this user's development authority, which is made at the first time.
 * A disk that is full or read-only keeps nothing, and the certificate serves this process all the same.
 */
export async function makeDevelopmentCertificate(
  files: DevelopmentFiles,
  now: number,
): Promise<MadeCertificate> {
  const { authority, notKept } = await developmentAuthority(files, now);
  const { chain, key } = await authority.issueServerCertificate({ names, subject: { CN: 'localhost' } });
  const pair = readKeyPairs({ key, cert: chain })[0]!;
  try {
    replaceFile(files.localhost, `${chain}${key}`, 0o600);
    return { pair, notKept };
  } catch (error) {
    return { pair, notKept: error };
  }
}

/**
 * The development authority of this user. It may vouch for this machine's own names only (name constraints), so that
 * trusting it risks no other; of several processes that make it at once, all take the one that was kept first.
 */
export async function developmentAuthority(
  files: DevelopmentFiles,
  now: number,
): Promise<{ authority: Authority; notKept: unknown }> {
  const kept = await loadKept(files, now);
  if (kept !== undefined) return kept;
  const { createAuthority } = await import('../../pki/index.ts');
  const authority = await createAuthority({
    subject: { CN: `Portcullis development authority ${randomBytes(4).toString('hex')}` },
    nameConstraints: { permitted: { dns: ['localhost'], ip: ['127.0.0.0/8', '::1/128'] } },
  });
  try {
    const content = `${authority.certificate}${authority.key}`;
    if (!createFile(files.authorityKey, content, 0o600)) {
      const other = await loadKept(files, now);
      if (other !== undefined) return other;
      replaceFile(files.authorityKey, content, 0o600);
    }
    replaceFile(files.authority, authority.certificate, 0o644);
    return { authority, notKept: undefined };
  } catch (error) {
    return { authority, notKept: error };
  }
}

async function loadKept(
  files: DevelopmentFiles,
  now: number,
): Promise<{ authority: Authority; notKept: unknown } | undefined> {
  const kept = readKept(files.authorityKey, now, authorityMargin);
  if (kept === undefined) return undefined;
  const { loadAuthority } = await import('../../pki/index.ts');
  const certificate = kept.leaf.pem;
  const key = kept.key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    authority: await loadAuthority({ certificate, key }),
    notKept: failureOf(() => replaceFile(files.authority, certificate, 0o644)),
  };
}

function failureOf(write: () => void): unknown {
  try {
    write();
    return undefined;
  } catch (error) {
    return error;
  }
}
