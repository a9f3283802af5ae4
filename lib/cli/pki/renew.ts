import { requireSoundKey } from './leaked-key.ts';
import { join, resolve } from 'node:path';
import type {
  Authority,
  IssuedCertificate,
  IssuedPublicCertificate,
  KeyType,
  PublicKeyRenewalOptions,
} from '../../pki/index.ts';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { authorityDates } from './authority-dates.ts';
import { leafPeriod, lengthOf } from './days.ts';
import { type Folder, readCurrentText, recordedPath } from './folder.ts';
import { incomplete, issuedFiles, newFiles, readIssued, withEntry } from './issue.ts';
import { encryptedKey, isEncrypted } from './keys.ts';
import { shown } from './paths.ts';
import { currentRecord } from './current-record.ts';
import { rejectOption } from './option-failure.ts';
import { requireOwnPair } from './own-pair.ts';
import { type AuthorityRecord, certificateOf, type Entry, successorOf } from './record.ts';
import { reportIssued } from './report.ts';
import { renewAuthority, type RenewAuthorityOptions } from './renew-authority.ts';
import { type OpenedRequest, openRequestFile } from './request-file.ts';
import { readNewSecret } from './secrets.ts';
import { select, single } from './select.ts';
import { change, openFolder, openIssuer } from './store.ts';

export interface RenewOptions extends RenewAuthorityOptions {
  readonly authority?: boolean;
  readonly newKey?: boolean;
  readonly keyType?: KeyType;
  readonly csr?: string;
  readonly out?: string;
  readonly encryptKey?: boolean;
  readonly keyPassphraseFile?: string;
}

/** `pki renew`: a certificate, or the authority itself. */
export async function renew(word: string | undefined, options: RenewOptions, io: Io): Promise<void> {
  requireConsistent(word, options);
  if (word === undefined) await renewAuthority(options, io);
  else await renewCertificate(word, options, io);
}

/**
 * The same certificate for a new time, in its own files. The key stays, so that pins hold and nothing secret
 * is touched; a new one is made when asked for.
 */
async function renewCertificate(word: string, options: RenewOptions, io: Io): Promise<void> {
  const folder = await openFolder(io, options);
  const out = outOf(io, folder, renewable(io, currentRecord(io, folder), word, options), options);
  const passphrase = await chooseKeyPassphrase(options, io, out);
  const request = options.csr === undefined ? undefined : await openRequestFile(io, options.csr);
  const authority = await openIssuer(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const old = renewable(io, record, word, options);
    const target = outOf(io, folder, old, options);
    const issued = await make(authority, old, options, request, io.now()).catch(rejectOption);
    const certificate = readIssued(issued);
    requireSoundKey(record, certificate);
    const entry: Entry = {
      serialNumber: issued.serialNumber,
      name: old.name,
      purpose: old.purpose,
      issuedAt: new Date(io.now()).toISOString(),
      notAfter: new Date(certificate.notAfter).toISOString(),
      folder: recordedPath(folder, target),
      renews: old.serialNumber,
      certificate: issued.certificate,
    };
    const key = 'key' in issued ? await encryptedKey(issued.key, passphrase) : undefined;
    const files = issuedFiles(target, old.purpose, key !== undefined);
    requireOwnPair(io, target, old, key === undefined ? certificate : undefined);
    return {
      record: withEntry(record, entry),
      files: newFiles(files, issued, key, {
        overwrite: options.out === undefined,
        ifTaken: 'Name another folder with --out.',
      }),
      result: { entry, certificate, files },
      done: incomplete(entry),
    };
  });
  reportIssued(io, { ...done, encrypted: passphrase !== undefined, json: options.json === true });
}

