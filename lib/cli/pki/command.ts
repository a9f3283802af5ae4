import { Command, Option } from 'commander';
import { withDetails } from '../command/details.ts';
import type { Io } from '../io.ts';
import type { ClientOptions } from './client.ts';
import type { CrlCommandOptions } from './crl.ts';
import type { ExportOptions } from './export.ts';
import type { InitOptions } from './init.ts';
import type { IssueOptions } from './issue.ts';
import type { ListOptions } from './list.ts';
import {
  days,
  keyTypeOption,
  repeated,
  withAuthorityKey,
  withCrl,
  withFolder,
  withIdentity,
  withIssuing,
  withJson,
  withKey,
  withKeyEncryption,
} from './options.ts';
import type { RenewOptions } from './renew.ts';
import type { RevokeOptions } from './revoke.ts';
import type { ShowOptions } from './show.ts';
import type { SignOptions } from './sign.ts';

/** `portcullis pki …`: a private authority in a folder. */
export function pkiCommand(io: Io): Command {
  const command = new Command('pki').description('A private authority in a folder: servers, clients, CRLs.');
  const commands = [initCommand, serverCommand, clientCommand, signCommand, renewCommand, revokeCommand];
  for (const make of [...commands, crlCommand, exportCommand, listCommand, showCommand])
    command.addCommand(make(io));
  return withDetails(command, [
    ['pki init', 'make an authority in ./pki, its key encrypted'],
    ['pki server localhost 127.0.0.1', 'issue to a server'],
    ['pki client alice', 'issue to a client'],
    ['pki revoke alice --reason keyCompromise', 'shut a client out'],
    ['pki list --expiring 30', 'see what has to be renewed'],
  ]);
}

function initCommand(io: Io): Command {
  const command = withJson(
    withFolder(new Command('init').description('Make an authority. By default for development names only.'))
      .option('--passphrase-file <file>', 'passphrase for its key; else $PORTCULLIS_PASSPHRASE, or a prompt')
      .option('--no-passphrase', 'leave the key unencrypted, for its owner alone to read')
      .addOption(
        repeated('--permit <name>', 'a domain, @domain, scheme://host, or address range it may issue for'),
      )
      .option('--unconstrained', 'let it issue for any name')
      .option('--subject <name>', "its name, as 'O=Example, CN=Example root'")
      .option('--days <days>', 'how long the root is valid; default: 3652', days)
      .addOption(keyTypeOption())
      .option('--intermediate', 'issue by an intermediate, so that the root key may be kept offline')
      .option('--root-out <file>', 'with --intermediate: write the root key there, and not into the folder'),
  ).action(async (options: InitOptions) => {
    const { init } = await import('./init.ts');
    await init(options, io);
  });
  return withDetails(command, [
    ['pki init', 'for localhost, .test, .internal, .home.arpa, .local and private addresses'],
    ['pki init --permit example.org --permit 10.0.0.0/8', 'for one domain and one network'],
    ['pki init --intermediate --root-out /media/usb/root.key', 'with the root key on a stick'],
  ]);
}

function serverCommand(io: Io): Command {
  const command = withKey(
    new Command('server')
      .description('Issue a certificate to a TLS server, for 398 days at most.')
      .argument('[names...]', 'DNS names (*.example.org is a wildcard) and IP addresses')
      .option('--subject <name>', 'its subject; default: the first name'),
  ).action(async (names: string[], options: IssueOptions) => {
    const { issueServer } = await import('./server.ts');
    await issueServer(names, options, io);
  });
  return withDetails(command, [
    ['pki server localhost 127.0.0.1 ::1', 'key and certificate into pki/issued/localhost'],
    ['pki server api.internal --out /etc/api/tls', 'into a folder of your choice'],
    ['pki server api.internal --csr api.csr', 'for a key that its owner keeps'],
  ]);
}

function clientCommand(io: Io): Command {
  const command = withKey(
    withIdentity(
      new Command('client')
        .description('Issue a certificate to a TLS client, for 825 days at most.')
        .argument('[name]', 'its common name')
        .option('--cn <name>', 'the same')
        .option('--subject <name>', "a whole subject instead, as 'O=Example, OU=Ops, CN=alice'"),
    ),
  ).action(async (name: string | undefined, options: ClientOptions) => {
    const { issueClient } = await import('./client.ts');
    await issueClient(name, options, io);
  });
  return withDetails(command, [
    ['pki client alice --email alice@example.org', 'a person'],
    ['pki client --spiffe spiffe://example.org/payments --days 7', 'a workload'],
    ['pki client --csr device.csr --names-from-csr', 'a device that made its own key'],
  ]);
}

function signCommand(io: Io): Command {
  const command = withIssuing(
    withIdentity(
      new Command('sign')
        .description('Sign a request. Its names are shown, and granted only when you say so.')
        .argument('<request>', 'PKCS#10 in PEM or DER; - reads standard input')
        .argument('[names...]', "a server's names, or a client's common name"),
    )
      .addOption(
        new Option('--for <purpose>', 'what it may be used for')
          .choices(['server', 'client'])
          .default('server'),
      )
      .option('--subject <name>', "its subject, as 'O=Example, CN=alice'"),
  ).action(async (request: string, names: string[], options: SignOptions) => {
    const { sign } = await import('./sign.ts');
    await sign(request, names, options, io);
  });
  return withDetails(command, [
    ['pki sign api.csr api.internal', 'for a server'],
    ['pki sign device.csr device-7 --for client', 'for a client'],
  ]);
}

