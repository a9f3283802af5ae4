import { resolve } from 'node:path';
import { CliFailure, exitCodes, usage } from '../failure.ts';
import type { PassphraseFlags } from '../input/passphrase.ts';
import type { Io } from '../io.ts';

/** The options of `serve`, as commander gives them. */
export interface ServeFlags extends PassphraseFlags {
  readonly port: number;
  readonly host: string;
  readonly cert?: readonly string[];
  readonly key?: readonly string[];
  readonly pfx?: string;
  readonly profile: 'intermediate' | 'modern';
  readonly http2?: boolean;
  readonly clientAuth?: 'optional' | 'required';
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  readonly workers: number;
  readonly redirect?: number;
  readonly grace: number;
}

type Certificate =
  | { readonly keyFile: string; readonly certFile: string; readonly passphrase?: string }
  | { readonly pfxFile: string; readonly passphrase?: string };

/** What `createServer` is given, but for the logger. */
export interface ServerOptions {
  readonly profile: 'intermediate' | 'modern';
  readonly http2: boolean;
  readonly signals: { readonly reload: true };
  readonly certificate?: readonly Certificate[];
  readonly clientAuth?: {
    readonly mode: 'optional' | 'required';
    readonly ca: readonly { readonly file: string }[];
    readonly crl?: readonly { readonly file: string }[];
  };
  readonly redirect?: { readonly port: number };
}

/** Refuses combinations that would silently mean less than they say. */
export function checkFlags(flags: ServeFlags): void {
  const { port, redirect, cert = [], key = [], pfx, clientAuth, ca, crl } = flags;
  if (redirect === port && port !== 0)
    throw usage(
      `--redirect ${port} is the port of https`,
      `Give it another one: --redirect ${port === 8080 ? 8081 : 8080}`,
    );
  if (cert.length !== key.length) {
    throw usage(
      `${cert.length} --cert and ${key.length} --key`,
      'Each certificate needs its key: --cert server.pem --key server.key',
    );
  }
  const idlePassphrase =
    flags.passphraseEnv !== undefined
      ? '--passphrase-env'
      : flags.passphraseFile !== undefined
        ? '--passphrase-file'
        : undefined;
  if (idlePassphrase !== undefined && key.length === 0 && pfx === undefined)
    throw usage(`${idlePassphrase} without --key or --pfx`, 'Name what it opens, or leave it out.');
  if (clientAuth !== undefined && ca === undefined)
    throw usage('--client-auth without --ca', 'Say whose clients are believed: --ca clients-ca.pem');
  const idle = ca !== undefined ? '--ca' : crl !== undefined ? '--crl' : undefined;
  if (clientAuth === undefined && idle !== undefined)
    throw usage(
      `${idle} without --client-auth`,
      'Nobody would be asked: add --client-auth required, or optional.',
    );
}

/** The options of `createServer` that the flags stand for. */
export function serverOptions(flags: ServeFlags, passphrase: string | undefined, io: Io): ServerOptions {
  const certificate = certificates(flags, passphrase, io);
  const files = (names: readonly string[]): { file: string }[] =>
    names.map((name) => ({ file: resolve(io.directory, name) }));
  const { profile, http2, clientAuth, ca, crl, redirect } = flags;
  return {
    profile,
    http2: http2 === true,
    signals: { reload: true },
    ...(certificate.length > 0 && { certificate }),
    ...(clientAuth !== undefined && {
      clientAuth: { mode: clientAuth, ca: files(ca ?? []), ...(crl !== undefined && { crl: files(crl) }) },
    }),
    ...(redirect !== undefined && { redirect: { port: redirect } }),
  };
}

function certificates(
  { cert = [], key = [], pfx }: ServeFlags,
  passphrase: string | undefined,
  { directory }: Io,
): Certificate[] {
  const opened = passphrase === undefined ? {} : { passphrase };
  const pairs = cert.map((certFile, index) => ({
    certFile: resolve(directory, certFile),
    keyFile: resolve(directory, key[index]!),
    ...opened,
  }));
  return pfx === undefined ? pairs : [{ pfxFile: resolve(directory, pfx), ...opened }];
}

/** Which flag an option of `createServer` was given by. */
const flagOf: readonly (readonly [RegExp, string])[] = [
  [/^certificate(\[\d+\])?\.keyFile/, '--key'],
  [/^certificate(\[\d+\])?\.certFile/, '--cert'],
  [/^certificate(\[\d+\])?\.pfxFile/, '--pfx'],
  [/^certificate(\[\d+\])?\.passphrase/, '--passphrase-file'],
  [/^certificate/, '--cert'],
  [/^clientAuth\.ca/, '--ca'],
  [/^clientAuth\.crl/, '--crl'],
  [/^clientAuth/, '--client-auth'],
  [/^redirect/, '--redirect'],
  [/^profile/, '--profile'],
  [/^http2$/, '--http2'],
  [/^cert$/, '--cert'],
];

/** The same failure in terms of the command line. Anything but a ConfigError stays what it is. */
export function inFlags(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { name, code, path, message, remedy } = error as Record<string, unknown>;
  if (name !== 'ConfigError' || typeof path !== 'string' || typeof message !== 'string') return error;
  const flag = flagOf.find(([pattern]) => pattern.test(path))?.[1];
  if (flag === undefined) return error;
  const hint = hintFor(String(code), path, String(remedy));
  const problem = message
    .slice(path.length + 2, message.length - String(remedy).length)
    .trim()
    .replace(/\.$/, '');
  return new CliFailure(`${flag}: ${problem}`, hint, exitCodes.failed, error);
}

const hintFor = (code: string, path: string, remedy: string): string =>
  code === 'CERTIFICATE_MISSING' && path === 'cert'
    ? withoutCertificate
    : remedy.replace(
        /\b(its|the right) `passphrase`/,
        '$1 passphrase by --passphrase-env or --passphrase-file',
      );

const withoutCertificate =
  'Give --cert and --key, or --pfx: with NODE_ENV=production there is no development certificate.';
