import type { Authority } from '../../pki/index.ts';
import type { Io } from '../io.ts';
import { dayMs, type Period, periodOf } from './days.ts';
import { reportAuthority } from './report.ts';
import { openRoot } from './root.ts';
import { change, openAuthority, openFolder, type StoreOptions } from './store.ts';
import { parseCertificate } from './parse-certificate.ts';

export interface RenewAuthorityOptions extends StoreOptions {
  readonly days?: number;
  readonly rootKey?: string;
  readonly json?: boolean;
}

/**
 * `pki renew --authority`: the authority that issues gets a certificate for a new time, of the same name and key. What it
 * has issued is good below both. A renewed root has to be given to all who trust the old one.
 */
export async function renewAuthority(options: RenewAuthorityOptions, io: Io): Promise<void> {
  const folder = await openFolder(io, options);
  const authority = await openAuthority(io, folder, options);
  const root = isRoot(authority) ? undefined : await openRoot(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const renewed = await authority.renew({
      ...periodFor(authority, root, options.days, io.now()),
      ...(root !== undefined && { issuer: root }),
    });
    const path = root === undefined ? folder.root : folder.intermediate;
    return {
      record,
      files: [],
      own: [
        { path, content: renewed.certificate, mode: 0o644, overwrite: true },
        { path: folder.ca, content: caBundle(renewed), mode: 0o644, overwrite: true },
      ],
      done: 'Run it again.',
      result: { path, role: record.issuer, certificate: parseCertificate(renewed.certificate) },
    };
  });
  reportAuthority(io, { ...done, json: options.json === true });
}

const caBundle = (authority: Authority): string =>
  authority.root + (isRoot(authority) ? '' : authority.certificate);
const isRoot = (authority: Authority): boolean => authority.certificate === authority.root;

/** As long as before, or as the root lasts. */
function periodFor(
  authority: Authority,
  root: Authority | undefined,
  days: number | undefined,
  now: number,
): Period {
  const { notBefore, notAfter } = parseCertificate(authority.certificate);
  const usual = Math.ceil((notAfter + 1000 - notBefore) / dayMs);
  const period = periodOf(days ?? usual, root === undefined ? 'root' : 'intermediate', now);
  const end =
    root === undefined || days !== undefined ? Infinity : parseCertificate(root.certificate).notAfter;
  return { ...period, notAfter: new Date(Math.min(period.notAfter.getTime(), end)) };
}
