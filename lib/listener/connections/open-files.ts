import type { Duplex } from 'node:stream';
import { countOpenFiles, openFilesLimit } from '../../credentials/files/open-files.ts';
import type { DropReason } from '../../events.ts';
import type { Logger } from '../logger.ts';

/**
 * Without a descriptor left libuv closes whoever comes, and nobody hears of it, and no reload can read its files. So
 * many are kept for the rest of the process, or an eighth of a small limit.
 */
const reserve = 64;
/** So long a count holds (ms): the rest of the process opens and closes files of which nobody hears here. */
const countHolds = 100;
/** And so long the limit, which prlimit(1) changes at any time. */
const limitHolds = 1_000;

/** From which number on files are scarce. */
export const scarceAt = (most: number): number => most - Math.min(reserve, Math.floor(most / 8));

/** What the process may have open, and what it has. */
export interface ProcessFiles {
  readonly limit: () => number;
  readonly count: () => number;
}

/**
 * Whether almost all files that the process may have open are. The number of the newest connection gives rise to the
 * suspicion, and a count decides: nobody has to go without one that is fresh.
 */
export class OpenFiles {
  readonly #files: ProcessFiles;
  #scarceFrom = Infinity;
  #limitReadAt = -Infinity;
  /** What is open besides the connections, by the last count. */
  #others = -Infinity;
  #countedAt = -Infinity;

  /** `files` for tests. */
  constructor(files: ProcessFiles = { limit: openFilesLimit, count: countOpenFiles }) {
    this.#files = files;
  }

  /** How many of so many `connections` have to go for the newest, which is not among them; two at most. */
  excess(newest: Duplex, connections: number, now: number): number {
    if (now - this.#limitReadAt >= limitHolds) {
      this.#scarceFrom = scarceAt(this.#files.limit());
      this.#limitReadAt = now;
    }
    // The numbers of those that went are given again: who comes after them may be one too many with a low one.
    const suspect = numberOf(newest) >= this.#scarceFrom;
    const over = this.#over(connections);
    if (over <= 0 ? suspect : now - this.#countedAt >= countHolds) {
      this.#others = this.#files.count() - connections - 1;
      this.#countedAt = now;
    }
    return Math.min(2, Math.max(0, this.#over(connections)));
  }

  #over(connections: number): number {
    return this.#others + connections + 1 - this.#scarceFrom;
  }
}

/** POSIX gives the lowest that is free. Windows has none, nor has a stream that is no socket. */
function numberOf(stream: Duplex): number {
  return (stream as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}

/** Counts drops by `count`; the first that comes of too few descriptors is logged. */
export function dropsTo(count: (reason: DropReason) => void, logger: Logger): (reason: DropReason) => void {
  let told = false;
  return (reason) => {
    count(reason);
    if (reason !== 'OPEN_FILES' || told) return;
    told = true;
    logger.warn(
      'Portcullis: almost all files that this process may have open are, so that connections have to make room: raise its limit (ulimit -n, LimitNOFILE), or lower limits.maxConnections.',
    );
  };
}
