import { type Command, InvalidArgumentError, Option } from 'commander';
import { keyTypes } from '../../pki/keys.ts';

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** The longest validity has its own limits: this is only what is a number of days. */
export function days(value: string): number {
  const number = /^[1-9]\d{0,5}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) throw new InvalidArgumentError('Give a whole number of days.');
  return number;
}

/** Where the authority is. */
export const withFolder = (command: Command): Command =>
  command.addOption(
    new Option('-d, --dir <folder>', 'folder of the authority; default: $PORTCULLIS_PKI, or pki'),
  );

/** What needs the authority's key. */
export const withAuthorityKey = (command: Command): Command =>
  withFolder(command).addOption(
    new Option(
      '--passphrase-file <file>',
      'passphrase of the authority; else $PORTCULLIS_PASSPHRASE, or a prompt',
    ),
  );

export const withJson = (command: Command): Command => command.option('--json', 'print one JSON value');

export const keyTypeOption = (): Option =>
  new Option('--key-type <type>', 'kind of key').choices([...keyTypes]);

export const repeated = (flags: string, what: string): Option =>
  new Option(flags, `${what}; repeatable`).argParser(append);

export const withKeyEncryption = (command: Command): Command =>
  command
    .option('--encrypt-key', 'encrypt the new key with a passphrase of its own')
    .option('--key-passphrase-file <file>', 'that passphrase; else $PORTCULLIS_KEY_PASSPHRASE, or a prompt');

/** What every certificate that is issued has. */
export const withIssuing = (command: Command): Command =>
  withJson(
    withAuthorityKey(command)
      .option('--names-from-csr', 'grant the names that the request asks for')
      .option('--days <days>', 'how long it is valid; default: 90', days)
      .addOption(repeated('--crl-url <url>', 'where the CRL will lie, to be put into the certificate'))
      .option('--name <name>', 'what it is called here; default: its first name')
      .option('-o, --out <folder>', 'where its files are written; default: issued/NAME in the authority')
      .option('-f, --force', 'replace files that are there'),
  );

/** The same for a new key, or that of a request. */
export const withKey = (command: Command): Command =>
  withIssuing(
    withKeyEncryption(
      command
        .option('--csr <file>', 'sign this request instead of making a key; - reads standard input')
        .addOption(keyTypeOption()),
    ),
  );

/** Who a client is, beside its common name. */
export const withIdentity = (command: Command): Command =>
  command
    .addOption(repeated('--email <address>', 'a mail address'))
    .addOption(repeated('--dns <name>', 'a DNS name'))
    .addOption(repeated('--ip <address>', 'an IP address'))
    .addOption(repeated('--uri <uri>', 'a URI'))
    .option('--spiffe <id>', 'a SPIFFE ID, as its only URI');

export const withCrl = (command: Command): Command =>
  withJson(
    withAuthorityKey(command)
      .option('--days <days>', 'until when the CRL holds; default: 30', days)
      .option('-o, --out <file>', 'write a copy of the CRL there')
      .option('--der', 'the copy in DER, as it is served at a --crl-url')
      .option('-f, --force', 'replace a file that is no CRL'),
  );
