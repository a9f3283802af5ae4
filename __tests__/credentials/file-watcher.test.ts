import { EventEmitter } from 'node:events';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { watchFiles, type WatchOptions } from '../../lib/credentials/files/file-watcher.ts';
import { newFolder, removeFolders } from './server-pairs.ts';

let folder: string;
const stops: Array<() => void> = [];
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  removeFolders();
});

const at = (...names: string[]): string => join(folder, ...names);
const write = (name: string, content: string): void => writeFileSync(at(name), content);
/** As a careful program does it. */
const renameOver = (name: string, content: string): void => {
  write(`${name}.new`, content);
  renameSync(at(`${name}.new`), at(name));
};
/** What is there, or why not. */
const content = (name: string): string => {
  try {
    return readFileSync(at(name), 'utf8');
  } catch (error) {
    return String((error as { code: unknown }).code);
  }
};

/** The calls of one watcher. */
class Calls {
  count = 0;
  #wake: () => void = () => {};

  constructor(paths: readonly string[], options: WatchOptions = {}) {
    const onCall = (): void => {
      this.count++;
      this.#wake();
    };
    stops.push(
      watchFiles(
        paths.map((path) => at(path)),
        onCall,
        { quiet: 2, pollEvery: 3_600_000, ...options },
      ),
    );
  }

