import { resolve } from 'node:path';
import { CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { quoted, shown } from './paths.ts';
import { readGivenFile } from './read-file.ts';

/** Where a secret may come from. It is never an argument: everybody on the machine can read those. */
export interface SecretSource {
  /** Of what, for a person: 'the authority key'. */
  readonly of: string;
  /** The option that names a file, and what it was given. */
  readonly option: string;
  readonly file: string | undefined;
  readonly variable: string;
}

/** A secret that exists: from a file, a variable, or a prompt, in this order. */
export async function readSecret(io: Io, source: SecretSource): Promise<string> {
  const given = secretGiven(io, source);
  if (given !== undefined) return given;
  if (io.askSecret === undefined) throw noSecret(source);
  return requireText(await io.askSecret(`Passphrase of ${source.of}: `), source);
}

/** A secret that is being chosen: at a prompt it is asked for twice. */
export async function readNewSecret(io: Io, source: SecretSource): Promise<string> {
  const given = secretGiven(io, source);
  if (given !== undefined) return withWarning(io, given, source);
  if (io.askSecret === undefined) throw noSecret(source);
  const first = requireText(await io.askSecret(`New passphrase of ${source.of}: `), source);
  if ((await io.askSecret('Once more: ')) !== first) throw new CliFailure('the two passphrases differ');
  return withWarning(io, first, source);
}

/** From a file or a variable; undefined where neither is given. */
export function secretGiven(io: Io, source: SecretSource): string | undefined {
  if (source.file !== undefined) return requireText(readSecretFile(io, source.file), source);
  const value = io.environment[source.variable];
  return value === undefined ? undefined : requireText(value, source);
}

/** The first line of a file that only its owner reads, or of a pipe (`<(command)`). */
function readSecretFile(io: Io, option: string): string {
  const path = resolve(io.directory, option);
  const { content, mode } = readGivenFile(io, path);
  const text = content.toString('utf8');
  if (process.platform !== 'win32' && ((mode ?? 0) & 0o077) !== 0) {
    throw new CliFailure(
      `the passphrase file ${shown(io, path)} is open to others`,
      `Run: chmod 600 ${quoted(shown(io, path))}`,
    );
  }
  const lines = text.split(/\r?\n/);
  if (lines.slice(1).some((line) => line !== '')) {
    throw new CliFailure(`${shown(io, path)} has more than one line`, 'Put the passphrase alone into it.');
  }
  return lines[0]!;
}

function requireText(text: string, { of }: SecretSource): string {
  if (text === '') throw new CliFailure(`the passphrase of ${of} is empty`, 'Give one of several words.');
  // OpenSSL takes a C string: what follows a NUL would be no part of the key.
  if (text.includes('\0')) throw new CliFailure(`the passphrase of ${of} has a NUL`, 'Give text.');
  return text;
}

function withWarning(io: Io, text: string, { of }: SecretSource): string {
  if (Array.from(text).length < 12) {
    io.err(`warning: the passphrase of ${of} is short: whoever has the file can try millions.\n`);
  }
  return text;
}

const noSecret = ({ of, option, variable }: SecretSource): CliFailure =>
  usage(`no passphrase for ${of}, and no terminal to ask at`, `Give ${option} FILE, or set ${variable}.`);
