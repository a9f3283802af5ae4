import { requireSoundKey } from './leaked-key.ts';
import { join, resolve } from 'node:path';
import type { Authority, IssuedCertificate, IssuedPublicCertificate, KeyType } from '../../pki/index.ts';
import { ConfigError } from '../../errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { recordedPath } from './folder.ts';
import { encryptedKey } from './keys.ts';
import { rejectOption } from './option-failure.ts';
import { chosenName, fileName } from './names.ts';
import type { AuthorityRecord, Entry, Purpose } from './record.ts';
import { type IssuedFiles, reportIssued } from './report.ts';
import { readNewSecret } from './secrets.ts';
import type { NewFile } from './staged-files.ts';
import { change, openFolder, openIssuer, type StoreOptions } from './store.ts';
import { parseCertificate } from './parse-certificate.ts';

/** What `pki server` and `pki client` have in common. */
export interface IssueOptions extends StoreOptions {
  readonly csr?: string;
  readonly namesFromCsr?: boolean;
  readonly subject?: string;
  readonly days?: number;
  readonly keyType?: KeyType;
  readonly crlUrl?: readonly string[];
  readonly name?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly encryptKey?: boolean;
  readonly keyPassphraseFile?: string;
  readonly json?: boolean;
}

/** One certificate to be issued. */
export interface Order {
  readonly purpose: Purpose;
  /** What it is called without `--name`; undefined where its first name shall be taken. */
  readonly calls: string | undefined;
  readonly make: (authority: Authority) => Promise<IssuedCertificate | IssuedPublicCertificate>;
}

/** Issues one certificate: records it, and writes key, certificate and chain. */
export async function issue(order: Order, options: IssueOptions, io: Io): Promise<void> {
  requireConsistent(options);
  const folder = await openFolder(io, options);
  const name = options.name === undefined ? undefined : chosenName(options.name);
  const keyPassphrase = await chooseKeyPassphrase(options, io);
  const authority = await openIssuer(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const issued = await order.make(authority).catch((error: unknown) => rejectOption(explained(error)));
    const certificate = readIssued(issued);
    requireSoundKey(record, certificate);
    const called = name ?? fileName(order.calls ?? firstName(certificate));
    const out = options.out === undefined ? join(folder.issued, called) : resolve(io.directory, options.out);
    const entry: Entry = {
      serialNumber: issued.serialNumber,
      name: called,
      purpose: order.purpose,
      issuedAt: new Date(io.now()).toISOString(),
      notAfter: new Date(certificate.notAfter).toISOString(),
      folder: recordedPath(folder, out),
      certificate: issued.certificate,
    };
    const key = 'key' in issued ? await encryptedKey(issued.key, keyPassphrase) : undefined;
    const paths = issuedFiles(out, order.purpose, key !== undefined);
    return {
      record: withEntry(record, entry),
      files: newFiles(paths, issued, key, {
        overwrite: options.force === true,
        ifTaken: 'Write elsewhere with --out, or replace it with --force.',
      }),
      result: { entry, certificate, files: paths },
      done: incomplete(entry),
    };
  });
  reportIssued(io, { ...done, encrypted: keyPassphrase !== undefined, json: options.json === true });
}

/** A key that was not written is lost with it, and nobody else has it. */
export const incomplete = ({ serialNumber, name }: Entry): string =>
  `The certificate ${serialNumber} is recorded. Write it elsewhere: portcullis pki renew ${name} --new-key --out FOLDER`;

function requireConsistent({
  csr,
  namesFromCsr,
  keyType,
  encryptKey,
  keyPassphraseFile,
}: IssueOptions): void {
  if (csr === undefined && namesFromCsr === true)
    throw usage('--names-from-csr without --csr', 'Name the request with --csr FILE.');
  if (csr !== undefined && (keyType !== undefined || encryptKey === true))
    throw usage(
      '--key-type and --encrypt-key do not go with --csr',
      'A request comes with its key, which stays where it was made.',
    );
  if (keyPassphraseFile !== undefined && encryptKey !== true)
    throw usage('--key-passphrase-file without --encrypt-key', 'Add --encrypt-key.');
}

async function chooseKeyPassphrase(options: IssueOptions, io: Io): Promise<string | undefined> {
  if (options.encryptKey !== true) return undefined;
  return readNewSecret(io, {
    of: 'the new key',
    option: '--key-passphrase-file',
    file: options.keyPassphraseFile,
    variable: 'PORTCULLIS_KEY_PASSPHRASE',
  });
}

/** What name constraints mean to who has made the authority by `pki init`. */
function explained(error: unknown): unknown {
  if (
    !(error instanceof ConfigError) ||
    error.code !== 'OPTION_CONFLICT' ||
    !/constraints/.test(error.message)
  )
    return error;
  return new CliFailure(
    error.message.slice(0, -error.remedy.length).trim().replace(/\.$/, ''),
    `${error.path === 'subject' ? error.remedy : 'An authority keeps the names it was made for.'} For others: portcullis pki init --dir OTHER --permit NAME`,
    undefined,
    error,
  );
}

export const readIssued = ({ certificate }: IssuedPublicCertificate): Certificate =>
  parseCertificate(certificate);

function firstName({ subject, subjectAltNames: { dns, ip, email, uri }, serialNumber }: Certificate): string {
  return dns[0] ?? ip[0] ?? email[0] ?? uri[0] ?? subject['CN']?.[0] ?? serialNumber;
}

export const withEntry = (record: AuthorityRecord, entry: Entry): AuthorityRecord => ({
  ...record,
  certificates: [...record.certificates, entry],
});

/** The files of a certificate in its folder. */
export const issuedFiles = (out: string, purpose: Purpose, withKey: boolean): IssuedFiles => ({
  ...(withKey && { key: join(out, `${purpose}.key`) }),
  chain: join(out, `${purpose}.pem`),
  certificate: join(out, `${purpose}-certificate.pem`),
});

/** The key first: a chain that is new finds its key, for who watches the files. */
export function newFiles(
  paths: IssuedFiles,
  issued: IssuedPublicCertificate,
  key: string | undefined,
  place: Pick<NewFile, 'overwrite' | 'ifTaken'>,
): NewFile[] {
  return [
    ...(key === undefined || paths.key === undefined
      ? []
      : [{ path: paths.key, content: key, mode: 0o600, ...place }]),
    { path: paths.chain, content: issued.chain, mode: 0o644, ...place },
    { path: paths.certificate, content: issued.certificate, mode: 0o644, ...place },
  ];
}