function requireConsistent(word: string | undefined, options: RenewOptions): void {
  const { authority, root, rootKey, newKey, keyType, csr, out, encryptKey, keyPassphraseFile } = options;
  if (authority === true && (word ?? newKey ?? keyType ?? csr ?? out ?? encryptKey) !== undefined)
    throw usage('--authority renews the authority alone', 'Its name and its key stay: leave the others out.');
  if (authority !== true && word === undefined)
    throw usage('what shall be renewed?', 'Give a file, a serial number or a name, or --authority.');
  if (authority !== true && (root ?? rootKey) !== undefined)
    throw usage(
      `${root === true ? '--root' : '--root-key'} goes with --authority`,
      'What is issued here needs no root key.',
    );
  if (newKey === true && csr !== undefined)
    throw usage('--new-key and --csr contradict each other', 'A request comes with its own key.');
  if (keyType !== undefined && newKey !== true)
    throw usage('--key-type without --new-key', 'A renewal leaves the key as it is: add --new-key.');
  if (encryptKey === true && newKey !== true)
    throw usage('--encrypt-key without --new-key', 'A renewal leaves the key as it is: add --new-key.');
  if (keyPassphraseFile !== undefined && encryptKey !== true)
    throw usage('--key-passphrase-file without --encrypt-key', 'Add --encrypt-key.');
}

/** The one to renew. Whoever was revoked asks for a new one, and for the reason why. */
function renewable(io: Io, record: AuthorityRecord, word: string, { out }: RenewOptions): Entry {
  const { entries, unknown } = select(io, record, word);
  if (unknown !== undefined)
    throw new CliFailure(`'${plain(word)}' is not in the record`, 'Issue a new one instead.');
  const entry = single(word, entries);
  if (entry.revoked !== undefined) {
    throw new CliFailure(
      `'${plain(word)}' was revoked on ${entry.revoked.at.slice(0, 10)} (${entry.revoked.reason})`,
      `Issue a new one instead: portcullis pki ${entry.purpose}`,
    );
  }
  const successor = successorOf(record.certificates, entry);
  if (successor === undefined || out !== undefined) return entry;
  throw new CliFailure(
    `'${plain(word)}' was renewed already, by ${successor.serialNumber}`,
    'Renew that one, or write elsewhere with --out FOLDER.',
  );
}

const outOf = (io: Io, folder: Folder, { folder: kept, name }: Entry, { out }: RenewOptions): string =>
  out === undefined
    ? resolve(folder.directory, kept ?? join(folder.issued, name))
    : resolve(io.directory, out);

async function chooseKeyPassphrase(options: RenewOptions, io: Io, out: string): Promise<string | undefined> {
  if (options.newKey !== true) return undefined;
  if (options.encryptKey !== true) {
    requirePlainKey(io, [join(out, 'server.key'), join(out, 'client.key')]);
    return undefined;
  }
  return readNewSecret(io, {
    of: 'the new key',
    option: '--key-passphrase-file',
    file: options.keyPassphraseFile,
    variable: 'PORTCULLIS_KEY_PASSPHRASE',
  });
}

/** A key that was encrypted is not replaced by one that lies open. */
function requirePlainKey(io: Io, files: readonly string[]): void {
  const encrypted = files.find((file) => isEncrypted(readCurrentText(file) ?? ''));
  if (encrypted === undefined) return;
  throw new CliFailure(`${shown(io, encrypted)} is encrypted`, 'Encrypt the new key as well: --encrypt-key.');
}

function make(
  authority: Authority,
  old: Entry,
  { days, newKey, keyType }: RenewOptions,
  request: OpenedRequest | undefined,
  now: number,
): Promise<IssuedCertificate | IssuedPublicCertificate> {
  const usual = lengthOf(certificateOf(old));
  const period = leafPeriod(days, old.purpose, now, authorityDates(authority), usual);
  if (newKey === true)
    return authority.renewCertificate(old.certificate, {
      ...period,
      ...(keyType !== undefined && { keyType }),
    });
  const kept: PublicKeyRenewalOptions = {
    ...period,
    ...(request === undefined ? { keepKey: true } : { request: request.pem }),
  };
  return authority.renewCertificate(old.certificate, kept);
}
