/* oxlint-disable no-await-in-loop -- a file system that hangs then keeps one of libuv's threads, and not all of them */
import { type FSWatcher, watch } from 'node:fs';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { digestOfAll, digestOfAllSync } from './content-digest.ts';
import { directoriesOf, identityOf } from './watched-directories.ts';

/** Is told, with a sentence, that changes are no longer seen at once, but by looking now and then. */
export type OnTrouble = (problem: string) => void;

export interface WatchOptions {
  /** How long nothing may happen before `changed` is called, in ms; 100 by default. */
  readonly quiet?: number | undefined;
  /** Where something happens all the time, at the latest after this, in ms; 1,000 by default. */
  readonly patience?: number | undefined;
  /** How often to look without being called, in ms; 60,000 by default. */
  readonly pollEvery?: number | undefined;
  readonly onTrouble?: OnTrouble | undefined;
  /** Of `digestOfAllSync`, before the caller has read the files; taken now by default. */
  readonly digest?: string | undefined;
  /** Runs something later, and returns what prevents it; a timer that keeps no process alive by default. */
  readonly later?: ((run: () => void, delay: number) => () => void) | undefined;
  /** In place of `fs.watch`, for tests. */
  readonly watchDirectory?: typeof watchDirectory | undefined;
}

/**
 * Calls `changed` after the content of files, or of the files in directories, has changed: by renaming over, by writing
 * in place, by exchanging a symbolic link on the way (Kubernetes' `..data`), by deletion and return, of a directory too.
 * Once for changes that follow each other closely; never for what was only touched. What `changed` then reads may be
 * half of a change, and the other half is another call.
 *
 * Sees what `fs.watch` reports, and looks itself every minute, as that knows nothing of NFS and some container mounts.
 * Keeps no process alive. Returns what ends it.
 */
export function watchFiles(
  paths: readonly string[],
  changed: () => void,
  options: WatchOptions = {},
): () => void {
  const watcher = new FileWatcher([...paths], changed, options);
  return () => watcher.close();
}

/** As many as a path has directories, with some to spare: then the next look goes on. */
const maxRounds = 100;

interface Watch {
  readonly identity: string;
  close(): void;
}

class FileWatcher {
  readonly #paths: readonly string[];
  readonly #changed: () => void;
  readonly #options: WatchOptions;
  readonly #later: NonNullable<WatchOptions['later']>;
  readonly #watches = new Map<string, Watch>();
  /** Directories that cannot be watched, so that this is said once. */
  readonly #troubled = new Set<string>();
  #digest: string;
  #closed = false;
  /** A look is under way, or another has been asked for meanwhile. */
  #looking: 'no' | 'once' | 'again' = 'no';
  #cancelLook: (() => void) | undefined;
  #cancelPoll: (() => void) | undefined;
  /** Since when events have put the look off. */
  #firstEvent: number | undefined;

  constructor(paths: readonly string[], changed: () => void, options: WatchOptions) {
    this.#paths = paths;
    this.#changed = changed;
    this.#options = options;
    this.#later = options.later ?? ((run, delay) => systemClock.after(delay, run));
    this.#digest = options.digest ?? digestOfAllSync(paths);
    this.#poll();
    this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
    this.#cancelPoll?.();
    for (const watched of this.#watches.values()) watched.close();
    this.#watches.clear();
  }

  #poll(): void {
    this.#cancelPoll = this.#later(() => {
      this.#poll();
      this.#look();
    }, this.#options.pollEvery ?? 60_000);
  }

  #onEvent(): void {
    if (this.#closed) return;
    const { quiet = 100, patience = 1_000 } = this.#options;
    const now = performance.now();
    this.#firstEvent ??= now;
    const left = Math.max(0, this.#firstEvent + patience - now);
    this.#cancelLook?.();
    this.#cancelLook = this.#later(
      () => {
        this.#firstEvent = undefined;
        this.#look();
      },
      Math.min(quiet, left),
    );
  }

  /** Never two at once, so that `changed` is called in the order of what happened. */
  #look(): void {
    if (this.#looking !== 'no') {
      this.#looking = 'again';
      return;
    }
    void this.#lookUntilDone();
  }

  async #lookUntilDone(): Promise<void> {
    do {
      this.#looking = 'once';
      await this.#lookOnce();
    } while (this.#wantsAgain());
    this.#looking = 'no';
  }

  /** In a function of its own, as the compiler cannot know that an event has come meanwhile. */
  #wantsAgain(): boolean {
    return this.#looking === 'again' && !this.#closed;
  }

  async #lookOnce(): Promise<void> {
    try {
      await this.#watchAll();
      // After the watches are there: whatever comes later they tell.
      const digest = await digestOfAll(this.#paths);
      if (this.#closed || digest === this.#digest) return;
      this.#digest = digest;
      this.#changed();
    } catch (error) {
      this.#options.onTrouble?.(`what watches ${this.#paths.join(', ')} has failed: ${messageOf(error)}`);
    }
  }

  /**
   * Puts a watch on each directory that matters, and takes it off the others; until there is no new one, as what was
   * made below a directory before its watch was there has told nobody.
   */
  async #watchAll(): Promise<void> {
    let isNew = true;
    for (let round = 0; isNew && round < maxRounds && !this.#closed; round++) {
      isNew = this.#watchOnly(await this.#directories());
    }
  }

  async #directories(): Promise<ReadonlyMap<string, string>> {
    const wanted = new Map<string, string>();
    for (const path of this.#paths) {
      for (const directory of await directoriesOf(path)) {
        const identity = await identityOf(directory);
        if (identity !== undefined) wanted.set(directory, identity);
      }
    }
    return wanted;
  }

  /** Whether there is a new watch. */
  #watchOnly(wanted: ReadonlyMap<string, string>): boolean {
    if (this.#closed) return false;
    for (const [directory, watched] of this.#watches) {
      if (wanted.get(directory) !== watched.identity) this.#unwatch(directory);
    }
    const missing = [...wanted].filter(([directory]) => !this.#watches.has(directory));
    for (const [directory, identity] of missing) this.#watch(directory, identity);
    return missing.some(([directory]) => this.#watches.has(directory));
  }

  #watch(directory: string, identity: string): void {
    const open = this.#options.watchDirectory ?? watchDirectory;
    try {
      const watcher = open(directory, () => this.#onEvent());
      watcher.on('error', (error) => this.#onFailure(directory, error));
      this.#watches.set(directory, { identity, close: () => watcher.close() });
      this.#troubled.delete(directory);
    } catch (error) {
      this.#onFailure(directory, error);
    }
  }

  #unwatch(directory: string): void {
    this.#watches.get(directory)?.close();
    this.#watches.delete(directory);
  }

  /** EMFILE and ENOSPC, where the system has no watches left. The next look tries again. */
  #onFailure(directory: string, error: unknown): void {
    this.#unwatch(directory);
    if (this.#closed || this.#troubled.has(directory)) return;
    this.#troubled.add(directory);
    const seconds = (this.#options.pollEvery ?? 60_000) / 1_000;
    this.#options.onTrouble?.(
      `${directory} cannot be watched, and is looked at every ${seconds} s instead: ${messageOf(error)}`,
    );
  }
}

function watchDirectory(directory: string, onEvent: () => void): Pick<FSWatcher, 'on' | 'close'> {
  return watch(directory, { persistent: false }, onEvent);
}
