import { watchFiles } from '../../credentials/files/file-watcher.ts';
import type { NamedSource } from '../../credentials/source.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { flag } from '../../options.ts';
import type { Logger } from '../logger.ts';

/** What a reload reads anew. */
export interface Watched {
  readonly sources: readonly NamedSource[];
  /** Files and directories of the client authentication. */
  readonly paths: readonly string[];
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
  const watched: Watched = Object.freeze({
    sources: (sources ?? []).filter(({ source }) => source.watch !== undefined),
    paths: Object.freeze([...pathsIn(clientAuth?.ca), ...pathsIn(clientAuth?.crl)]),
  });
  const nothing = watched.sources.length === 0 && watched.paths.length === 0;
  if (nothing && given['watch'] === true) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'watch',
      'no option names a file or a source that could be watched',
      'Give certificate: { keyFile, certFile } or clientAuth.ca: { file }, or leave it out.',
    );
  }
  return flag(given['watch'], 'watch', true) && !nothing ? watched : undefined;
}

/** `{ file }` and `{ directory }`, singly or in lists. They were validated when they were read. */
function pathsIn(input: unknown): string[] {
  if (Array.isArray(input)) return input.flatMap(pathsIn);
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return [];
  const { file, directory } = input as { file?: unknown; directory?: unknown };
  return [file, directory].filter((path): path is string => typeof path === 'string');
}

/** Calls `changed` whenever something of it may have changed; returns what ends that. */
export function watchAll({ sources, paths }: Watched, changed: () => void, logger: Logger): () => void {
  const onTrouble = (problem: string): void => logger.warn(`Portcullis: ${problem}`);
  const stops = sources.flatMap(({ source, path }) => {
    try {
      return source.watch?.(changed, onTrouble) ?? [];
    } catch (error) {
      onTrouble(`${path} cannot be watched: ${messageOf(error)}`);
      return [];
    }
  });
  if (paths.length > 0) stops.push(watchFiles(paths, changed, { onTrouble }));
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}
