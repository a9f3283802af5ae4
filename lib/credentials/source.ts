import { isThenable, systemClock, within } from '../clock.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { type CertificateFiles, isFileEntry, type PfxFile, readFileSource } from './files/file-source.ts';
import { type KeyPair, readKeyPairs } from './key-pair.ts';
import type { OnTrouble } from './files/file-watcher.ts';

/** `key`, `cert`, `pfx` and `passphrase` as `node:https` takes them; arrays for RSA and ECDSA side by side. */
export interface CertificateMaterial {
  /** As the option `key` of `node:https`; with `cert`. */
  readonly key?: unknown;
  /** As the option `cert`: the leaf first, then the intermediates. */
  readonly cert?: unknown;
  /** As the option `pfx`, in place of both. */
  readonly pfx?: unknown;
  /** Of an encrypted key, or the PFX. */
  readonly passphrase?: unknown;
}

/**
 * Where a certificate comes from, and comes again. It is believed as the options are: what it gives is validated as
 * `key` and `cert` would be, and what is refused leaves the last good certificate serving.
 *
 * ```ts
 * const vault: CertificateSource = { load: async () => ({ key: await read('key'), cert: await read('cert') }) };
 * ```
 */
export interface CertificateSource {
  /** The newest key and certificate: at the start, after each `changed`, and by `reload()`. May throw, or reject. */
  load(): CertificateMaterial | PromiseLike<CertificateMaterial>;
  /**
   * Calls `changed` whenever `load` may give something new, and `trouble` with a sentence where it can no longer tell;
   * returns what ends it. It must not keep the process alive.
   */
  watch?(changed: () => void, trouble?: OnTrouble): () => void;
}

/** One certificate with its key: PEM files, a PFX file, or a source of one’s own. */
export type CertificateEntry = CertificateFiles | PfxFile | CertificateSource;
/** The option `certificate`: one, or several of which SNI chooses; the first is the default. */
export type CertificateOption = CertificateEntry | readonly CertificateEntry[];

/** A source with its place in the options. */
export interface NamedSource {
  /** `certificate`, or `certificate[1]`. */
  readonly path: string;
  readonly source: CertificateSource;
  /** What it reads; empty for a source of the user's own. */
  readonly files: readonly string[];
  /** Names in terms of the entry what `readKeyPairs` says of `key`, `cert`, `pfx` and `passphrase`. */
  readonly partOf: (part: string) => string;
}

/**
 * Reads the option `certificate`; undefined without it. Nothing is loaded yet. ConfigErrors: `CERTIFICATE_MISSING` for
 * an empty list, `OPTION_UNKNOWN` and `OPTION_INVALID` for an entry that is none of the three kinds.
 */
export function readCertificateSources(option: unknown): readonly NamedSource[] | undefined {
  if (option === undefined) return undefined;
  if (!Array.isArray(option)) return Object.freeze([readEntry(option, 'certificate')]);
  if (option.length === 0) {
    throw new ConfigError(
      'CERTIFICATE_MISSING',
      'certificate',
      'got an empty array',
      'Give at least one certificate, or leave it out.',
    );
  }
  return Object.freeze(Array.from(option, (entry, index) => readEntry(entry, `certificate[${index}]`)));
}

function readEntry(entry: unknown, path: string): NamedSource {
  if (isFileEntry(entry)) return readFileSource(entry, path);
  if (!isSource(entry)) {
    // The same error for what is no object, with all keys that there are.
    checkKeys(entry, ['certFile', 'keyFile', 'load', 'passphrase', 'pfxFile', 'watch'], path);
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'it has neither files nor a function load',
      'Give { keyFile, certFile }, { pfxFile } or a source with load().',
    );
  }
  const watch: unknown = Reflect.get(entry, 'watch');
  if (watch !== undefined && typeof watch !== 'function') {
    throw new ConfigError(
      'OPTION_INVALID',
      `${path}.watch`,
      `expected a function, got ${describe(watch)}`,
      'Give a function that returns what ends the watching, or leave it out.',
    );
  }
  return Object.freeze({ path, source: entry, files: [], partOf: (part: string) => `load().${part}` });
}

/** May be of a class of the user's: `load` is often inherited. */
const isSource = (entry: unknown): entry is CertificateSource =>
  typeof entry === 'object' && entry !== null && 'load' in entry && typeof entry.load === 'function';

/**
 * Loads one source, and validates all of it: whatever `readKeyPairs` refuses is a ConfigError with the path of this
 * entry (`certificate[1].certFile`), as is a source that throws, rejects or gives nothing (`CERTIFICATE_MISSING`).
 * A promise only where the source gives one, and then settled after `deadline` ms at the latest.
 */
export function loadKeyPairs(
  named: NamedSource,
  deadline: number = patience,
): readonly KeyPair[] | Promise<readonly KeyPair[]> {
  try {
    const material: unknown = named.source.load();
    if (!isThenable(material)) return readMaterial(named, material);
    const late = `it has given nothing within ${deadline / 1_000} s`;
    const loading = within(systemClock, deadline, late, Promise.resolve(material)).then(
      (settled) => readMaterial(named, settled),
      (error: unknown) => {
        throw asConfigError(named, error);
      },
    );
    // Where another source fails before, nobody waits for this one, and its rejection would end the process.
    loading.catch(() => undefined);
    return loading;
  } catch (error) {
    throw asConfigError(named, error);
  }
}

/** Enough to obtain a certificate first (ms). A source that hangs must not hold up every later reload. */
const patience = 120_000;

function readMaterial(named: NamedSource, material: unknown): readonly KeyPair[] {
  const { path, partOf } = named;
  checkKeys(material, ['cert', 'key', 'passphrase', 'pfx'], `${path}.load()`);
  const pairs = attempt(() => readKeyPairs(material), named);
  if (pairs.length > 0)
    return Object.freeze(pairs.map((pair) => withPath(pair, `${path}.${partOf(pair.path)}`)));
  throw new ConfigError('CERTIFICATE_MISSING', path, 'it gives no certificate', 'Give key and cert, or pfx.');
}

const withPath = (pair: KeyPair, path: string): KeyPair => Object.freeze({ ...pair, path });

/** A refusal speaks of `cert`, which is no option here. */
function attempt<T>(read: () => T, { path, partOf }: NamedSource): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, message, cause } = error;
    const problem = message.slice(error.path.length + 2, -(error.remedy.length + 2));
    const remedy = error.remedy
      .replace(/`(key|cert|pfx|passphrase)`/g, (_, part: string) => `\`${partOf(part)}\``)
      .replace(/, not as a file name\.$/, '.');
    throw new ConfigError(code, `${path}.${partOf(error.path)}`, problem, remedy, cause);
  }
}

function asConfigError({ path }: NamedSource, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  return new ConfigError(
    'CERTIFICATE_MISSING',
    path,
    `its source has failed: ${messageOf(error)}`,
    'See the cause; what was loaded before goes on serving.',
    error,
  );
}
