import type { Certificate } from '../../x509/certificate.ts';
import type { SubjectAltNames } from '../../x509/extensions.ts';
import type { DistinguishedName } from '../../x509/name.ts';
import type { Io } from '../io.ts';
import { readAuthorities } from './authorities.ts';
import { currentRecord } from './current-record.ts';
import { dayMs } from './days.ts';
import type { Folder } from './folder.ts';
import { expiry } from './expiry.ts';
import { reportList } from './report-list.ts';
import {
  type AuthorityRecord,
  certificateOf,
  type Entry,
  type RecordedCrl,
  type Revocation,
  type Status,
  statusOf,
  successorOf,
} from './record.ts';
import { openFolder, type StoreOptions } from './store.ts';

export interface ListOptions extends StoreOptions {
  readonly expiring?: number;
  readonly json?: boolean;
}

/** A line of the list; the same in JSON. */
export interface ListedCertificate {
  readonly name: string;
  readonly purpose: Entry['purpose'];
  readonly status: Status;
  readonly serialNumber: string;
  readonly subject: DistinguishedName;
  readonly names: SubjectAltNames;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly revoked: Entry['revoked'] | null;
  /** The serial number of the certificate that took its place. */
  readonly renewedBy: string | null;
  readonly folder: string | null;
}

export interface ListedAuthority {
  readonly role: 'root' | 'intermediate';
  readonly subject: DistinguishedName;
  readonly notAfter: string;
  /** On the list of the root. */
  readonly revoked: Pick<Revocation, 'at' | 'reason'> | null;
}

export interface ListedCrl {
  readonly number: string;
  readonly nextUpdate: string;
  readonly lapsed: boolean;
}

export interface Listing {
  readonly directory: string;
  readonly authorities: readonly ListedAuthority[];
  readonly crl: ListedCrl;
  /** Of the root above an intermediate. */
  readonly rootCrl: ListedCrl | null;
  readonly certificates: readonly ListedCertificate[];
}

/** `pki list`: what was issued. With `--expiring` what has to be renewed, and exit code 1 where there is any. */
export async function list(options: ListOptions, io: Io): Promise<void> {
  const folder = await openFolder(io, options);
  const record = currentRecord(io, folder);
  const all = listing(io, folder, record);
  const { expiring: days } = options;
  const shown = days === undefined ? all : expiringWithin(all, io.now() + days * dayMs);
  reportList(io, shown, { json: options.json === true, expiring: days !== undefined });
  if (days === undefined) return;
  const count = shown.certificates.length + shown.authorities.length;
  if (count > 0 || shown.crl.lapsed || shown.rootCrl?.lapsed === true)
    throw expiry(days, all, shown, io.now());
}

function listing(io: Io, folder: Folder, record: AuthorityRecord): Listing {
  const { root, issuer } = readAuthorities(io, folder, record);
  const { rootRevoked = [] } = record;
  return {
    directory: folder.directory,
    authorities: [
      { role: 'root', subject: root.subject, notAfter: iso(root.notAfter), revoked: null },
      ...(issuer === root ? [] : [listedIntermediate(issuer, rootRevoked)]),
    ],
    crl: listedCrl(record.crl, io.now()),
    rootCrl: record.rootCrl === undefined ? null : listedCrl(record.rootCrl, io.now()),
    certificates: record.certificates.map((entry) => {
      const { subject, subjectAltNames, notBefore } = certificateOf(entry);
      return {
        name: entry.name,
        purpose: entry.purpose,
        status: statusOf(entry, io.now()),
        serialNumber: entry.serialNumber,
        subject,
        names: subjectAltNames,
        notBefore: iso(notBefore),
        notAfter: entry.notAfter,
        revoked: entry.revoked ?? null,
        renewedBy: successorOf(record.certificates, entry)?.serialNumber ?? null,
        folder: entry.folder,
      };
    }),
  };
}

function listedIntermediate(
  { subject, notAfter, serialNumber }: Certificate,
  rootRevoked: readonly Revocation[],
): ListedAuthority {
  const { at, reason } = rootRevoked.find((one) => one.serialNumber === serialNumber) ?? {};
  return {
    role: 'intermediate',
    subject,
    notAfter: iso(notAfter),
    revoked: at === undefined || reason === undefined ? null : { at, reason },
  };
}

const listedCrl = ({ number, nextUpdate }: RecordedCrl, now: number): ListedCrl => ({
  number,
  nextUpdate,
  lapsed: Date.parse(nextUpdate) <= now,
});

const iso = (ms: number): string => new Date(ms).toISOString();

/** What nobody has renewed or revoked, and ends by then, or has ended: nobody may have noticed. */
const expiringWithin = (all: Listing, end: number): Listing => ({
  ...all,
  authorities: all.authorities.filter(
    ({ notAfter, revoked }) => revoked === null && Date.parse(notAfter) <= end,
  ),
  certificates: all.certificates.filter(
    (one, index) =>
      one.status !== 'revoked' &&
      one.renewedBy === null &&
      Date.parse(one.notAfter) <= end &&
      !(one.status === 'expired' && isReplaced(one, all.certificates.slice(index + 1))),
  ),
});

/** Whether a later one was issued into its files (`--force`). */
const isReplaced = ({ folder, purpose }: ListedCertificate, later: readonly ListedCertificate[]): boolean =>
  folder !== null &&
  later.some((one) => one.folder === folder && one.purpose === purpose && one.status !== 'revoked');
