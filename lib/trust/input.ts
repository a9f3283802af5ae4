import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type ConfigErrorCode } from '../errors.ts';
import { checkKeys, describe, describeSecret, looksLikeContent } from '../options.ts';
import { findPem } from '../x509/pem.ts';

/** Text or octets, PEM (one or a bundle) or DER, a certificate as Node has it, or where they lie. */
export type TrustInput =
  | string
  | Buffer
  | Uint8Array
  | X509Certificate
  | { readonly file: string }
  | { readonly directory: string };
export type TrustInputs = TrustInput | readonly TrustInput[];

/** What is read, and how its absence and its faults are told. */
export interface InputKind {
  readonly missing: ConfigErrorCode;
  readonly invalid: ConfigErrorCode;
  /** How to give it. */
  readonly remedy: string;
  /** What to do where there is nothing. */
  readonly missingRemedy: string;
  readonly absent: string;
  readonly empty: string;
  readonly labels: ReadonlySet<string>;
  readonly only: string;
  /** Which files of a directory. */
  readonly fileName: RegExp;
}

/** One thing that was given, and the option that gave it. */
export interface FoundDer {
  readonly der: Buffer;
  readonly path: string;
}

/** The DER of everything in `input`; at least one, or a ConfigError of `kind`. What is in it is not looked at. */
export const readInputs = (
  input: TrustInputs | undefined,
  path: string,
  kind: InputKind,
): readonly FoundDer[] => [...inputsOf(input, path, kind)];

/** The same, one after the other: a file, or a block of PEM, is read when it is its turn. */
export function* inputsOf(
  input: TrustInputs | undefined,
  path: string,
  kind: InputKind,
): Generator<FoundDer, void> {
  let isEmpty = true;
  const items = isList(input)
    ? Array.from(input, (item, index) => [item, `${path}[${index}]`] as const)
    : [[input, path] as const];
  for (const [item, where] of items) {
    for (const found of readInput(item, where, kind)) {
      isEmpty = false;
      yield found;
    }
  }
  if (isEmpty) throw new ConfigError(kind.missing, path, kind.empty, kind.missingRemedy);
}

const isList = (input: unknown): input is readonly TrustInput[] => Array.isArray(input);

function readInput(input: TrustInput | undefined, path: string, kind: InputKind): Iterable<FoundDer> {
  if (input === undefined || input === null)
    throw new ConfigError(kind.missing, path, kind.absent, kind.missingRemedy);
  if (typeof input === 'string') return readText(input, path, kind);
  if (ArrayBuffer.isView(input))
    // A copy: what the caller does with its octets later changes nothing that was checked.
    return readOctets(Buffer.from(Buffer.from(input.buffer, input.byteOffset, input.byteLength)), path, kind);
  if (input instanceof X509Certificate) return readText(input.toString(), path, kind);
  checkKeys(input, ['file', 'directory'], path);
  if ('file' in input && !('directory' in input))
    return readFile(pathName(input.file, `${path}.file`, kind), `${path}.file`, kind);
  if ('directory' in input && !('file' in input))
    return readDirectory(pathName(input.directory, `${path}.directory`, kind), `${path}.directory`, kind);
  throw new ConfigError(kind.invalid, path, 'neither or both of file and directory', kind.remedy);
}

/** A number would be a descriptor: `{ file: 0 }` waits for what somebody types. */
function pathName(value: unknown, path: string, { invalid }: InputKind): string {
  if (looksLikeContent(value))
    throw new ConfigError(
      invalid,
      path,
      'it is no path',
      'It looks like the content: give that itself, without { file }, or the path here.',
    );
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw new ConfigError(invalid, path, `got ${describeSecret(value)}`, 'Give a path as text.');
}

const readFile = (file: string, path: string, kind: InputKind): Iterable<FoundDer> =>
  readOctets(
    attempt(() => readFileSync(file), path, `'${file}' cannot be read`, kind),
    path,
    kind,
  );

function* readDirectory(directory: string, path: string, kind: InputKind): Generator<FoundDer> {
  const names = attempt(() => readdirSync(directory), path, `'${directory}' cannot be read`, kind);
  for (const name of names.filter((one) => kind.fileName.test(one)).toSorted())
    yield* readFile(join(directory, name), path, kind);
}

function attempt<T>(read: () => T, path: string, problem: string, { invalid }: InputKind): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(
      invalid,
      path,
      problem,
      'Check that it exists and that this process may read it.',
      error,
    );
  }
}

function readOctets(octets: Buffer, path: string, kind: InputKind): Iterable<FoundDer> {
  return octets[0] === 0x30 ? [{ der: octets, path }] : readText(octets.toString('latin1'), path, kind);
}

function* readText(text: string, path: string, kind: InputKind): Generator<FoundDer> {
  if (text.trim() === '') throw new ConfigError(kind.missing, path, `got ${describe(text)}`, kind.remedy);
  const damaged = (): ConfigError =>
    new ConfigError(kind.invalid, path, 'a PEM block is damaged', kind.remedy);
  const blocks = findPem(text);
  if (blocks === undefined) throw damaged();
  if (blocks.length === 0)
    throw new ConfigError(
      kind.invalid,
      path,
      'it is neither PEM nor DER',
      `${kind.remedy} Text is never taken as a file's name.`,
    );
  for (const [index, { label, decode }] of blocks.entries()) {
    if (!kind.labels.has(label))
      throw new ConfigError(kind.invalid, path, `block ${index + 1} is a ${label}`, kind.only);
    const der = decode();
    if (der === undefined) throw damaged();
    yield { der, path };
  }
}
