import { type Command, Option } from 'commander';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { readGiven } from './read-file.ts';

/** What `withPassphrase` adds to the options of a command. */
export interface PassphraseFlags {
  readonly passphraseEnv?: string | undefined;
  readonly passphraseFile?: string | undefined;
}

/** Adds `--passphrase-env NAME` and `--passphrase-file FILE`: never the passphrase itself, which `ps` would show. */
export function withPassphrase(command: Command): Command {
  return command
    .option('--passphrase-env <name>', 'environment variable that holds the passphrase')
    .addOption(
      new Option(
        '--passphrase-file <file>',
        "file whose first line is the passphrase; '-' for standard input",
      ).conflicts('passphraseEnv'),
    );
}

/** The passphrase that the options name; undefined without them. CliFailures: not set, empty, not readable. */
export async function passphraseFrom(flags: PassphraseFlags, io: Io): Promise<string | undefined> {
  if (flags.passphraseEnv !== undefined) return fromEnvironment(flags.passphraseEnv, io);
  if (flags.passphraseFile !== undefined) return fromFile(flags.passphraseFile, io);
  return undefined;
}

/** Whether a key in PEM needs a passphrase: PKCS#8 (RFC 7468 11), or the older form of OpenSSL. */
export const isEncryptedPem = (key: string): boolean =>
  /BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m.test(key);

/** What is typed at a terminal for a key that needs it; undefined where there is none. */
export async function typedPassphrase(key: string, file: string, io: Io): Promise<string | undefined> {
  return isEncryptedPem(key) ? io.askSecret?.(`Passphrase of ${plain(file)}: `) : undefined;
}

function fromEnvironment(name: string, io: Io): string {
  const value = io.environment[name];
  if (value !== undefined && value !== '') return value;
  // Who gives the passphrase itself in place of the name gets no copy of it in a log.
  const shown = /^[A-Z_][A-Z0-9_]*$/.test(name) ? name : 'that --passphrase-env names';
  throw usage(
    `the environment variable ${shown} is ${value === '' ? 'empty' : 'not set'}`,
    'Give the name of a variable, not the passphrase: --passphrase-env KEY_PASSPHRASE',
  );
}

async function fromFile(name: string, io: Io): Promise<string> {
  const [line = ''] = (await readGiven(io, name)).toString('utf8').split(/\r?\n/, 1);
  if (line !== '') return line;
  const shown = name === '-' ? 'standard input' : name;
  throw new CliFailure(`the first line of ${shown} is empty`, 'Write the passphrase there.');
}