  async next(): Promise<void> {
    await new Promise<void>((wake) => (this.#wake = wake));
  }

  /** What a file holds, when it has been called while, or after, that is so. */
  async seen(name: string, expected: string): Promise<string> {
    do await this.next();
    while (content(name) !== expected);
    return content(name);
  }
}

describe('a watched file is reported after', () => {
  it.each<[string, (name: string) => void, string]>([
    ['a rename over it', (name) => renameOver(name, 'second'), 'second'],
    ['a write in place', (name) => write(name, 'second'), 'second'],
    ['its truncation', (name) => truncateSync(at(name)), ''],
    ['its deletion', (name) => rmSync(at(name)), 'ENOENT'],
    ['its becoming a directory', (name) => (rmSync(at(name)), mkdirSync(at(name))), 'EISDIR'],
  ])('%s, each time', async (_what, change, expected) => {
    write('tls.crt', 'first');
    const calls = new Calls(['tls.crt']);
    change('tls.crt');
    expect(await calls.seen('tls.crt', expected)).toBe(expected);
    rmSync(at('tls.crt'), { recursive: true, force: true });
    write('tls.crt', 'third');
    expect(await calls.seen('tls.crt', 'third')).toBe('third');
    change('tls.crt');
    expect(await calls.seen('tls.crt', expected)).toBe(expected);
  });

  it('the first appearance of it and of the directories above it', async () => {
    const calls = new Calls(['etc/tls/tls.crt']);
    mkdirSync(at('etc'));
    mkdirSync(at('etc/tls'));
    write('etc/tls/tls.crt', 'first');
    expect(await calls.seen('etc/tls/tls.crt', 'first')).toBe('first');
  });

  it('the deletion and return of its directory', async () => {
    mkdirSync(at('tls'));
    write('tls/tls.crt', 'first');
    const calls = new Calls(['tls/tls.crt']);
    rmSync(at('tls'), { recursive: true });
    expect(await calls.seen('tls/tls.crt', 'ENOENT')).toBe('ENOENT');
    mkdirSync(at('tls'));
    write('tls/tls.crt', 'second');
    expect(await calls.seen('tls/tls.crt', 'second')).toBe('second');
    renameOver('tls/tls.crt', 'third');
    expect(await calls.seen('tls/tls.crt', 'third')).toBe('third');
  });

  it('each swap of the link ..data by Kubernetes', async () => {
    const mount = (version: string): void => {
      mkdirSync(at(`..${version}`));
      write(`..${version}/tls.crt`, `certificate ${version}`);
      write(`..${version}/tls.key`, `key ${version}`);
      symlinkSync(`..${version}`, at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
    };
    mount('1');
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(`..data/${name}`, at(name));
    const calls = new Calls(['tls.crt', 'tls.key']);
    for (const version of ['2', '3', '4']) {
      mount(version);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await calls.seen('tls.crt', `certificate ${version}`)).toBe(`certificate ${version}`);
      rmSync(at(`..${Number(version) - 1}`), { recursive: true });
    }
  });

  it('a change of the file behind its link, and of the link', async () => {
    for (const name of ['archive', 'live']) mkdirSync(at(name));
    write('archive/cert1.pem', 'first');
    symlinkSync('../archive/cert1.pem', at('live/cert.pem'));
    const calls = new Calls(['live/cert.pem']);
    renameOver('archive/cert1.pem', 'renewed');
    expect(await calls.seen('live/cert.pem', 'renewed')).toBe('renewed');
    write('archive/cert2.pem', 'second');
    symlinkSync('../archive/cert2.pem', at('live/new'));
    renameSync(at('live/new'), at('live/cert.pem'));
    expect(await calls.seen('live/cert.pem', 'second')).toBe('second');
    renameOver('archive/cert2.pem', 'third');
    expect(await calls.seen('live/cert.pem', 'third')).toBe('third');
  });

  it('a change of a link among the directories above it', async () => {
    for (const name of ['release-1', 'release-2']) mkdirSync(at(name));
    write('release-1/tls.crt', 'first');
    write('release-2/tls.crt', 'second');
    symlinkSync('release-1', at('current'));
    const calls = new Calls(['current/tls.crt']);
    symlinkSync('release-2', at('next'));
    renameSync(at('next'), at('current'));
    expect(await calls.seen('current/tls.crt', 'second')).toBe('second');
  });
});

describe('a watched directory is reported after', () => {
  it('a file’s coming, change and going', async () => {
    mkdirSync(at('ca'));
    const calls = new Calls(['ca']);
    write('ca/new.pem', 'first');
    expect(await calls.seen('ca/new.pem', 'first')).toBe('first');
    renameOver('ca/new.pem', 'second');
    expect(await calls.seen('ca/new.pem', 'second')).toBe('second');
    rmSync(at('ca/new.pem'));
    expect(await calls.seen('ca/new.pem', 'ENOENT')).toBe('ENOENT');
  });

  it('its own coming, and a change of a file that it links to', async () => {
    write('root.pem', 'first');
    const calls = new Calls(['ca']);
    mkdirSync(at('ca'));
    symlinkSync('../root.pem', at('ca/root.pem'));
    expect(await calls.seen('ca/root.pem', 'first')).toBe('first');
    renameOver('root.pem', 'second');
    expect(await calls.seen('ca/root.pem', 'second')).toBe('second');
  });
});

describe('a watcher', () => {
  it('calls once for a certificate and its key, and not for their neighbours', async () => {
    write('tls.crt', '1');
    write('tls.key', '1');
    const calls = new Calls(['tls.crt', 'tls.key']);
    for (const version of ['2', '3']) {
      write('neighbour', version);
      for (const name of ['tls.crt', 'tls.key']) write(`${name}.new`, version);
      for (const name of ['tls.crt', 'tls.key']) renameSync(at(`${name}.new`), at(name));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await calls.next();
    }
    expect(calls.count).toBeLessThanOrEqual(4);
    expect(calls.count).toBeGreaterThanOrEqual(2);
  });

  it('keeps no process alive', async () => {
    const alive = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => /fsevent|timeout/i.test(name));
    write('tls.crt', 'first');
    const before = alive();
    const proof = watch(folder, () => {});
    expect(alive()).toHaveLength(before.length + 1);
    proof.close();
    const calls = new Calls(['tls.crt']);
    renameOver('tls.crt', 'second');
    await calls.next();
    expect(alive().filter((name) => /fsevent/i.test(name))).toEqual([]);
  });
});

describe('where the system has no watches left', () => {
  const full = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  let polls: Array<() => void>;
  let events: Array<() => void>;
  const later: WatchOptions['later'] = (run, delay) => {
    const queue = delay === 60_000 ? polls : events;
    queue.push(run);
    return () => void (queue.includes(run) && queue.splice(queue.indexOf(run), 1));
  };
  beforeEach(() => {
    polls = [];
    events = [];
    write('tls.crt', 'first');
  });

  it('a watcher says so once, and looks by itself every minute', async () => {
    const troubles: string[] = [];
    const calls = new Calls(['tls.crt'], {
      pollEvery: undefined,
      later,
      onTrouble: (problem) => troubles.push(problem),
      watchDirectory: () => {
        throw full;
      },
    });
    for (const version of ['second', 'third', 'fourth']) {
      renameOver('tls.crt', version);
      // The first one is seen when the watcher begins.
      if (version !== 'second') polls.shift()!();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await calls.next();
    }
    expect(calls.count).toBe(3);
    expect(troubles).toEqual([expect.stringMatching(/every 60 s instead: too many open files$/)]);
  });

  it('a watcher tries again at the next look, when a watch has failed later', async () => {
    const opened: Array<EventEmitter & { close(): void }> = [];
    const closed: unknown[] = [];
    const listeners: Array<() => void> = [];
    const troubles: string[] = [];
    const calls = new Calls(['tls.crt'], {
      pollEvery: undefined,
      later,
      onTrouble: (problem) => troubles.push(problem),
      watchDirectory: (_directory, onEvent) => {
        const watcher = Object.assign(new EventEmitter(), { close: () => void closed.push(watcher) });
        opened.push(watcher);
        listeners.push(onEvent);
        return watcher as never;
      },
    });
    renameOver('tls.crt', 'second');
    await calls.next();
    opened[0]!.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    expect(closed).toEqual([opened[0]]);
    renameOver('tls.crt', 'third');
    polls.shift()!();
    await calls.next();
    expect(opened).toHaveLength(2);
    expect(troubles).toHaveLength(1);
    for (let event = 0; event < 3; event++) listeners[1]!();
    expect(events).toHaveLength(1);
    stops.pop()!();
    expect(closed).toEqual(opened);
    listeners[1]!();
    expect([...events, ...polls]).toEqual([]);
  });
});
