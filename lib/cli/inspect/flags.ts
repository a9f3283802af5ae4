import { X509Certificate, createPrivateKey } from 'node:crypto';
import { CliFailure, usage } from '../failure.ts';
import { type PassphraseFlags, passphraseFrom, typedPassphrase } from '../input/passphrase.ts';
import { readWhole } from '../input/read-file.ts';
import type { Io } from '../io.ts';
import { type Certificate, readCertificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import { type Roots, rootsOfFile, rootsOfNode } from './certificates/roots.ts';
import type { InspectOptions } from './inspect-server.ts';
import { readName } from './target.ts';

/** The options of the command as they stand on the command line. */
export interface InspectFlags extends PassphraseFlags {
  readonly profile: 'intermediate' | 'modern';
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly quick?: boolean;
  readonly http?: string | true;
  readonly timeout?: string;
  readonly json?: boolean;
}

/** Reads the options; a CliFailure for each that is wrong. */
export async function readFlags(flags: InspectFlags, io: Io): Promise<InspectOptions> {
  return {
    serverName: flags.servername === undefined ? undefined : readServerName(flags.servername),
    roots: flags.ca === undefined ? rootsOfNode() : readRoots(flags.ca, io),
    ...(await readClient(flags, io)),
    profile: flags.profile,
    timeout: readSeconds(flags.timeout ?? '10') * 1000,
    quick: flags.quick === true,
    httpPort: flags.http === undefined ? undefined : readPort(flags.http === true ? '80' : flags.http),
    now: io.now(),
    signal: io.stop,
  };
}

function readServerName(text: string): string {
  const name = readName(text);
  if (name === undefined)
    throw usage('--servername is no host name', 'SNI has names alone, no addresses and no ports.');
  return name;
}

function readRoots(file: string, io: Io): Roots {
  const certificates = certificatesOf(file, io);
  if (certificates.length > 0) return rootsOfFile(certificates);
  throw new CliFailure(`${file} holds no certificate`, 'Give the CA certificates as PEM.');
}

function certificatesOf(file: string, io: Io): Certificate[] {
  const blocks = readPem(readWhole(io, file).toString('latin1'));
  if (blocks === undefined) throw new CliFailure(`${file} is damaged PEM`, 'Give the certificates as PEM.');
  return blocks
    .filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE')
    .map(({ der }) => {
      const certificate = readCertificate(der);
      if (certificate !== undefined) return certificate;
      throw new CliFailure(`a certificate in ${file} is damaged`, 'Give the certificates as PEM.');
    });
}

async function readClient(
  flags: InspectFlags,
  io: Io,
): Promise<Pick<InspectOptions, 'key' | 'cert' | 'passphrase'>> {
  const given = await passphraseFrom(flags, io);
  if (flags.cert === undefined && flags.key === undefined) {
    if (given !== undefined) throw usage('a passphrase without --key', 'Name the key file with --key.');
    return {};
  }
  if (flags.cert === undefined) throw usage('--key without --cert', 'Name the certificate with --cert.');
  // Some tools write both into one file.
  const keyFile = flags.key ?? flags.cert;
  const [leaf] = certificatesOf(flags.cert, io);
  if (leaf === undefined)
    throw new CliFailure(`${flags.cert} holds no certificate`, 'Give the certificate and its chain as PEM.');
  const key = readWhole(io, keyFile).toString('latin1');
  const passphrase = given ?? (await typedPassphrase(key, keyFile, io));
  requirePair(leaf, key, keyFile, passphrase);
  return { cert: readWhole(io, flags.cert).toString('latin1'), key, passphrase };
}

function requirePair(leaf: Certificate, key: string, file: string, passphrase: string | undefined): void {
  let privateKey;
  try {
    privateKey = createPrivateKey(passphrase === undefined ? key : { key, passphrase });
  } catch (error) {
    // OpenSSL's words tell nothing of the passphrase, nor of the key.
    const isEncrypted = /ENCRYPTED/.test(key);
    const hint = isEncrypted
      ? 'Is the passphrase right? --passphrase-env NAME or --passphrase-file FILE'
      : 'Give the private key as PEM, with --key where it is in a file of its own.';
    throw new CliFailure(`the private key in ${file} cannot be read`, hint, undefined, error);
  }
  if (new X509Certificate(leaf.raw).checkPrivateKey(privateKey)) return;
  throw new CliFailure(
    `the key in ${file} is not that of the certificate`,
    'Give the two that belong together.',
  );
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && seconds >= 0.1 && seconds <= 600) return seconds;
  throw usage('--timeout is no number of seconds', 'Give one from 0.1 to 600.');
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw usage('--http is no port', 'Give one from 1 to 65535, or none for 80.');
}