function renewCommand(io: Io): Command {
  const command = withJson(
    withKeyEncryption(
      withAuthorityKey(
        new Command('renew')
          .description('Issue the same certificate for a new time, into its own files. The key stays.')
          .argument('[certificate]', 'its file, serial number or name'),
      )
        .option('--authority', 'renew the authority itself, of the same key and name')
        .option('--root', 'with --authority: the root above the intermediate that issues')
        .option('--root-key <file>', "with --authority, where an intermediate issues: the root's key")
        .option('--days <days>', 'how long it is valid; default: as before', days)
        .option('--new-key', 'make a new key, which breaks pins to the old one')
        .addOption(keyTypeOption())
        .option('--csr <file>', 'for the new key of this request')
        .option('-o, --out <folder>', 'write elsewhere'),
    ),
  ).action(async (word: string | undefined, options: RenewOptions) => {
    const { renew } = await import('./renew.ts');
    await renew(word, options, io);
  });
  return withDetails(command, [
    ['pki renew localhost', 'a running Portcullis server takes the new file by itself'],
    ['pki renew alice --new-key', 'with a new key'],
    ['pki renew --authority', 'the authority itself, years later'],
    ['pki renew --authority --root --root-key /media/usb/root.key', 'the root above an intermediate'],
  ]);
}

function revokeCommand(io: Io): Command {
  const command = withCrl(
    new Command('revoke')
      .description('Revoke a certificate for good, and write the next CRL at once.')
      .argument('<certificate>', 'its file, serial number or name'),
  )
    .addOption(
      new Option('--reason <reason>', 'why; default: unspecified').choices([
        'unspecified',
        'keyCompromise',
        'affiliationChanged',
        'superseded',
        'cessationOfOperation',
        'privilegeWithdrawn',
      ]),
    )
    .option('--all', 'all certificates of that name')
    .option('--root-key <file>', "for the file of an intermediate: the root's key")
    .action(async (word: string, options: RevokeOptions) => {
      const { revoke } = await import('./revoke.ts');
      await revoke(word, options, io);
    });
  return withDetails(command, [
    ['pki revoke alice --all --reason keyCompromise', 'all that alice has'],
    ['pki revoke client.pem --out /etc/api/clients.crl', 'with a copy where a server watches it'],
    ['pki revoke pki/intermediate.pem --root-key root.key', "the intermediate, on the root's list"],
  ]);
}

function crlCommand(io: Io): Command {
  const command = withCrl(new Command('crl').description('Write the next CRL, before the last one runs out.'))
    .option('--root', 'that of the root above an intermediate; for 366 days')
    .option('--root-key <file>', "with --root: the root's key")
    .action(async (options: CrlCommandOptions) => {
      const { crl } = await import('./crl.ts');
      await crl(options, io);
    });
  return withDetails(command, [
    ['pki crl --passphrase-file pki.pass', 'daily, by cron'],
    ['pki crl --der --out /var/www/ca.crl', 'for a --crl-url'],
  ]);
}

function exportCommand(io: Io): Command {
  const command = withJson(
    withFolder(
      new Command('export')
        .description('Write a PKCS#12 file for a browser or a keychain, or the root for who shall trust it.')
        .argument('[certificate]', 'its file, serial number or name'),
    )
      .option('--p12 <file>', 'write key and certificate there, encrypted')
      .option('--compatible', 'PKCS#12 that every system takes; the default')
      .option('--modern', 'AES-256 and SHA-256, which older keychains refuse')
      .option('--password-file <file>', 'its password; else $PORTCULLIS_P12_PASSWORD, or one is made up')
      .option('--ask-password', 'ask for its password')
      .option('--key <file>', 'the private key, where it is not in its folder')
      .option(
        '--key-passphrase-file <file>',
        'what the key is encrypted with; else $PORTCULLIS_KEY_PASSPHRASE',
      )
      .option('--root', 'the root certificate, and how systems come to trust it')
      .option('-o, --out <file>', 'with --root: write it there')
      .option('-f, --force', 'replace a file that is there'),
  ).action(async (word: string | undefined, options: ExportOptions) => {
    const { exportCertificate } = await import('./export.ts');
    await exportCertificate(word, options, io);
  });
  return withDetails(command, [
    ['pki export alice --p12 alice.p12', 'for a browser; the password is shown once'],
    ['pki export --root --out root.pem', 'for trust stores'],
  ]);
}

function listCommand(io: Io): Command {
  const command = withJson(
    withFolder(new Command('list').description('List what was issued.')).option(
      '--expiring <days>',
      'only what ends within so many days and was not renewed',
      days,
    ),
  ).action(async (options: ListOptions) => {
    const { list } = await import('./list.ts');
    await list(options, io);
  });
  return withDetails(
    command,
    [
      ['pki list', 'all, with states and ends'],
      ['pki list --expiring 30', 'for cron: says nothing is due by exit code 0'],
    ],
    { 1: 'with --expiring: something ends, or the CRL has run out' },
  );
}

function showCommand(io: Io): Command {
  const command = withJson(
    withFolder(
      new Command('show')
        .description('Show what is in a certificate, a request or a CRL.')
        .argument('<file>', 'PEM or DER, a serial number, a name, or - for standard input'),
    ),
  ).action(async (word: string, options: ShowOptions) => {
    const { show } = await import('./show.ts');
    await show(word, options, io);
  });
  return withDetails(command, [
    ['pki show pki/issued/localhost/server.pem', 'a certificate and its issuers'],
    ['pki show pki/crl.pem', 'what is revoked'],
  ]);
}
