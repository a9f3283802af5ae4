import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { type CopyOptions, crlCopies, nextCrl, rootCrlDays } from './crl-file.ts';
import type { Folder } from './folder.ts';
import { revocationsOf } from './record.ts';
import { shown } from './paths.ts';
import { reportCrl } from './report.ts';
import { openRoot, type RootOptions } from './root.ts';
import { change, openAuthority, openFolder } from './store.ts';

export interface CrlCommandOptions extends RootOptions, CopyOptions {
  readonly root?: boolean;
  readonly days?: number;
  readonly json?: boolean;
}

/** `pki crl`: writes the next list of revoked certificates before the last one runs out. */
export async function crl(options: CrlCommandOptions, io: Io): Promise<void> {
  if (options.root !== true && options.rootKey !== undefined)
    throw usage('--root-key goes with --root', 'The CRL of what issues here needs no root key.');
  const folder = await openFolder(io, options);
  await (options.root === true ? rootCrl(folder, options, io) : issuerCrl(folder, options, io));
}

async function issuerCrl(folder: Folder, options: CrlCommandOptions, io: Io): Promise<void> {
  const authority = await openAuthority(io, folder, options);
  const done = await change(io, folder, async (record) => {
    const revocations = revocationsOf(record);
    const next = await nextCrl(authority, revocations, record.crl, options.days, io.now());
    return {
      record: { ...record, crl: next },
      files: crlCopies(io, next, options),
      result: { crl: next, revoked: revocations.length },
      done: `The list is written to ${shown(io, folder.crl)}: only the copy is missing.`,
    };
  });
  reportCrl(io, { ...done, file: folder.crl, out: options.out, json: options.json === true });
}

/** Some verifiers want a list of every authority (OpenSSL's `-crl_check_all`, nginx); the root's revokes intermediates. */
async function rootCrl(folder: Folder, options: CrlCommandOptions, io: Io): Promise<void> {
  const root = await openRoot(io, folder, options);
  const done = await change(io, folder, async (record) => {
    if (record.issuer === 'root')
      throw new CliFailure('here the root issues', 'Its CRL is the one that is written without --root.');
    const revocations = record.rootRevoked ?? [];
    const next = await nextCrl(
      root,
      revocations,
      record.rootCrl ?? { number: '0' },
      options.days ?? rootCrlDays,
      io.now(),
    );
    return {
      record: { ...record, rootCrl: next },
      files: crlCopies(io, next, options),
      result: { crl: next, revoked: revocations.length },
      done: `The list is written to ${shown(io, folder.rootCrl)}: only the copy is missing.`,
    };
  });
  reportCrl(io, { ...done, file: folder.rootCrl, out: options.out, json: options.json === true });
}
