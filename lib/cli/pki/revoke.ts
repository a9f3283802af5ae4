import { resolve } from 'node:path';
import type { Authority, RevocationReason } from '../../pki/index.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { oids } from '../../x509/extensions.ts';
import { plain } from '../terminal/plain.ts';
import { crlFile, nextCrl } from './crl-file.ts';
import { fileName } from './names.ts';
import { type AuthorityRecord, type Entry, statusOf } from './record.ts';
import { reportRevoked } from './report.ts';
import { choose, select } from './select.ts';
import { change, openAuthority, openFolder, type StoreOptions } from './store.ts';
import { parseCertificate } from './parse-certificate.ts';

export interface RevokeOptions extends StoreOptions {
  readonly reason?: RevocationReason;
  readonly all?: boolean;
  readonly days?: number;
  readonly out?: string;
  readonly der?: boolean;
  readonly json?: boolean;
}

/** `pki revoke`: records the revocation, and writes the next list in the same moment. */
export async function revoke(word: string, options: RevokeOptions, io: Io): Promise<void> {
  const folder = openFolder(io, options);
  const authority = await openAuthority(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const known = withUnknown(io, record, word, authority);
    const targets = targetsOf(io, known, word, options);
    const revoked = new Map(
      targets.map((entry) => [entry.serialNumber, revokedNow(entry, options, io.now())]),
    );
    const certificates = known.certificates.map((entry) => revoked.get(entry.serialNumber) ?? entry);
    const changed = targets.some((entry) => revoked.get(entry.serialNumber) !== entry);
    const crl = changed
      ? await nextCrl(authority, certificates, record.crl, options.days, io.now())
      : record.crl;
    return {
      record: { ...record, certificates, crl },
      files:
        options.out === undefined
          ? []
          : [crlFile(resolve(io.directory, options.out), crl, options.der === true)],
      result: { entries: [...revoked.values()], crl, changed },
    };
  });
  reportRevoked(io, { ...done, file: folder.crl, out: options.out, json: options.json === true });
}

/** What this authority has issued by other means, or before its record was put back, can be revoked by its file. */
function withUnknown(io: Io, record: AuthorityRecord, word: string, authority: Authority): AuthorityRecord {
  const { unknown } = select(io, record, word);
  if (unknown === undefined) return record;
  const issuer = parseCertificate(authority.certificate);
  if (!unknown.issuerRaw.equals(issuer.subjectRaw) || !unknown.x509.verify(issuer.x509.publicKey)) {
    throw new CliFailure(
      `'${plain(word)}' was not issued by this authority`,
      'Each authority revokes its own: name another one with --dir.',
    );
  }
  if (unknown.isCa)
    throw new CliFailure(`'${plain(word)}' is an authority`, 'Only servers and clients are revoked here.');
  const entry: Entry = {
    serialNumber: unknown.serialNumber,
    name: fileName(unknown.subject['CN']?.[0] ?? unknown.serialNumber),
    purpose: unknown.extendedKeyUsage?.includes(oids.clientAuth) === true ? 'client' : 'server',
    issuedAt: new Date(unknown.notBefore).toISOString(),
    notAfter: new Date(unknown.notAfter).toISOString(),
    folder: null,
    certificate: unknown.pem,
  };
  return { ...record, certificates: [...record.certificates, entry] };
}

/** A name may stand for several certificates, of which in an emergency none may be forgotten. */
function targetsOf(io: Io, record: AuthorityRecord, word: string, { all }: RevokeOptions): readonly Entry[] {
  const { entries } = select(io, record, word);
  const open = entries.filter((entry) => entry.revoked === undefined);
  const candidates = open.length > 0 ? open : entries;
  const valid = candidates.filter((entry) => statusOf(entry, io.now()) === 'valid');
  const targets = valid.length > 0 ? valid : candidates;
  if (targets.length === 1 || all === true) return targets;
  throw new CliFailure(
    `'${plain(word)}' means ${targets.length} certificates`,
    `${choose(targets)} To revoke them all, add --all.`,
  );
}

/** Once revoked it stays so, since when it was; only the reason may be told later. */
function revokedNow(entry: Entry, { reason }: RevokeOptions, now: number): Entry {
  if (entry.revoked !== undefined && (reason === undefined || reason === entry.revoked.reason)) return entry;
  const at = entry.revoked?.at ?? new Date(now).toISOString();
  return { ...entry, revoked: { at, reason: reason ?? 'unspecified' } };
}
