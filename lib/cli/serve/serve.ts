import cluster from 'node:cluster';
import { usage } from '../failure.ts';
import { kindOf } from '../input/load-module.ts';
import { isEncryptedPem, passphraseFrom } from '../input/passphrase.ts';
import { readWhole } from '../input/read-file.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { checkFlags, type ServeFlags } from './flags.ts';
import { serveHere } from './serve-here.ts';

/** Serves until it is stopped: in this process, or in workers of it. */
export async function serve(entry: string, flags: ServeFlags, io: Io): Promise<void> {
  checkFlags(flags);
  if (flags.workers > 1 && cluster.isPrimary) {
    await requireSharedPassphrase(flags, io);
    const { serveByWorkers } = await import('./workers.ts');
    await serveByWorkers(flags, io);
    return;
  }
  await serveHere(entry, flags, await passphraseOf(flags, io), io);
}

/** By the flags, or typed for the first file that needs it. */
async function passphraseOf(flags: ServeFlags, io: Io): Promise<string | undefined> {
  const given = await passphraseFrom(flags, io);
  if (given !== undefined) return given;
  const file = protectedFile(flags, io);
  return file === undefined ? undefined : io.askSecret?.(`Passphrase of ${plain(file)}: `);
}

/** Whether a PKCS#12 file needs one is seen by opening it alone: it is asked for in any case. */
function protectedFile({ pfx, key = [] }: ServeFlags, io: Io): string | undefined {
  return (
    pfx ??
    key.find((file) => kindOf(io, file) === 'file' && isEncryptedPem(readWhole(io, file).toString('latin1')))
  );
}

/** Each worker would ask for it, and the next one again at night; a pipe has it but once. */
async function requireSharedPassphrase(flags: ServeFlags, io: Io): Promise<void> {
  const { passphraseFile: file } = flags;
  if (file === '-' || (file !== undefined && kindOf(io, file) === 'other'))
    throw usage(
      '--workers cannot read the passphrase from a pipe',
      'Give it by --passphrase-env, or a file.',
    );
  if ((await passphraseFrom(flags, io)) !== undefined || io.askSecret === undefined) return;
  if (protectedFile(flags, io) === undefined) return;
  throw usage(
    `--workers cannot ask for the passphrase of ${flags.pfx === undefined ? '--key' : '--pfx'}`,
    'Give it by --passphrase-env or --passphrase-file.',
  );
}
