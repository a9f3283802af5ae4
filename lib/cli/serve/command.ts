import { Command, InvalidArgumentError, Option } from 'commander';
import { withDetails } from '../command/details.ts';
import { withPassphrase } from '../input/passphrase.ts';
import type { Io } from '../io.ts';
import type { ServeFlags } from './flags.ts';

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function wholeNumber(min: number, max: number, what: string): (value: string) => number {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give ${what} from ${min} to ${max}.`);
  };
}

/** Node takes none for all addresses of this machine. */
function address(value: string): string {
  if (/^\S+$/.test(value)) return value;
  throw new InvalidArgumentError('Give an address, or a name of this machine.');
}

/** `portcullis serve [entry]`. */
export function serveCommand(io: Io): Command {
  const command = new Command('serve')
    .description(
      'Serve an Express app, or the files of a folder, over HTTPS. Without a certificate one for localhost is made.',
    )
    .argument('[entry]', 'module that exports an app (default export, or app), or a folder', '.')
    .option('-p, --port <port>', 'port; 0 takes a free one', wholeNumber(0, 65_535, 'a port'), 8443)
    .option('--host <address>', 'address to listen on; 0.0.0.0 or :: for all', address, '127.0.0.1')
    .option('--cert <file>', 'certificate with its issuers, PEM; with --key, repeatable', append)
    .option('--key <file>', 'private key of --cert, PEM', append)
    .addOption(
      new Option('--pfx <file>', 'key and certificate in one PKCS#12 file').conflicts(['cert', 'key']),
    );
  withPassphrase(command)
    .addOption(
      new Option('--profile <name>', "of Mozilla's guideline")
        .choices(['intermediate', 'modern'])
        .default('intermediate'),
    )
    .option('--http2', 'HTTP/2 beside HTTP/1.1')
    .addOption(
      new Option('--client-auth <mode>', 'ask clients for certificates of --ca').choices([
        'optional',
        'required',
      ]),
    )
    .option('--ca <file>', 'CA whose clients are believed; repeatable', append)
    .option('--crl <file>', 'revocation list of such a CA; repeatable', append)
    .option(
      '--workers <count>',
      'processes that share the port',
      wholeNumber(1, 256, 'a number of workers'),
      1,
    )
    .option('--redirect <port>', 'plain port that redirects to https', wholeNumber(0, 65_535, 'a port'))
    .option('--grace <seconds>', 'how long a stop waits for requests', wholeNumber(0, 3600, 'seconds'), 10)
    .action(async (entry: string, flags: ServeFlags) => {
      const { serve } = await import('./serve.ts');
      await serve(entry, flags, io);
    });
  return withDetails(
    command,
    [
      ['serve', 'the files of this folder, at https://localhost:8443'],
      ['serve app.js --http2', 'an Express app that app.js exports'],
      ['serve app.js --client-auth required --ca clients-ca.pem', 'only for clients of that CA'],
      [
        'serve app.js --host 0.0.0.0 --port 443 --redirect 80 --cert server.pem --key server.key --workers 4',
        'for others, with four processes',
      ],
    ],
    { 0: 'stopped by Ctrl-C or SIGTERM' },
  );
}
