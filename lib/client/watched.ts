import { digestOfAllSync } from '../credentials/files/content-digest.ts';
import { isFileEntry } from '../credentials/files/file-source.ts';
import { watchFiles } from '../credentials/files/file-watcher.ts';
import { ConfigError } from '../errors.ts';
import { flag } from '../options.ts';
import { warnProcess } from '../warnings.ts';

/** The files that are read anew by a reload. */
export interface WatchedInputs {
  readonly paths: readonly string[];
  /** Of what they held before they were read, so that no change in between is missed. */
  readonly digest: string;
}

/**
 * Reads `watch`: on for whatever is given as a file. To ask for it where nothing is one is a ConfigError
 * `OPTION_CONFLICT`: somebody relies on a reload that would never come.
 */
export function readWatched(given: Readonly<Record<string, unknown>>): WatchedInputs | undefined {
  const paths = [...filesOf(given['certificate']), ...inputsOf(given['ca']), ...inputsOf(given['crl'])];
  if (!flag(given['watch'], 'watch', true)) return undefined;
  if (paths.length > 0) return Object.freeze({ paths, digest: digestOfAllSync(paths) });
  if (given['watch'] !== true) return undefined;
  throw new ConfigError(
    'OPTION_CONFLICT',
    'watch',
    'no option names a file that could be watched',
    'Give certificate: { keyFile, certFile } or ca: { file }, or leave it out.',
  );
}

/** Calls `changed` after any of them has changed; keeps no process alive. Returns what ends it. */
export const watchInputs = ({ paths, digest }: WatchedInputs, changed: () => void): (() => void) =>
  watchFiles(paths, changed, { digest, onTrouble: warn });

const warn = (problem: string): void => warnProcess('PORTCULLIS_WATCH', `Portcullis: ${problem}`);

/** They are validated when they are read. */
function filesOf(entry: unknown): string[] {
  if (!isFileEntry(entry)) return [];
  const { keyFile, certFile, pfxFile } = entry as Record<string, unknown>;
  return [keyFile, certFile, pfxFile].filter(isPath);
}

function inputsOf(input: unknown): string[] {
  if (Array.isArray(input)) return input.flatMap(inputsOf);
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return [];
  const { file, directory } = input as Record<string, unknown>;
  return [file, directory].filter(isPath);
}

const isPath = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
