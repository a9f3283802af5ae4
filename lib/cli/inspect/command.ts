import { Command, Option } from 'commander';
import { withDetails } from '../command/details.ts';
import { withPassphrase } from '../input/passphrase.ts';
import type { Io } from '../io.ts';
import type { InspectFlags } from './flags.ts';

/** `portcullis inspect HOST[:PORT]`. */
export function inspectCommand(io: Io): Command {
  const command = new Command('inspect')
    .description(
      'Look at a TLS server from outside: what it negotiates, what else it accepts, and a verdict against a profile. Nothing changes there.',
    )
    .argument('<host>', 'HOST, HOST:PORT, [IPv6]:PORT or https://HOST/; the port is 443 by default')
    .addOption(
      new Option('--profile <name>', "Mozilla's profile that it is to meet")
        .choices(['intermediate', 'modern'])
        .default('intermediate'),
    )
    .option('--servername <name>', 'SNI, and the name that its certificate must have, where it is not HOST')
    .option('--ca <file>', 'CA certificates (PEM) to trust instead of the roots of Node')
    .option('--cert <file>', 'client certificate with its chain (PEM)')
    .option('--key <file>', 'its private key (PEM)');
  withPassphrase(command)
    .option('--quick', 'only what is negotiated: a handful of connections instead of some hundred')
    .option('--http [port]', 'whether plain HTTP (port 80) sends on to https, too')
    .option('--timeout <seconds>', 'for each connection', '10')
    .option('--json', 'as JSON')
    .action(async (host: string, flags: InspectFlags) => {
      const { inspect } = await import('./inspect.ts');
      await inspect(host, flags, io);
    });
  return withDetails(
    command,
    [
      ['inspect example.org', 'a public server'],
      ['inspect localhost:8443 --ca ca.pem', 'one with a private CA'],
      ['inspect api.example.org --cert client.pem --key client.key', 'one that asks for a certificate'],
      ['inspect 192.0.2.1 --servername example.org --quick', 'one of several, by its address, in a second'],
      ['inspect example.org --profile modern --json', 'for a script'],
    ],
    { 0: 'the server meets the profile', 1: 'it does not' },
  );
}
