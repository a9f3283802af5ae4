import type { Authority } from '../../pki/index.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { readAuthorities } from './authorities.ts';
import { commit, settle, withFolderLock } from './commit.ts';
import { currentRecord, restoredRecord } from './current-record.ts';
import { readCurrentText, type Folder, folderOf, readText, requirePrivate, requireRecord } from './folder.ts';
import { isEncrypted } from './keys.ts';
import { requireForeign } from './own-files.ts';
import { shown } from './paths.ts';
import { type AuthorityRecord, readRecord, type RecordedCrl, writeRecord } from './record.ts';
import { readSecret } from './secrets.ts';
import type { NewFile } from './staged-files.ts';

export interface StoreOptions {
  readonly dir?: string;
  readonly passphraseFile?: string;
}

/** The folder of an authority that is there, and nobody else's to read. */
export async function openFolder(io: Io, { dir }: StoreOptions): Promise<Folder> {
  const folder = folderOf(io, dir);
  requirePrivate(io, folder.directory, 'folder', 'directory');
  await settle(io, folder);
  requireRecord(io, folder);
  return folder;
}

/** The authority that issues, its key decrypted. Asks before anything is locked, as a person may take their time. */
export async function openAuthority(io: Io, folder: Folder, options: StoreOptions): Promise<Authority> {
  const { issuer } = readRecord(io, folder);
  return issuer === 'intermediate'
    ? loadFrom(io, options, folder.intermediate, folder.intermediateKey, readText(io, folder.root))
    : loadFrom(io, options, folder.root, folder.rootKey);
}

/** The same, to issue by it. */
export async function openIssuer(io: Io, folder: Folder, options: StoreOptions): Promise<Authority> {
  const record = currentRecord(io, folder);
  const { serialNumber } = readAuthorities(io, folder, record).issuer;
  const revoked =
    record.issuer === 'root'
      ? undefined
      : record.rootRevoked?.find((one) => one.serialNumber === serialNumber);
  if (revoked === undefined) return openAuthority(io, folder, options);
  throw new CliFailure(
    `the intermediate was revoked on ${revoked.at.slice(0, 10)} (${plain(revoked.reason)})`,
    'What it issues is good for nobody. Make another authority: portcullis pki init --intermediate --dir FOLDER',
  );
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
  /** What is handed out. */
  readonly files: readonly NewFile[];
  /** Of the authority itself. */
  readonly own?: readonly NewFile[];
  readonly result: T;
  /** What to say where the record holds, and one of the files could not take its place. */
  readonly done: string;
}

/**
 * Changes an authority, one process at a time. The record takes its place first, then the lists, then what is handed
 * out: nothing is out that the record does not know.
 */
export function change<T>(
  io: Io,
  folder: Folder,
  act: (record: AuthorityRecord) => Change<T> | Promise<Change<T>>,
): Promise<T> {
  return withFolderLock(io, folder, async () => {
    const { record, files, own = [], result, done } = await act(restoredRecord(io, folder));
    for (const { path } of files) requireForeign(io, folder, path);
    const recorded = { path: folder.record, content: writeRecord(record), mode: 0o600, overwrite: true };
    commit(io, folder, [recorded, ...lists(folder, record), ...own, ...files], done);
    return result;
  });
}

/** The lists that are not as the record says. */
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
