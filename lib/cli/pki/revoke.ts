import type { Authority, RevocationReason } from '../../pki/index.ts';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { oids } from '../../x509/extensions.ts';
import { plain } from '../terminal/plain.ts';
import { type CopyOptions, crlCopies, nextCrl } from './crl-file.ts';
import { fileName } from './names.ts';
import { shown } from './paths.ts';
import { type AuthorityRecord, certificateOf, type Entry, revocationsOf, statusOf } from './record.ts';
import { reportRevoked } from './report.ts';
import { intermediateAt, revokeIntermediate } from './revoke-intermediate.ts';
import type { RootOptions } from './root.ts';
import { choose, select } from './select.ts';
import { change, openAuthority, openFolder } from './store.ts';
import { parseCertificate } from './parse-certificate.ts';

export interface RevokeOptions extends RootOptions, CopyOptions {
  readonly reason?: RevocationReason;
  readonly all?: boolean;
  readonly days?: number;
  readonly json?: boolean;
}

/** `pki revoke`: records the revocation, and writes the next list in the same moment. */
export async function revoke(word: string, options: RevokeOptions, io: Io): Promise<void> {
  const folder = await openFolder(io, options);
  const intermediate = intermediateAt(io, folder, word);
  if (intermediate !== undefined) {
    await revokeIntermediate(intermediate, folder, options, io);
    return;
  }
  if (options.rootKey !== undefined)
    throw usage(
      '--root-key goes with the file of an intermediate',
      'What is issued here is revoked without the root.',
    );
  const authority = await openAuthority(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const known = withUnknown(io, record, word, authority);
    const named = targetsOf(io, known, word, options);
    const others = sameKeyOf(known, named, io.now());
    const targets = options.reason === 'keyCompromise' ? [...named, ...others] : named;
    const revoked = new Map(
      targets.map((entry) => [entry.serialNumber, revokedNow(entry, options, io.now())]),
    );
    const certificates = known.certificates.map((entry) => revoked.get(entry.serialNumber) ?? entry);
    const changed = targets.some((entry) => revoked.get(entry.serialNumber) !== entry);
    const crl = changed
      ? await nextCrl(
          authority,
          revocationsOf({ ...known, certificates }),
          record.crl,
          options.days,
          io.now(),
        )
      : record.crl;
    return {
      record: { ...known, certificates, crl },
      files: crlCopies(io, crl, options),
      result: { entries: [...revoked.values()], crl, changed, named, others },
      done: `Revoked, recorded, and on the list ${shown(io, folder.crl)}: only the copy is missing.`,
    };
  });
  warnOfKey(io, done, options);
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
    throw new CliFailure(
      `'${plain(word)}' is an authority`,
      'A root is not revoked: whoever trusts it stops doing so. An intermediate is, where its root is.',
    );
  const { at, reason } = record.alsoRevoked?.find((one) => one.serialNumber === unknown.serialNumber) ?? {};
  const entry: Entry = {
    serialNumber: unknown.serialNumber,
    name: fileName(unknown.subject['CN']?.[0] ?? unknown.serialNumber),
    purpose: unknown.extendedKeyUsage?.includes(oids.clientAuth) === true ? 'client' : 'server',
    issuedAt: new Date(unknown.notBefore).toISOString(),
    notAfter: new Date(unknown.notAfter).toISOString(),
    folder: null,
    ...(at !== undefined && reason !== undefined && { revoked: { at, reason } }),
    certificate: unknown.pem,
  };
  const alsoRevoked = record.alsoRevoked?.filter((one) => one.serialNumber !== unknown.serialNumber) ?? [];
  return { ...record, alsoRevoked, certificates: [...record.certificates, entry] };
}

/** A name may stand for several certificates, of which in an emergency none may be forgotten. */
function targetsOf(io: Io, record: AuthorityRecord, word: string, options: RevokeOptions): readonly Entry[] {
  const { entries, others } = select(io, record, word);
  const all = [...entries, ...others];
  const open = all.filter((entry) => entry.revoked === undefined);
  const candidates = open.length > 0 ? open : all;
  const valid = candidates.filter((entry) => statusOf(entry, io.now()) === 'valid');
  const targets = valid.length > 0 ? valid : candidates;
  if (targets.length === 1 || options.all === true) return targets;
  throw new CliFailure(
    `'${plain(word)}' means ${targets.length} certificates`,
    `${choose(targets)} To revoke them all, add --all.`,
  );
}

const keyOf = (entry: Entry): string => certificateOf(entry).pin;

/** What else has the key of one of these, and is good still: `renew` leaves the key as it is. */
function sameKeyOf(
  { certificates }: AuthorityRecord,
  named: readonly Entry[],
  now: number,
): readonly Entry[] {
  const keys = new Set(named.map(keyOf));
  return certificates.filter(
    (entry) => !named.includes(entry) && statusOf(entry, now) === 'valid' && keys.has(keyOf(entry)),
  );
}

/** A certificate that takes the place of another one has its key by right. */
function warnOfKey(
  io: Io,
  { named, others }: { readonly named: readonly Entry[]; readonly others: readonly Entry[] },
  { reason }: RevokeOptions,
): void {
  if (others.length === 0 || reason === 'superseded') return;
  const serials = others.map(({ serialNumber }) => serialNumber).join(', ');
  const it = named.length === 1 ? 'Its key is' : 'Their keys are';
  io.err(
    reason === 'keyCompromise'
      ? `${it} that of others, which are revoked as well: ${serials}\n`
      : `warning: ${it.toLowerCase()} good still in ${serials}. Where the key has leaked: --reason keyCompromise\n`,
  );
}

/** Once revoked it stays so, since when it was; only the reason may be told later. */
function revokedNow(entry: Entry, { reason }: RevokeOptions, now: number): Entry {
  if (entry.revoked !== undefined && (reason === undefined || reason === entry.revoked.reason)) return entry;
  const at = entry.revoked?.at ?? new Date(now).toISOString();
  return { ...entry, revoked: { at, reason: reason ?? 'unspecified' } };
}
