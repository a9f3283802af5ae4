import cluster from 'node:cluster';
import { CliFailure, exitCodes } from '../failure.ts';
import { askedPassphrase, passphraseFrom } from '../input/passphrase.ts';
import type { Io } from '../io.ts';
import { checkFlags, type ServeFlags } from './flags.ts';
import { serveHere } from './serve-here.ts';

/** Serves until it is stopped: in this process, or in workers of it. */
export async function serve(entry: string, flags: ServeFlags, io: Io): Promise<void> {
  checkFlags(flags);
  if (flags.workers > 1 && cluster.isPrimary) {
    requireSharedPassphrase(flags, io);
    const { serveByWorkers } = await import('./workers.ts');
    await serveByWorkers(flags, io);
    return;
  }
  await serveHere(entry, flags, await passphraseOf(flags, io), io);
}

const passphraseOf = (flags: ServeFlags, io: Io): Promise<string | undefined> =>
  flags.pfx === undefined
    ? Promise.resolve(passphraseFrom(flags, io))
    : askedPassphrase(flags, io, `Passphrase of ${flags.pfx}`);

/** Each worker would ask for it, and the next one again at night. */
function requireSharedPassphrase(flags: ServeFlags, io: Io): void {
  if (flags.pfx === undefined || passphraseFrom(flags, io) !== undefined || io.askSecret === undefined)
    return;
  throw new CliFailure(
    '--workers cannot ask for the passphrase of --pfx',
    'Give it by --passphrase-env or --passphrase-file.',
    exitCodes.usage,
  );
}
