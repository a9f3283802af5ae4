import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isFriendly } from '../../pki/pkcs12/friendly-name.ts';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { readAuthorities } from './authorities.ts';
import { commit, withFolderLock } from './commit.ts';
import { currentRecord } from './current-record.ts';
import { type Folder, readText, requirePrivate } from './folder.ts';
import { isEncrypted } from './keys.ts';
import { requireForeign } from './own-files.ts';
import { shown } from './paths.ts';
import type { AuthorityRecord, Entry } from './record.ts';
import { jsonText } from '../terminal/json-text.ts';
import { readNewSecret, readSecret, secretGiven, type SecretSource } from './secrets.ts';
import { select, single } from './select.ts';
import { writeFile } from './staged-files.ts';
import { openFolder, type StoreOptions } from './store.ts';
import { howToTrust } from './trust-stores.ts';

export interface ExportOptions extends StoreOptions {
  readonly p12?: string;
  readonly root?: boolean;
  readonly out?: string;
  readonly key?: string;
  readonly keyPassphraseFile?: string;
  readonly passwordFile?: string;
  readonly askPassword?: boolean;
  readonly modern?: boolean;
  readonly compatible?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `pki export`: a PKCS#12 file for a browser or a keychain, or the root for who shall trust it. */
export async function exportCertificate(
  word: string | undefined,
  options: ExportOptions,
  io: Io,
): Promise<void> {
  requireConsistent(word, options);
  const folder = await openFolder(io, options);
  const record = currentRecord(io, folder);
  if (options.root === true) exportRoot(io, folder, record, options);
  else await exportP12(io, folder, record, word!, options);
}

function requireConsistent(
  word: string | undefined,
  { p12, root, out, modern, compatible }: ExportOptions,
): void {
  if (root === true) {
    if (word !== undefined || p12 !== undefined)
      throw usage('--root exports the root alone', 'Leave the name and --p12 out.');
    return;
  }
  if (word === undefined)
    throw usage('what shall be exported?', 'Give NAME --p12 FILE for a key with its certificate, or --root.');
  if (p12 === undefined)
    throw usage(
      '--p12 FILE is missing',
      `To write a PKCS#12 file: portcullis pki export ${plain(word)} --p12 FILE`,
    );
  if (out !== undefined) throw usage('--out goes with --root', 'The PKCS#12 file is named by --p12.');
  if (modern === true && compatible === true)
    throw usage('--modern and --compatible contradict each other', 'Give one of them.');
}

const ifTaken = 'Name another file, or replace it with --force.';

function exportRoot(io: Io, folder: Folder, record: AuthorityRecord, options: ExportOptions): void {
  const { root } = readAuthorities(io, folder, record);
  const file = options.out === undefined ? undefined : resolve(io.directory, options.out);
  if (file !== undefined) {
    requireForeign(io, folder, file);
    writeFile(io, { path: file, content: root.pem, mode: 0o644, overwrite: options.force === true, ifTaken });
  }
  if (options.json === true) {
    const { fingerprint256, pin, subject, notAfter } = root;
    const certificate = file === undefined ? { certificate: root.pem } : { file };
    io.out(
      jsonText({ ...certificate, subject, notAfter: new Date(notAfter).toISOString(), fingerprint256, pin }),
    );
    return;
  }
  if (file === undefined) io.out(root.pem);
  io.err(howToTrust(shown(io, file ?? folder.root), root.fingerprint256));
}

async function exportP12(
  io: Io,
  folder: Folder,
  record: AuthorityRecord,
  word: string,
  options: ExportOptions,
): Promise<void> {
  const entry = chosen(io, record, word);
  const { key, keyPassphrase } = await keyOf(io, folder, entry, options);
  const password = await choosePassword(io, options);
  const { exportPkcs12 } = await import('../../pki/index.ts');
  const content = await exportPkcs12({
    key,
    ...(keyPassphrase !== undefined && { keyPassphrase }),
    chain: `${entry.certificate}${record.issuer === 'intermediate' ? readText(io, folder.intermediate) : ''}`,
    passphrase: password.text,
    // It is shown only; not every script has a place there.
    ...(isFriendly(entry.name) && { friendlyName: entry.name }),
    encryption: options.modern === true ? 'modern' : 'compatible',
  });
  const file = resolve(io.directory, options.p12!);
  requireForeign(io, folder, file);
  const exported = { path: file, content, mode: 0o600, overwrite: options.force === true, ifTaken };
  // Nothing of it is left anywhere when the process is killed: it has a key.
  await withFolderLock(io, folder, async () => commit(io, folder, [exported], 'Run it again.'));
  const shownPassword = password.generated ? { password: password.text } : {};
  if (options.json === true) {
    io.out(jsonText({ file, name: entry.name, serialNumber: entry.serialNumber, ...shownPassword }));
    return;
  }
  io.out(`Wrote ${shown(io, file)}: the key and the certificate of '${plain(entry.name)}'\n`);
  if (!password.generated) return;
  io.out(`Password: ${password.text}\n`);
  io.err('The password is shown this once. Send it on another way than the file.\n');
}

function chosen(io: Io, record: AuthorityRecord, word: string): Entry {
  const { entries, unknown } = select(io, record, word);
  if (unknown !== undefined) {
    throw new CliFailure(
      `'${plain(word)}' is not in the record`,
      "'portcullis pki list' shows what was issued.",
    );
  }
  const entry = single(word, entries);
  if (entry.revoked === undefined) return entry;
  throw new CliFailure(
    `'${plain(word)}' was revoked on ${entry.revoked.at.slice(0, 10)}`,
    'Issue a new one.',
  );
}

async function keyOf(
  io: Io,
  folder: Folder,
  entry: Entry,
  options: ExportOptions,
): Promise<{ readonly key: string; readonly keyPassphrase: string | undefined }> {
  const file = keyFile(io, folder, entry, options);
  requirePrivate(io, file, 'key');
  const key = readText(io, file);
  if (!isEncrypted(key)) return { key, keyPassphrase: undefined };
  const keyPassphrase = await readSecret(io, {
    of: shown(io, file),
    option: '--key-passphrase-file',
    file: options.keyPassphraseFile,
    variable: 'PORTCULLIS_KEY_PASSPHRASE',
  });
  return { key, keyPassphrase };
}

function keyFile(io: Io, folder: Folder, entry: Entry, { key }: ExportOptions): string {
  if (key !== undefined) return resolve(io.directory, key);
  const kept =
    entry.folder === null ? undefined : join(resolve(folder.directory, entry.folder), `${entry.purpose}.key`);
  if (kept !== undefined && existsSync(kept)) return kept;
  throw new CliFailure(`the key of '${plain(entry.name)}' is not here`, 'Name its file with --key.');
}

/** Generated unless somebody brings one: people choose what can be guessed, and the file can be tried offline. */
async function choosePassword(
  io: Io,
  { passwordFile, askPassword }: ExportOptions,
): Promise<{ readonly text: string; readonly generated: boolean }> {
  const source: SecretSource = {
    of: 'the PKCS#12 file',
    option: '--password-file',
    file: passwordFile,
    variable: 'PORTCULLIS_P12_PASSWORD',
  };
  if (askPassword === true) return { text: await readNewSecret(io, source), generated: false };
  const given = secretGiven(io, source);
  return given === undefined
    ? { text: generatePassword(), generated: true }
    : { text: given, generated: false };
}

/** 25 characters of 31, without those that look alike: 123 bits. */
function generatePassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const group = (): string => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  return Array.from({ length: 5 }, group).join('-');
}
