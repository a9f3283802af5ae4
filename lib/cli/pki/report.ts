import { resolve } from 'node:path';
import type { NameConstraintsInput } from '../../pki/index.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Io } from '../io.ts';
import { jsonText } from '../terminal/json-text.ts';
import { dayMs } from './days.ts';
import type { Folder } from './folder.ts';
import { quoted, shown } from './paths.ts';
import type { AuthorityRecord, Entry, Purpose, RecordedCrl } from './record.ts';
import { nameTexts } from './request-file.ts';
import { subjectText } from './subject.ts';

/** Where the parts of a certificate were written. */
export interface IssuedFiles {
  readonly key?: string;
  /** What TLS sends: the certificate, and the intermediates. */
  readonly chain: string;
  readonly certificate: string;
}

/** Lines of a label and what it stands for. */
export const rows = (lines: ReadonlyArray<readonly [label: string, text: string]>): string => {
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `  ${label.padEnd(width)}  ${text}\n`).join('');
};

const until = (end: number, now: number): string =>
  `${new Date(end).toISOString().slice(0, 10)} (${Math.round((end - now) / dayMs)} days)`;

export interface MadeAuthority {
  readonly folder: Folder;
  readonly record: AuthorityRecord;
  readonly root: Certificate;
  readonly rootKeyFile: string;
  readonly encrypted: boolean;
  readonly permitted: NameConstraintsInput | undefined;
  readonly json: boolean;
}

export function reportInit(io: Io, made: MadeAuthority): void {
  const { folder, record, root, rootKeyFile, encrypted } = made;
  const withIntermediate = record.issuer === 'intermediate';
  if (made.json) {
    io.out(
      jsonText({
        directory: folder.directory,
        issuer: record.issuer,
        root: folder.root,
        ca: folder.ca,
        rootKey: rootKeyFile,
        ...(withIntermediate && {
          intermediate: folder.intermediate,
          intermediateKey: folder.intermediateKey,
        }),
        crl: folder.crl,
        encrypted,
        subject: root.subject,
        notAfter: new Date(root.notAfter).toISOString(),
        fingerprint256: root.fingerprint256,
        pin: root.pin,
        nameConstraints: made.permitted ?? null,
      }),
    );
    return;
  }
  const state = encrypted ? 'encrypted' : 'not encrypted, mode 600';
  io.out(`Made a private authority in ${shown(io, folder.directory)}\n`);
  io.out(
    rows([
      ['name', subjectText(root.subject)],
      ['until', until(root.notAfter, io.now())],
      ['names', permittedText(made.permitted)],
      ['root', shown(io, folder.root)],
      ['root key', `${shown(io, rootKeyFile)} (${state})`],
      ...(withIntermediate
        ? ([['issuing key', `${shown(io, folder.intermediateKey)} (${state})`]] as const)
        : []),
      ['clients', `${shown(io, folder.ca)}, with ${shown(io, folder.crl)}`],
    ]),
  );
  if (withIntermediate) {
    io.err(
      `The root's key is not needed to issue: keep ${quoted(shown(io, rootKeyFile))} offline, and not here.\n`,
    );
  }
  io.err(
    "Next: 'portcullis pki server localhost', and 'portcullis pki export --root' for who shall trust it.\n",
  );
}

function permittedText(constraints: NameConstraintsInput | undefined): string {
  const { dns, ip, email, uri } = constraints?.permitted ?? {};
  if (constraints === undefined) return 'any: whoever has its key can be anyone to those who trust it';
  const permitted = [dns, ip, email, uri].flatMap((list) => list ?? []).filter((name) => name !== 'invalid');
  return `only ${[...new Set(permitted)].join(' ')}`;
}

export interface IssuedReport {
  readonly entry: Entry;
  readonly certificate: Certificate;
  readonly files: IssuedFiles;
  readonly encrypted: boolean;
  readonly json: boolean;
}

