import { Command } from 'commander';
import { withDetails } from '../command/details.ts';
import { withPassphrase } from '../input/passphrase.ts';
import type { Io } from '../io.ts';
import type { PinFlags } from './pin.ts';

/** `portcullis pin TARGET…`. */
export function pinCommand(io: Io): Command {
  const command = new Command('pin')
    .description(
      'Print SPKI pins (RFC 7469, sha256/…=): of certificates, keys and requests in files, or of what a server shows.',
    )
    .argument('<target...>', "file (PEM, DER or PKCS#12), '-' for standard input, or HOST[:PORT]")
    .option('--chain', "a server's issuers as well, as it sends them")
    .option('--servername <name>', 'the name to ask a server for, where it is not its host')
    .option('--hex', 'in hexadecimal, as TLSA 3 1 1 records have it');
  withPassphrase(command)
    .option('--json', 'as JSON')
    .action(async (targets: readonly string[], flags: PinFlags) => {
      const { pin } = await import('./pin.ts');
      await pin(targets, flags, io);
    });
  return withDetails(command, [
    ['pin server.pem', 'of a certificate, for requirePin() or the client'],
    ['pin backup.csr', 'of a key that has no certificate yet: the backup pin'],
    ['pin example.org --chain', 'of what a server shows, unverified'],
    ['pin server.p12 --passphrase-env P12_PASSPHRASE', 'of a PKCS#12 file'],
  ]);
}
