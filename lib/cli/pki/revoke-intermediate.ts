import type { Certificate } from '../../x509/certificate.ts';
import type { Io } from '../io.ts';
import { readAuthorities } from './authorities.ts';
import { crlCopies, nextCrl, rootCrlDays } from './crl-file.ts';
import type { Folder } from './folder.ts';
import { fileName } from './names.ts';
import { parseCertificate } from './parse-certificate.ts';
import { shown } from './paths.ts';
import { type AuthorityRecord, readRecord, type Revocation } from './record.ts';
import { reportRevoked } from './report.ts';
import type { RevokeOptions } from './revoke.ts';
import { openRoot } from './root.ts';
import { readCertificateAt } from './select.ts';
import { change } from './store.ts';

/** The intermediate that `word` is the file of; undefined for everything that its root has not issued as a CA. */
export function intermediateAt(io: Io, folder: Folder, word: string): Certificate | undefined {
  const record = readRecord(io, folder);
  const certificate = record.issuer === 'root' ? undefined : readCertificateAt(io, word);
  if (certificate === undefined || certificate === 'other' || !certificate.isCa) return undefined;
  const { root } = readAuthorities(io, folder, record);
  const isBelow =
    certificate.sha256 !== root.sha256 &&
    !certificate.isSelfIssued &&
    certificate.issuerRaw.equals(root.subjectRaw) &&
    certificate.x509.verify(root.x509.publicKey);
  return isBelow ? certificate : undefined;
}

/** `pki revoke` of an intermediate: on the list of the root, which has to be there for it. */
export async function revokeIntermediate(
  given: Certificate,
  folder: Folder,
  options: RevokeOptions,
  io: Io,
): Promise<void> {
  const root = await openRoot(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const current = readAuthorities(io, folder, record).issuer;
    const before = new Map((record.rootRevoked ?? []).map((one) => [one.serialNumber, one]));
    const targets = targetsOf(given, current, record, options);
    const revoked = targets.map((target) => revokedNow(target, before, options, io.now()));
    const changed = revoked.some((one) => before.get(one.serialNumber) !== one);
    for (const one of revoked) before.set(one.serialNumber, one);
    const rootRevoked = [...before.values()];
    const last = record.rootCrl ?? { number: '0' };
    const rootCrl =
      changed || record.rootCrl === undefined
        ? await nextCrl(root, rootRevoked, last, options.days ?? rootCrlDays, io.now())
        : record.rootCrl;
    return {
      record: { ...record, rootRevoked, rootCrl },
      files: crlCopies(io, rootCrl, options),
      result: {
        entries: revoked.map(({ serialNumber, ...revocation }, index) => ({
          serialNumber,
          name: fileName(targets[index]!.subject['CN']?.[0] ?? serialNumber),
          purpose: 'intermediate' as const,
          revoked: revocation,
        })),
        crl: rootCrl,
        changed,
        isOver: before.has(current.serialNumber),
      },
      done: `Revoked, recorded, and on the list ${shown(io, folder.rootCrl)}: only the copy is missing.`,
    };
  });
  reportRevoked(io, { ...done, file: folder.rootCrl, out: options.out, json: options.json === true });
  io.err(
    `Give ${shown(io, folder.rootCrl)} to all who check, beside the other list: without it they go on believing what the intermediate has issued.\n`,
  );
  if (done.isOver)
    io.err(
      'It issues no more. Make another authority, and issue anew: portcullis pki init --intermediate --dir FOLDER\n',
    );
}

/** A key that has leaked, or is used no more, is so in all of its certificates. */
function targetsOf(
  given: Certificate,
  current: Certificate,
  { formerIntermediates = [] }: AuthorityRecord,
  { reason }: RevokeOptions,
): readonly Certificate[] {
  if (reason !== 'keyCompromise' && given.serialNumber !== current.serialNumber) return [given];
  const known = [given, current, ...formerIntermediates.map((pem) => parseCertificate(pem))];
  const ofKey = known.filter(({ publicKeyRaw }) => publicKeyRaw.equals(given.publicKeyRaw));
  return [...new Map(ofKey.map((one) => [one.serialNumber, one])).values()];
}

/** RFC 5280 5.3.1 has a reason of its own for the key of an authority. */
function revokedNow(
  { serialNumber }: Certificate,
  before: ReadonlyMap<string, Revocation>,
  { reason: given }: RevokeOptions,
  now: number,
): Revocation {
  const known = before.get(serialNumber);
  const reason = given === 'keyCompromise' ? 'caCompromise' : given;
  if (known !== undefined && (reason === undefined || reason === known.reason)) return known;
  const at = known?.at ?? new Date(now).toISOString();
  return { serialNumber, at, reason: reason ?? 'unspecified' };
}
