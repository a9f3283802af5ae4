import type { SubjectAltNames } from '../../x509/extensions.ts';
import type { DistinguishedName } from '../../x509/name.ts';
import { CliFailure, exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { readAuthorities } from './authorities.ts';
import { currentRecord } from './current-record.ts';
import { dayMs } from './days.ts';
import type { Folder } from './folder.ts';
import { reportList } from './report-list.ts';
import {
  type AuthorityRecord,
  certificateOf,
  type Entry,
  type RecordedCrl,
  type Status,
  statusOf,
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
  if (count > 0 || shown.crl.lapsed || shown.rootCrl?.lapsed === true) throw expiry(count, days, shown);
}

function listing(io: Io, folder: Folder, record: AuthorityRecord): Listing {
  const { root, issuer } = readAuthorities(io, folder, record);
  const successors = new Map(record.certificates.map((entry) => [entry.renews, entry.serialNumber]));
  return {
    directory: folder.directory,
    authorities: [
      { role: 'root', subject: root.subject, notAfter: iso(root.notAfter) },
      ...(issuer === root
        ? []
        : [{ role: 'intermediate' as const, subject: issuer.subject, notAfter: iso(issuer.notAfter) }]),
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
        renewedBy: successors.get(entry.serialNumber) ?? null,
        folder: entry.folder,
      };
    }),
  };
}

const listedCrl = ({ number, nextUpdate }: RecordedCrl, now: number): ListedCrl => ({
  number,
  nextUpdate,
  lapsed: Date.parse(nextUpdate) <= now,
});

const iso = (ms: number): string => new Date(ms).toISOString();

/** What is still in use and will not be by then; what was renewed, or is over, needs nobody's care. */
const expiringWithin = (all: Listing, end: number): Listing => ({
  ...all,
  authorities: all.authorities.filter(({ notAfter }) => Date.parse(notAfter) <= end),
  certificates: all.certificates.filter(
    ({ status, renewedBy, notAfter }) =>
      status === 'valid' && renewedBy === null && Date.parse(notAfter) <= end,
  ),
});

function expiry(count: number, days: number, { crl, rootCrl, certificates }: Listing): CliFailure {
  const ending = `${count} ${count === 1 ? 'certificate ends' : 'certificates end'} within ${days} days`;
  return new CliFailure(
    [
      ...(count > 0 ? [ending] : []),
      ...(crl.lapsed ? ['the CRL has run out'] : []),
      ...(rootCrl?.lapsed === true ? ["the root's CRL has run out"] : []),
    ].join(', and '),
    crl.lapsed
      ? 'Write the next CRL: portcullis pki crl'
      : rootCrl?.lapsed === true
        ? 'Write the next one: portcullis pki crl --root'
        : `Renew: portcullis pki renew ${certificates.length > 0 ? 'NAME' : '--authority'}`,
    exitCodes.no,
  );
}
