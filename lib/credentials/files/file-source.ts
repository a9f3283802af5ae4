import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';
import { checkKeys, describeSecret, looksLikeContent } from '../../options.ts';
import { type OnTrouble, watchFiles } from './file-watcher.ts';
import type { CertificateMaterial, NamedSource } from '../source.ts';

/** Key and certificate (with its issuers, leaf first) as PEM; the certificate may be DER. */
export interface CertificateFiles {
  /** The private key: PEM. */
  readonly keyFile: string;
  /** The certificate and its intermediates, leaf first: PEM. */
  readonly certFile: string;
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined;
}

/** Key and certificate in one PKCS#12 file. */
export interface PfxFile {
  /** Key and certificates: PKCS#12. */
  readonly pfxFile: string;
  /** What it is encrypted with. */
  readonly passphrase?: string | undefined;
}

/** No key or chain is larger; a device that never ends would be. */
const maxBytes = 1 << 20;

/** Whether an entry of `certificate` means to name files. */
export const isFileEntry = (entry: unknown): entry is object =>
  typeof entry === 'object' &&
  entry !== null &&
  ['keyFile', 'certFile', 'pfxFile'].some((name) => Object.hasOwn(entry, name));

/**
 * Reads `{ keyFile, certFile, passphrase? }` or `{ pfxFile, passphrase? }`. A relative path is
 * resolved now. The files are read by each `load`, all at
 * once and without waiting: a file that is missing, empty, no regular file or larger than 1 MiB is a ConfigError
 * `CERTIFICATE_INVALID`, `KEY_INVALID` or `PFX_INVALID`.
 */
export function readFileSource(entry: object, path: string): NamedSource {
  const names = 'pfxFile' in entry ? pfxNames : pemNames;
  checkKeys(entry, [...Object.values(names), 'passphrase'], path);
  const given = entry as Readonly<Record<string, unknown>>;
  const passphrase = readPassphrase(given['passphrase'], path);
  const parts = Object.entries(names).map(([part, name]): Part => ({
    part: part as Part['part'],
    path: `${path}.${name}`,
    file: resolve(fileName(given[name], `${path}.${name}`)),
  }));
  const source = new FileSource(parts, passphrase);
  const files = Object.freeze(parts.map(({ file }) => file));
  return Object.freeze({ path, source, files, partOf: (part: string) => names[part] ?? part });
}

const pemNames: Readonly<Record<string, string>> = { key: 'keyFile', cert: 'certFile' };
const pfxNames: Readonly<Record<string, string>> = { pfx: 'pfxFile' };
const codes = { key: 'KEY_INVALID', cert: 'CERTIFICATE_INVALID', pfx: 'PFX_INVALID' } as const;

interface Part {
  readonly part: keyof typeof codes;
  readonly path: string;
  readonly file: string;
}

class FileSource {
  readonly #parts: readonly Part[];
  readonly #passphrase: string | undefined;
  #loaded: string | undefined;

  constructor(parts: readonly Part[], passphrase: string | undefined) {
    this.#parts = parts;
    this.#passphrase = passphrase;
  }

  load(): CertificateMaterial {
    const contents = this.#parts.map(readWhole);
    this.#loaded = digestOf(contents);
    const material = Object.fromEntries(this.#parts.map(({ part }, index) => [part, contents[index]]));
    return this.#passphrase === undefined ? material : { ...material, passphrase: this.#passphrase };
  }

  watch(changed: () => void, onTrouble?: OnTrouble): () => void {
    const stop = watchFiles(
      this.#parts.map(({ file }) => file),
      changed,
      onTrouble && { onTrouble },
    );
    // What changed between the last load and now was seen by nobody.
    const missed = this.#isOther() ? setImmediate(changed) : undefined;
    return () => {
      clearImmediate(missed);
      stop();
    };
  }

  #isOther(): boolean {
    if (this.#loaded === undefined) return false;
    try {
      return digestOf(this.#parts.map(readWhole)) !== this.#loaded;
    } catch {
      return true;
    }
  }
}

const digestOf = (contents: readonly Buffer[]): string =>
  contents.map((content) => createHash('sha256').update(content).digest('base64')).join();

function readWhole({ part, path, file }: Part): Buffer {
  const refuse = (problem: string, remedy: string, cause?: unknown): never => {
    throw new ConfigError(codes[part], path, problem, remedy, cause);
  };
  let content: Buffer;
  try {
    const stat = statSync(file);
    // A pipe would hold up the process until somebody writes to it.
    if (!stat.isFile()) return refuse(`'${file}' is no regular file`, 'Give the path of a file.');
    if (stat.size > maxBytes)
      return refuse(`'${file}' is larger than 1 MiB`, 'Give key and certificate only.');
    content = readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return refuse(
      `'${file}' cannot be read`,
      'Check that it exists and that this process may read it.',
      error,
    );
  }
  if (content.length > 0) return content;
  return refuse(`'${file}' is empty`, 'Write it whole, best beside it, and rename it over.');
}

/** A number would be a descriptor: `keyFile: 0` waits for what somebody types. */
function fileName(value: unknown, path: string): string {
  if (looksLikeContent(value))
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'it is no path of a file',
      'It looks like the content: give that in key and cert, or pfx, or the path here.',
    );
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    value === undefined ? 'it is mandatory' : `got ${describeSecret(value)}`,
    'Give the path of a file as text.',
  );
}

function readPassphrase(value: unknown, path: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new ConfigError(
    'OPTION_INVALID',
    `${path}.passphrase`,
    'the passphrase is no string',
    'Give a string.',
  );
}
