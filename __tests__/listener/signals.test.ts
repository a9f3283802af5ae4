import { EventEmitter, once } from 'node:events';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Logger, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { type EndingProcess, ProcessSignals, readSignals } from '../../lib/listener/lifecycle/signals.ts';
import { closeAll, listen } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const both = { shutdown: 10_000, reload: true } as const;
const silent: Logger = { info: () => {}, warn: () => {} };

/** A process that can be ended more than once. */
class FakeProcess extends EventEmitter implements EndingProcess {
  readonly ends: unknown[] = [];
  readonly pid: number;
  #ended: () => void = () => {};
  readonly end: Promise<void> = new Promise((settle) => (this.#ended = settle));

  constructor(pid = 4711) {
    super();
    this.pid = pid;
  }

  kill(pid: number, signal: string): void {
    this.ends.push([pid, signal, this.listenerCount(signal)]);
    this.#ended();
  }

  exit(code: number): void {
    this.ends.push(code);
    this.#ended();
  }

  get heeded(): unknown[] {
    return this.eventNames();
  }
}

describe('SIGTERM and SIGINT', () => {
  it.each(['SIGTERM', 'SIGINT'])(
    '%s: every server shuts down, then the same signal ends the process',
    async (signal) => {
      const host = new FakeProcess();
      const signals = new ProcessSignals(host);
      const done: string[] = [];
      const finish: Array<() => void> = [];
      for (const name of ['one', 'two']) {
        const shutdown = (timeout: number): Promise<void> =>
          new Promise((settle) => finish.push(() => settle(void done.push(`${name} ${timeout}`))));
        signals.heed(both, { shutdown, reload: () => {}, logger: silent });
      }
      host.emit(signal, signal);
      // Once more, as npm does: nothing is cut by it.
      host.emit(signal, signal);
      expect([finish.length, host.ends]).toEqual([2, []]);
      for (const end of finish) end();
      await host.end;
      expect(done).toEqual(['one 10000', 'two 10000']);
      expect(host.ends).toEqual([[4711, signal, 0]]);
    },
  );

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('%s: the first process of a container, which no signal ends, exits with %i', async (signal, code) => {
    const host = new FakeProcess(1);
    new ProcessSignals(host).heed(both, { shutdown: async () => {}, reload: () => {}, logger: silent });
    host.emit(signal, signal);
    await host.end;
    expect(host.ends).toEqual([code]);
  });

  it('a shutdown that fails is told, and keeps nobody from ending', async () => {
    const host = new FakeProcess();
    const warn = jest.fn<Logger['warn']>();
    const signals = new ProcessSignals(host);
    const shutdown = (): Promise<void> => Promise.reject(new Error('broken'));
    signals.heed(both, { shutdown, reload: () => {}, logger: { ...silent, warn } });
    const throwing = (): never => {
      throw new Error('a logger');
    };
    signals.heed(both, { shutdown, reload: () => {}, logger: { ...silent, warn: throwing } });
    host.emit('SIGTERM', 'SIGTERM');
    await host.end;
    expect(warn.mock.calls).toEqual([['Portcullis: the shutdown has failed: broken']]);
    expect(host.ends).toHaveLength(1);
  });

  it('the app that heeds them too decides about the end', async () => {
    const host = new FakeProcess();
    const asked = jest.fn();
    host.on('SIGTERM', asked);
    const shutdown = jest.fn(async () => {});
    new ProcessSignals(host).heed(both, { shutdown, reload: () => {}, logger: silent });
    host.emit('SIGTERM', 'SIGTERM');
    // Long after: by then it would have ended.
    for (let turn = 0; turn < 10; turn++) await new Promise((settle) => setImmediate(settle));
    expect([shutdown.mock.calls, asked.mock.calls.length, host.ends]).toEqual([[[10_000]], 1, []]);
    expect(host.listenerCount('SIGTERM')).toBe(1);
  });
});

it('SIGHUP reloads every server', () => {
  const host = new FakeProcess();
  const signals = new ProcessSignals(host);
  const reloads = [jest.fn(), jest.fn()];
  const shutdown = async (): Promise<void> => {};
  for (const reload of reloads) signals.heed(both, { shutdown, reload, logger: silent });
  host.emit('SIGHUP', 'SIGHUP');
  expect(reloads.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});

it('a signal is heeded while a server wants it, by one handler for all', () => {
  const host = new FakeProcess();
  const signals = new ProcessSignals(host);
  const hooks = { shutdown: async (): Promise<void> => {}, reload: (): void => {}, logger: silent };
  const leaves = [
    signals.heed({ shutdown: 1, reload: false }, hooks),
    signals.heed(both, hooks),
    signals.heed({ shutdown: undefined, reload: false }, hooks),
  ];
  expect(host.heeded).toEqual(['SIGTERM', 'SIGINT', 'SIGHUP']);
  expect(host.listenerCount('SIGTERM')).toBe(1);
  leaves[1]!();
  expect(host.heeded).toEqual(['SIGTERM', 'SIGINT']);
  leaves[0]!();
  leaves[0]!();
  expect(host.heeded).toEqual([]);
  signals.heed(both, hooks);
  expect(host.heeded).toEqual(['SIGTERM', 'SIGINT', 'SIGHUP']);
});

describe('the option signals', () => {
  const serverOf = (signals?: PortcullisOptions['signals']): PortcullisServer =>
    createServer({ key: pki.server.key, cert: pki.server.cert, signals });
  const counts = (): number[] =>
    (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map((name) => process.listenerCount(name));

  it('heeds none by default', async () => {
    const before = counts();
    await listen(serverOf());
    expect(counts()).toEqual(before);
  });

  it('heeds them from listening to close', async () => {
    const before = counts();
    const server = serverOf({ shutdown: true, reload: true });
    expect(counts()).toEqual(before);
    await listen(server);
    expect(counts()).toEqual(before.map((count) => count + 1));
    await server.shutdown({ timeout: 0 });
    expect(counts()).toEqual(before);
  });

  it('shuts down a real server with its deadline', async () => {
    const here = jest.fn();
    const [before] = counts();
    process.on('SIGTERM', here);
    const server = serverOf({ shutdown: { timeout: 0 } });
    const closed = once(server, 'close');
    await listen(server);
    process.emit('SIGTERM', 'SIGTERM');
    await closed;
    expect([server.listening, here.mock.calls.length]).toEqual([false, 1]);
    // The test's own listener keeps the process alive: it may go only after the server's.
    while (process.listenerCount('SIGTERM') > before! + 1) await new Promise((turn) => setImmediate(turn));
    process.removeListener('SIGTERM', here);
  });

  it('reloads a real server', async () => {
    const server = serverOf({ reload: true });
    await listen(server);
    const reloaded = once(server, 'reload');
    process.emit('SIGHUP', 'SIGHUP');
    expect(await reloaded).toEqual([expect.objectContaining({ trigger: 'signal' })]);
  });

  it.each([
    [{}, { shutdown: undefined, reload: false }],
    [{ shutdown: true }, { shutdown: 10_000, reload: false }],
    [
      { shutdown: {}, reload: true },
      { shutdown: 10_000, reload: true },
    ],
    [{ shutdown: { timeout: 0 } }, { shutdown: 0, reload: false }],
  ])('%j is %j', (option, config) => {
    expect(readSignals(option)).toEqual(config);
  });

  it.each([
    ['all', true, 'OPTION_INVALID', 'signals'],
    ['a misspelt one', { shutDown: true }, 'OPTION_UNKNOWN', 'signals.shutDown'],
    ['a number for the shutdown', { shutdown: 5 }, 'OPTION_INVALID', 'signals.shutdown'],
    ['a text for its deadline', { shutdown: { timeout: '5' } }, 'OPTION_INVALID', 'signals.shutdown.timeout'],
    ['null', { shutdown: null }, 'OPTION_INVALID', 'signals.shutdown'],
    ['a text for the reload', { reload: 'yes' }, 'OPTION_INVALID', 'signals.reload'],
  ])('with %s is a ConfigError', (_what, option, code, path) => {
    expect(() => serverOf(option as never)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, path }),
    );
  });
});
