import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { Certificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';

/** Certificates as text or octets, PEM (one or a bundle) or DER, or where they lie. */
export type CertificateInput =
  | string
  | Buffer
  | Uint8Array
  | { readonly file: string }
  | { readonly directory: string };
export type CertificateInputs = CertificateInput | readonly CertificateInput[];

const remedy = 'Give the CA certificates as PEM, as DER, or as { file } or { directory }.';
const certificateFile = /\.(pem|crt|cer|der)$/i;

/**
 * Reads trust anchors. Node takes garbage, DER and an empty list in `ca` without a word and then trusts nobody, or
 * everybody: here each is a ConfigError (`CLIENT_CA_MISSING`, `CLIENT_CA_INVALID`), as is whatever is no CA certificate.
 */
export function readAnchors(input: CertificateInputs | undefined, path: string): readonly Certificate[] {
  const found = isList(input)
    ? Array.from(input).flatMap((item, index) => readInput(item, `${path}[${index}]`))
    : readInput(input, path);
  if (found.length === 0)
    throw new ConfigError(
      'CLIENT_CA_MISSING',
      path,
      'no CA certificate in it',
      `There is no fallback to the system's roots. ${remedy}`,
    );
  const distinct = new Map(found.map((certificate) => [certificate.sha256, certificate]));
  return [...distinct.values()];
}

const isList = (input: unknown): input is readonly CertificateInput[] => Array.isArray(input);

function readInput(input: CertificateInput | undefined, path: string): Certificate[] {
  if (input === undefined || input === null)
    throw new ConfigError(
      'CLIENT_CA_MISSING',
      path,
      'it is mandatory',
      `There is no fallback to the system's roots. ${remedy}`,
    );
  if (typeof input === 'string') return readText(input, path);
  if (ArrayBuffer.isView(input))
    return readOctets(Buffer.from(input.buffer, input.byteOffset, input.byteLength), path);
  checkKeys(input, ['file', 'directory'], path);
  if ('file' in input && !('directory' in input))
    return readFile(pathName(input.file, `${path}.file`), `${path}.file`);
  if ('directory' in input && !('file' in input))
    return readDirectory(pathName(input.directory, `${path}.directory`), `${path}.directory`);
  throw new ConfigError('CLIENT_CA_INVALID', path, 'neither or both of file and directory', remedy);
}

/** A number would be a descriptor: `{ file: 0 }` waits for what somebody types. */
function pathName(value: unknown, path: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ConfigError('CLIENT_CA_INVALID', path, `got ${describe(value)}`, 'Give a path as text.');
}

function readFile(file: string, path: string): Certificate[] {
  const octets = attempt(() => readFileSync(file), path, `'${file}' cannot be read`);
  const found = readOctets(octets, path);
  if (found.length === 0)
    throw new ConfigError('CLIENT_CA_INVALID', path, `'${file}' holds no certificate`, remedy);
  return found;
}

function readDirectory(directory: string, path: string): Certificate[] {
  const names = attempt(() => readdirSync(directory), path, `'${directory}' cannot be read`);
  return names
    .filter((name) => certificateFile.test(name))
    .toSorted()
    .flatMap((name) => readFile(join(directory, name), path));
}

function attempt<T>(read: () => T, path: string, problem: string): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(
      'CLIENT_CA_INVALID',
      path,
      problem,
      'Check that it exists and that this process may read it.',
      error,
    );
  }
}

function readOctets(octets: Buffer, path: string): Certificate[] {
  return octets[0] === 0x30 ? [readCertificate(octets, path)] : readText(octets.toString('utf8'), path);
}

function readText(text: string, path: string): Certificate[] {
  if (text.trim() === '') throw new ConfigError('CLIENT_CA_MISSING', path, `got ${describe(text)}`, remedy);
  const blocks = readPem(text);
  if (blocks === undefined)
    throw new ConfigError('CLIENT_CA_INVALID', path, 'a PEM block is damaged', remedy);
  if (blocks.length === 0)
    throw new ConfigError(
      'CLIENT_CA_INVALID',
      path,
      'it is neither PEM nor DER',
      `${remedy} Text is never taken as a file's name.`,
    );
  return blocks.map(({ label, der }, index) => {
    if (label === 'CERTIFICATE' || label === 'X509 CERTIFICATE') return readCertificate(der, path);
    throw new ConfigError(
      'CLIENT_CA_INVALID',
      path,
      `block ${index + 1} is a ${label}`,
      'Only certificates belong here.',
    );
  });
}

function readCertificate(der: Buffer, path: string): Certificate {
  let certificate;
  try {
    certificate = new Certificate(der);
    void certificate.x509;
  } catch (error) {
    throw new ConfigError('CLIENT_CA_INVALID', path, 'a certificate in it is damaged', remedy, error);
  }
  if (certificate.isCa) return certificate;
  throw new ConfigError(
    'CLIENT_CA_INVALID',
    path,
    `'${certificate.subject['CN']?.join('+') ?? certificate.fingerprint256}' is no CA certificate`,
    'Give the CA that issued it; to let in one certificate only, add requirePin() or a rule on its fingerprint.',
  );
}

/**
 * OpenSSL ends a path only at a self-signed certificate, so a listener's intermediate without its root lets nobody in.
 */
export function requireRoots(anchors: readonly Certificate[], path: string): void {
  for (const anchor of anchors) {
    if (anchor.isSelfIssued) continue;
    if (anchors.some((issuer) => issuer.subjectRaw.equals(anchor.issuerRaw))) continue;
    throw new ConfigError(
      'CLIENT_CA_INVALID',
      path,
      `the issuer of the intermediate '${anchor.subject['CN']?.join('+') ?? anchor.fingerprint256}' is not there`,
      'Add its root, and narrow a route by requireClientCertificate({ ca }), where an intermediate may stand alone.',
    );
  }
}
