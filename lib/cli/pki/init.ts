import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Authority, AuthorityOptions, DistinguishedNameInput, KeyType } from '../../pki/index.ts';
import { CliFailure, exitCodes, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { commit, settle, withFolderLock } from './commit.ts';
import { nextCrl, rootCrlDays } from './crl-file.ts';
import { authorityDates } from './authority-dates.ts';
import { periodOf, within } from './days.ts';
import { fileFailure } from './file-failure.ts';
import { type Folder, folderOf, requirePrivate } from './folder.ts';
import { encryptedKey } from './keys.ts';
import { makeFolders, missingFolders, removeFolders } from './new-folders.ts';
import { rejectOption } from './option-failure.ts';
import { requireForeign } from './own-files.ts';
import { shown } from './paths.ts';
import { developmentNames, permittedOnly } from './permitted.ts';
import { type AuthorityRecord, writeRecord } from './record.ts';
import { reportInit } from './report.ts';
import { readNewSecret } from './secrets.ts';
import { type NewFile, temporaryName } from './staged-files.ts';
import { parseSubject } from './subject.ts';
import { parseCertificate } from './parse-certificate.ts';

export interface InitOptions {
  readonly dir?: string;
  /** False with `--no-passphrase`. */
  readonly passphrase: boolean;
  readonly passphraseFile?: string;
  readonly permit?: readonly string[];
  readonly unconstrained?: boolean;
  readonly subject?: string;
  readonly days?: number;
  readonly keyType?: KeyType;
  readonly intermediate?: boolean;
  readonly rootOut?: string;
  readonly json?: boolean;
}

/** `pki init`: makes an authority in a folder of its own, and never touches one that is there. */
export async function init(options: InitOptions, io: Io): Promise<void> {
  requireConsistent(options);
  const folder = folderOf(io, options.dir);
  if (existsSync(folder.pending)) {
    requirePrivate(io, folder.directory, 'folder', 'directory');
    await settle(io, folder);
  }
  requireEmpty(io, folder);
  const passphrase = await choosePassphrase(options, io, folder);
  const made = await makeAuthority(options, io, passphrase).catch(rejectOption);
  const rootKeyFile = rootKeyFileOf(io, folder, options);
  await inNewFolder(io, folder, () =>
    withFolderLock(io, folder, async () => {
      requireEmpty(io, folder);
      commit(io, folder, filesOf(folder, rootKeyFile, made), 'Move what is there away, and run it again.');
    }),
  );
  reportInit(io, {
    folder,
    record: made.record,
    root: parseCertificate(made.root.certificate),
    rootKeyFile,
    encrypted: passphrase !== undefined,
    permitted: permittedNames(options),
    json: options.json === true,
  });
}

interface MadeAuthority {
  readonly root: Authority;
  readonly rootKey: string;
  readonly intermediate: { readonly authority: Authority; readonly key: string } | undefined;
  readonly record: AuthorityRecord;
}

/** All of it before anything is written. */
async function makeAuthority(
  options: InitOptions,
  io: Io,
  passphrase: string | undefined,
): Promise<MadeAuthority> {
  const now = io.now();
  const { root, issuer } = await makeAuthorities(options, now);
  const isRoot = issuer === root;
  const first = { number: '0' };
  const crl = await nextCrl(issuer, [], first, undefined, now);
  const rootCrl = isRoot ? undefined : await nextCrl(root, [], first, rootCrlDays, now);
  return {
    root,
    rootKey: await encryptedKey(root.key, passphrase),
    intermediate: isRoot ? undefined : { authority: issuer, key: await encryptedKey(issuer.key, passphrase) },
    record: {
      format: 'portcullis-authority',
      version: 1,
      issuer: isRoot ? 'root' : 'intermediate',
      crl,
      ...(rootCrl !== undefined && { rootCrl }),
      certificates: [],
    },
  };
}

function filesOf(
  folder: Folder,
  rootKeyFile: string,
  { root, rootKey, intermediate, record }: MadeAuthority,
): readonly NewFile[] {
  const below = intermediate?.authority.certificate ?? '';
  return [
    file(rootKeyFile, rootKey, 0o600),
    file(folder.root, root.certificate, 0o644),
    ...(intermediate === undefined
      ? []
      : [file(folder.intermediateKey, intermediate.key, 0o600), file(folder.intermediate, below, 0o644)]),
    file(folder.ca, root.certificate + below, 0o644),
    file(folder.crl, record.crl.pem, 0o644),
    ...(record.rootCrl === undefined ? [] : [file(folder.rootCrl, record.rootCrl.pem, 0o644)]),
    // Keys do not belong into a repository. What else is in the folder may.
    ...(isFresh(folder) ? [file(folder.gitignore, '*\n', 0o600)] : []),
    file(folder.record, writeRecord(record), 0o600),
  ];
}

function rootKeyFileOf(io: Io, folder: Folder, { rootOut }: InitOptions): string {
  if (rootOut === undefined) return folder.rootKey;
  const path = resolve(io.directory, rootOut);
  if (path !== folder.rootKey) requireForeign(io, folder, path);
  return path;
}

function requireConsistent({
  passphrase,
  passphraseFile,
  permit,
  unconstrained,
  intermediate,
  rootOut,
}: InitOptions): void {
  if (!passphrase && passphraseFile !== undefined)
    throw usage('--no-passphrase and --passphrase-file contradict each other', 'Give one of them.');
  if (permit !== undefined && unconstrained === true)
    throw usage('--permit and --unconstrained contradict each other', 'Give one of them.');
  if (rootOut !== undefined && intermediate !== true)
    throw usage(
      '--root-out needs --intermediate',
      'Without one the root issues, and its key is needed here.',
    );
}

/** A folder that was made for nothing goes. */
async function inNewFolder(io: Io, { directory }: Folder, act: () => Promise<void>): Promise<void> {
  let made: readonly string[] = [];
  try {
    made = missingFolders(directory);
    makeFolders(made);
  } catch (error) {
    removeFolders(made);
    throw fileFailure(io, directory, 'cannot be made', error);
  }
  try {
    requirePrivate(io, directory, 'folder', 'directory');
    await act();
  } catch (error) {
    removeFolders(made);
    throw error;
  }
}

function requireEmpty(io: Io, folder: Folder): void {
  const { directory } = folder;
  if (!existsSync(directory)) return;
  requirePrivate(io, directory, 'folder', 'directory');
  const own: readonly string[] = Object.values({ ...folder, lock: '', pending: '', gitignore: '' });
  const found = readdirSync(directory).filter((name) => own.includes(resolve(directory, name)));
  if (found.length === 0) return;
  const whole = found.includes('record.json');
  throw new CliFailure(
    whole
      ? `there is an authority in ${shown(io, directory)} already`
      : `${shown(io, directory)} has ${found.join(', ')} already`,
    whole
      ? 'Name another folder with --dir. Nothing was changed.'
      : 'Name another folder with --dir, or move these away. Nothing was changed.',
  );
}

const isFresh = ({ directory, lock }: Folder): boolean =>
  readdirSync(directory).every((name) => resolve(directory, name) === lock || temporaryName.test(name));

async function choosePassphrase(options: InitOptions, io: Io, folder: Folder): Promise<string | undefined> {
  if (!options.passphrase) return undefined;
  try {
    return await readNewSecret(io, {
      of: `the authority in ${shown(io, folder.directory)}`,
      option: '--passphrase-file',
      file: options.passphraseFile,
      variable: 'PORTCULLIS_PASSPHRASE',
    });
  } catch (error) {
    if (!(error instanceof CliFailure) || error.exitCode !== exitCodes.usage) throw error;
    throw usage(error.message, `${error.hint} For a key that is not encrypted (0600): --no-passphrase.`);
  }
}

async function makeAuthorities(
  options: InitOptions,
  now: number,
): Promise<{ readonly root: Authority; readonly issuer: Authority }> {
  const { createAuthority } = await import('../../pki/index.ts');
  const subject = options.subject === undefined ? undefined : parseSubject(options.subject);
  const intermediate = options.intermediate === true;
  const constraints = permittedNames(options);
  const common: Pick<AuthorityOptions, 'keyType'> =
    options.keyType === undefined ? {} : { keyType: options.keyType };
  const root = await createAuthority({
    ...common,
    ...periodOf(options.days ?? 3652, 'root', now),
    ...(subject !== undefined && { subject }),
    ...(constraints !== undefined && { nameConstraints: constraints }),
    pathLength: intermediate ? 1 : 0,
  });
  if (!intermediate) return { root, issuer: root };
  const period = within(periodOf(1826, 'intermediate', now), authorityDates(root));
  const issuer = await root.issueIntermediate({
    ...common,
    ...period,
    ...(subject !== undefined && { subject: intermediateOf(subject) }),
  });
  return { root, issuer };
}

function permittedNames({ permit, unconstrained }: InitOptions): AuthorityOptions['nameConstraints'] {
  if (unconstrained === true) return undefined;
  return permit === undefined ? { permitted: developmentNames } : permittedOnly(permit);
}

/** The root's name with a mark, as two authorities of one name cannot be told apart. */
function intermediateOf(subject: DistinguishedNameInput): DistinguishedNameInput {
  if (typeof subject === 'string') return { CN: marked(subject) };
  const { CN, ...others } = subject;
  const [name = 'Private authority'] = typeof CN === 'string' ? [CN] : (CN ?? []);
  return { ...others, CN: marked(name) };
}

/** A common name has 64 characters at most. */
const marked = (name: string): string => `${Array.from(name).slice(0, 51).join('')} intermediate`;

const file = (path: string, content: string, mode: number): NewFile => ({
  ifTaken: 'Name another folder with --dir, or another file with --root-out.',
  path,
  content,
  mode,
  overwrite: false,
});
