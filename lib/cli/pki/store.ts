import type { Authority } from '../../pki/index.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { readCurrentText, type Folder, folderOf, readText, requireFolder, requirePrivate } from './folder.ts';
import { isEncrypted } from './keys.ts';
import { withLock } from './lock.ts';
import { shown } from './paths.ts';
import { type AuthorityRecord, readRecord, type RecordedCrl, writeRecord } from './record.ts';
import { readSecret } from './secrets.ts';
import { type NewFile, StagedFiles } from './staged-files.ts';
import { parseCertificate } from './parse-certificate.ts';

export interface StoreOptions {
  readonly dir?: string;
  readonly passphraseFile?: string;
}

/** The folder of an authority that is there, and nobody else's to read. */
export function openFolder(io: Io, { dir }: StoreOptions): Folder {
  const folder = folderOf(io, dir);
  requireFolder(io, folder);
  return folder;
}

/** The authority that issues, its key decrypted. Asks before anything is locked, as a person may take their time. */
export async function openAuthority(io: Io, folder: Folder, options: StoreOptions): Promise<Authority> {
  const { issuer } = readRecord(io, folder);
  return issuer === 'intermediate'
    ? loadFrom(io, options, folder.intermediate, folder.intermediateKey, readText(io, folder.root))
    : loadFrom(io, options, folder.root, folder.rootKey);
}

/** An authority from its two files. */
export async function loadFrom(
  io: Io,
  options: StoreOptions,
  certificateFile: string,
  keyFile: string,
  issuers?: string,
): Promise<Authority> {
  requirePrivate(io, keyFile, 'authority key');
  const key = readText(io, keyFile);
  const certificate = readText(io, certificateFile);
  const passphrase = isEncrypted(key)
    ? await readSecret(io, {
        of: shown(io, keyFile),
        option: '--passphrase-file',
        file: options.passphraseFile,
        variable: 'PORTCULLIS_PASSPHRASE',
      })
    : undefined;
  const { loadAuthority } = await import('../../pki/index.ts');
  try {
    return await loadAuthority({
      certificate,
      key,
      ...(passphrase !== undefined && { passphrase }),
      ...(issuers !== undefined && { issuers }),
    });
  } catch (error) {
    throw new CliFailure(
      `${shown(io, keyFile)} cannot be used${passphrase === undefined ? '' : ' with this passphrase'}`,
      `Check ${passphrase === undefined ? 'the file' : 'the passphrase'}, and that it belongs to ${shown(io, certificateFile)}.`,
      undefined,
      error,
    );
  }
}

/** What a command makes of the record, and the files that come with it. */
export interface Change<T> {
  readonly record: AuthorityRecord;
  readonly files: readonly NewFile[];
  readonly result: T;
}

/**
 * Changes an authority, one process at a time. All files are written beside their places, then the record takes its
 * place, which is the moment that counts, and then they take theirs: what fails before leaves the former state, and
 * nothing is handed out that the record does not know.
 */
export function change<T>(
  io: Io,
  folder: Folder,
  act: (record: AuthorityRecord) => Change<T> | Promise<Change<T>>,
): Promise<T> {
  return withLock(io, folder.lock, async () => {
    const { record, files, result } = await act(readRecord(io, folder));
    commit(io, folder, record, files);
    return result;
  });
}

function commit(io: Io, folder: Folder, record: AuthorityRecord, files: readonly NewFile[]): void {
  const handedOut = new StagedFiles(io);
  const kept = new StagedFiles(io);
  try {
    for (const file of files) handedOut.add(file);
    kept.add({ path: folder.record, content: writeRecord(record), mode: 0o600, overwrite: true });
    for (const file of lists(folder, record)) kept.add(file);
    kept.publish();
  } catch (error) {
    kept.discard();
    handedOut.discard();
    throw error;
  }
  handedOut.publish();
}

/** The lists that are not as the record says: new ones, and where an earlier command ended between the two. */
const lists = (folder: Folder, { crl, rootCrl }: AuthorityRecord): NewFile[] =>
  [listFile(folder.crl, crl), ...(rootCrl === undefined ? [] : [listFile(folder.rootCrl, rootCrl)])].filter(
    ({ path, content }) => readCurrentText(path) !== content,
  );

const listFile = (path: string, { pem }: RecordedCrl): NewFile => ({
  path,
  content: pem,
  mode: 0o644,
  overwrite: true,
});

/** The authority's own certificates: the one that issues, and the root. */
export function readAuthorities(
  io: Io,
  folder: Folder,
  { issuer }: AuthorityRecord,
): { readonly issuer: Certificate; readonly root: Certificate } {
  const root = readCertificateFile(io, folder.root);
  return { root, issuer: issuer === 'root' ? root : readCertificateFile(io, folder.intermediate) };
}

function readCertificateFile(io: Io, file: string): Certificate {
  const text = readText(io, file);
  try {
    return parseCertificate(text);
  } catch (error) {
    throw new CliFailure(
      `${shown(io, file)} is no certificate in PEM`,
      'Put back a copy of it.',
      undefined,
      error,
    );
  }
}
