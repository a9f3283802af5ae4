import type { Authority } from '../../pki/index.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { authorityDates } from './authority-dates.ts';
import { lengthOf, type Period, periodOf, within } from './days.ts';
import { type Folder, readText } from './folder.ts';
import { rejectOption } from './option-failure.ts';
import { type AuthorityRecord, readRecord } from './record.ts';
import { reportAuthority } from './report.ts';
import { openRoot, type RootOptions } from './root.ts';
import { type Change, change, openFolder, openIssuer } from './store.ts';
import type { NewFile } from './staged-files.ts';
import { parseCertificate } from './parse-certificate.ts';

export interface RenewAuthorityOptions extends RootOptions {
  readonly days?: number;
  readonly root?: boolean;
  readonly json?: boolean;
}

/**
 * `pki renew --authority`: the authority that issues, or with `--root` the root above it, gets a certificate for a new
 * time, of the same name and key. What it has issued is good below both. A renewed root has to be given to all who trust
 * the old one.
 */
export async function renewAuthority(options: RenewAuthorityOptions, io: Io): Promise<void> {
  const folder = await openFolder(io, options);
  const { issuer } = readRecord(io, folder);
  const act =
    issuer === 'root' || options.root === true
      ? await renewalOfRoot(folder, issuer, options, io)
      : await renewalOfIntermediate(folder, options, io);
  const renewed = await change(io, folder, act);
  const role = renewed.certificate === renewed.root ? 'root' : 'intermediate';
  reportAuthority(io, {
    path: folder[role],
    role,
    certificate: parseCertificate(renewed.certificate),
    json: options.json === true,
  });
}

type Renewal = (record: AuthorityRecord) => Promise<Change<Authority>>;

async function renewalOfRoot(
  folder: Folder,
  issuer: AuthorityRecord['issuer'],
  options: RenewAuthorityOptions,
  io: Io,
): Promise<Renewal> {
  const root = await (issuer === 'root' ? openIssuer : openRoot)(io, folder, options);
  return async (record) => {
    const days = options.days ?? lengthOf(authorityDates(root));
    const renewed = await root.renew(periodOf(days, 'root', io.now())).catch(rejectOption);
    const below = record.issuer === 'root' ? '' : readText(io, folder.intermediate);
    return renewal(
      record,
      [own(folder.root, renewed.certificate), own(folder.ca, renewed.certificate + below)],
      renewed,
    );
  };
}

async function renewalOfIntermediate(
  folder: Folder,
  options: RenewAuthorityOptions,
  io: Io,
): Promise<Renewal> {
  const authority = await openIssuer(io, folder, options);
  const root = await openRoot(io, folder, options);
  return async (record) => {
    const period = periodBelow(root, authority, options.days, io.now());
    const renewed = await authority.renew({ ...period, issuer: root }).catch(rejectOption);
    const former = [...(record.formerIntermediates ?? []), authority.certificate];
    return renewal(
      { ...record, formerIntermediates: former },
      [own(folder.intermediate, renewed.certificate), own(folder.ca, renewed.root + renewed.certificate)],
      renewed,
    );
  };
}

/** As long as before, or as the root lasts. */
function periodBelow(root: Authority, authority: Authority, days: number | undefined, now: number): Period {
  const [above, before] = [authorityDates(root), authorityDates(authority)];
  if (above.notAfter <= Math.max(before.notAfter, now)) {
    throw new CliFailure(
      `the root ends on ${new Date(above.notAfter).toISOString().slice(0, 10)}, and the intermediate cannot last longer than now`,
      'Renew the root first: portcullis pki renew --authority --root --root-key FILE',
    );
  }
  if (days !== undefined) return periodOf(days, 'intermediate', now);
  return within(periodOf(lengthOf(before), 'intermediate', now), above);
}

const renewal = (
  record: AuthorityRecord,
  files: readonly NewFile[],
  result: Authority,
): Change<Authority> => ({ record, files: [], own: files, done: 'Run it again.', result });

const own = (path: string, content: string): NewFile => ({ path, content, mode: 0o644, overwrite: true });
