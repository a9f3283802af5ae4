import { Command, Option } from 'commander';
import { withDetails } from '../command/details.ts';
import { withPassphrase } from '../input/passphrase.ts';
import type { Io } from '../io.ts';
import type { AuditFlags } from './audit.ts';

/** `portcullis audit CONFIG|HOST`. */
export function auditCommand(io: Io): Command {
  const command = new Command('audit')
    .description(
      "Compare a server to its profile, to Mozilla's guideline and to BCP 195, each finding with its remedy: from its configuration, which is loaded and not started, or from outside.",
    )
    .argument(
      '<target>',
      'module that exports the options of createServer, or a server of it; a JSON file of options; or HOST[:PORT]',
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit code 1 from this severity on')
        .choices(['high', 'medium', 'low', 'info', 'none'])
        .default('medium'),
    )
    .addOption(
      new Option('--profile <name>', 'what a HOST is compared to; default: intermediate').choices([
        'intermediate',
        'modern',
      ]),
    )
    .option('--servername <name>', 'SNI for a HOST, and the name that its certificate must have')
    .option('--ca <file>', 'CA certificates (PEM) to trust a HOST by, instead of the roots of Node')
    .option('--cert <file>', 'client certificate for a HOST (PEM)')
    .option('--key <file>', 'its private key (PEM)');
  withPassphrase(command)
    .option('--http [port]', 'whether plain HTTP (port 80) of a HOST sends on to https, too')
    .option('--timeout <seconds>', 'for each connection to a HOST; default: 10')
    .option('--json', 'as JSON')
    .action(async (target: string, flags: AuditFlags) => {
      const { audit } = await import('./audit.ts');
      await audit(target, flags, io);
    });
  return withDetails(
    command,
    [
      ['audit server.js', 'of a module that exports the options, or the server'],
      ['audit options.json --fail-on low', 'strictly, in a pipeline'],
      ['audit example.org --json', 'of a server, from outside'],
    ],
    { 0: 'no finding of that severity', 1: 'a finding of that severity, or a graver one' },
  );
}
