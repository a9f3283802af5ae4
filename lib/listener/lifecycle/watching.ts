import { digestOfAllSync } from '../../credentials/files/content-digest.ts';
import { type OnTrouble, watchFiles } from '../../credentials/files/file-watcher.ts';
import type { NamedSource } from '../../credentials/source.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { flag } from '../../options.ts';
import type { Logger } from '../logger.ts';

/** What a reload reads anew. */
export interface Watched {
  readonly sources: readonly NamedSource[];
  /** Files and directories of the client authentication. */
  readonly paths: readonly string[];
  /** Of what they held before they were read, so that no change in between is missed. */
  readonly digest: string;
}

/**
 * Reads `watch`: on for whatever can change by itself. To ask for it where nothing can is a ConfigError
 * `OPTION_CONFLICT`: somebody relies on a reload that would never come.
 */
export function readWatch(
  given: Readonly<Record<string, unknown>>,
  sources: readonly NamedSource[] | undefined,
): Watched | undefined {
  const clientAuth = given['clientAuth'] as { ca?: unknown; crl?: unknown } | undefined;
  const watchable = (sources ?? []).filter(({ source }) => source.watch !== undefined);
  const paths = Object.freeze([...pathsIn(clientAuth?.ca), ...pathsIn(clientAuth?.crl)]);
  const nothing = watchable.length === 0 && paths.length === 0;
  if (nothing && given['watch'] === true) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'watch',
      'no option names a file or a source that could be watched',
      'Give certificate: { keyFile, certFile } or clientAuth.ca: { file }, or leave it out.',
    );
  }
  if (!flag(given['watch'], 'watch', true) || nothing) return undefined;
  return Object.freeze({ sources: watchable, paths, digest: digestOfAllSync(paths) });
}

/** Whether what is watched for the one serves the other as well. */
export const isSameWatch = (one: Watched | undefined, other: Watched | undefined): boolean =>
  one === other ||
  (one !== undefined &&
    other !== undefined &&
    isSameList(one.paths, other.paths) &&
    isSameList(one.sources.map(identityOf), other.sources.map(identityOf)));

const isSameList = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((item, index) => item === other[index]);
/** A source of files is made anew with each reading of the options. */
const identityOf = ({ files, source }: NamedSource): unknown =>
  files.length > 0 ? JSON.stringify(files) : source;

/** `{ file }` and `{ directory }`, singly or in lists. They are validated when they are read. */
function pathsIn(input: unknown): string[] {
  if (Array.isArray(input)) return input.flatMap(pathsIn);
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return [];
  const { file, directory } = input as { file?: unknown; directory?: unknown };
  return [file, directory].filter((path): path is string => typeof path === 'string');
}

/** Calls `changed` whenever something of it may have changed; returns what ends that. Neither throws. */
export function watchAll(
  { sources, paths, digest }: Watched,
  changed: () => void,
  logger: Logger,
): () => void {
  const onTrouble = (problem: string): void => logger.warn(`Portcullis: ${problem}`);
  const stops = sources.map(({ source, path }) =>
    guarded(path, onTrouble, () => source.watch?.(changed, onTrouble)),
  );
  if (paths.length > 0) stops.push(watchFiles(paths, changed, { digest, onTrouble }));
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

/** What is watched by code of the user's, made harmless. */
function guarded(path: string, onTrouble: OnTrouble, watch: () => unknown): () => void {
  const trouble = (what: string, error: unknown): void => onTrouble(`${path} ${what}: ${messageOf(error)}`);
  try {
    const stop = watch();
    if (typeof stop !== 'function') {
      // A promise that nobody handles would end the process when it rejects.
      if (stop instanceof Promise) stop.catch(() => undefined);
      throw new TypeError('its watch has not returned what ends it');
    }
    return () => {
      try {
        stop();
      } catch (error) {
        trouble('cannot be unwatched', error);
      }
    };
  } catch (error) {
    trouble('cannot be watched', error);
    return () => undefined;
  }
}