export function reportIssued(
  io: Io,
  { entry, certificate, files, encrypted, json: asJson }: IssuedReport,
): void {
  const { serialNumber, name, purpose, renews } = entry;
  if (asJson) {
    io.out(
      jsonText({
        name,
        purpose,
        serialNumber,
        ...(renews !== undefined && { renews }),
        subject: certificate.subject,
        names: certificate.subjectAltNames,
        notBefore: new Date(certificate.notBefore).toISOString(),
        notAfter: new Date(certificate.notAfter).toISOString(),
        fingerprint256: certificate.fingerprint256,
        pin: certificate.pin,
        files,
      }),
    );
    return;
  }
  const names = nameTexts(certificate.subjectAltNames);
  io.out(`${renews === undefined ? 'Issued' : 'Renewed'} a ${purpose} certificate, '${name}'\n`);
  const subject = subjectText(certificate.subject);
  io.out(
    rows([
      ...(subject === '' ? [] : ([['subject', subject]] as const)),
      ...(names.length === 0 ? [] : ([['names', names.join(' ')]] as const)),
      ['until', until(certificate.notAfter, io.now())],
      ['serial', serialNumber],
      ...(files.key === undefined
        ? []
        : ([
            ['key', `${shown(io, files.key)} (${encrypted ? 'encrypted' : 'not encrypted, mode 600'})`],
          ] as const)),
      ['chain', shown(io, files.chain)],
      ['certificate', shown(io, files.certificate)],
    ]),
  );
}

export interface AuthorityReport {
  readonly path: string;
  readonly role: AuthorityRecord['issuer'];
  readonly certificate: Certificate;
  readonly json: boolean;
}

export function reportAuthority(io: Io, { path, role, certificate, json: asJson }: AuthorityReport): void {
  const { subject, notAfter, fingerprint256 } = certificate;
  if (asJson) {
    io.out(
      jsonText({ role, file: path, subject, notAfter: new Date(notAfter).toISOString(), fingerprint256 }),
    );
    return;
  }
  io.out(`Renewed the ${role}, ${subjectText(subject)}\n`);
  io.out(
    rows([
      ['until', until(notAfter, io.now())],
      ['file', shown(io, path)],
    ]),
  );
  io.err(
    role === 'root'
      ? "Give it to all who trust the old one, before that ends: 'portcullis pki export --root' says how.\n"
      : 'What is renewed from now on has it in its chain.\n',
  );
}

export interface CrlReport {
  readonly crl: RecordedCrl;
  readonly file: string;
  readonly out: string | undefined;
  readonly json: boolean;
}

const crlJson = ({ number, thisUpdate, nextUpdate }: RecordedCrl, files: readonly string[]): object => ({
  number,
  thisUpdate,
  nextUpdate,
  files,
});

const filesOf = (io: Io, { file, out }: CrlReport): string[] =>
  out === undefined ? [file] : [file, resolve(io.directory, out)];

export function reportCrl(io: Io, report: CrlReport & { readonly revoked: number }): void {
  const { crl, revoked } = report;
  const files = filesOf(io, report);
  if (report.json) io.out(jsonText({ ...crlJson(crl, files), revoked }));
  else io.out(`${crlText(io, crl, files)}, with ${revoked} revoked\n`);
}

const crlText = (io: Io, { number, nextUpdate }: RecordedCrl, files: readonly string[]): string =>
  `CRL ${number}, until ${nextUpdate.slice(0, 10)}, in ${files.map((file) => shown(io, file)).join(' and ')}`;

export interface RevokedReport extends CrlReport {
  readonly entries: ReadonlyArray<
    Pick<Entry, 'serialNumber' | 'name' | 'revoked'> & { readonly purpose: Purpose | 'intermediate' }
  >;
  readonly changed: boolean;
}

export function reportRevoked(io: Io, report: RevokedReport): void {
  const { entries, changed, crl } = report;
  const files = filesOf(io, report);
  if (report.json) {
    const revoked = entries.map(({ serialNumber, name, purpose, revoked: revocation }) => ({
      serialNumber,
      name,
      purpose,
      ...revocation,
    }));
    io.out(jsonText({ changed, revoked, crl: crlJson(crl, files) }));
    return;
  }
  for (const { serialNumber, name, revoked } of entries) {
    const since = changed ? '' : `, as before since ${revoked!.at.slice(0, 10)}`;
    io.out(`Revoked '${name}', ${serialNumber} (${revoked!.reason})${since}\n`);
  }
  io.out(`${crlText(io, crl, files)}\n`);
}
