import { afterEach, describe, expect, it } from '@jest/globals';
import { settled, TestClock, TestKeys, TestStore } from './support.ts';

const hour = 3_600_000;
const minute = 60_000;
const started: TestKeys[] = [];
afterEach(() => {
  for (const keys of started.splice(0)) keys.stop();
});

function start(clock: TestClock, store?: TestStore): TestKeys {
  const keys = new TestKeys(clock, 3_600, store).start();
  started.push(keys);
  return keys;
}

async function startShared(): Promise<{ clock: TestClock; store: TestStore; keys: TestKeys }> {
  const clock = new TestClock(10 * hour);
  const store = new TestStore();
  const keys = start(clock, store);
  await settled();
  return { clock, store, keys };
}

const stored = (store: TestStore, period: number): string =>
  store.keys.get(`3600:${period}`)!.toString('hex');

describe('keys without a store', () => {
  it('are applied at once, and again after each period', async () => {
    const clock = new TestClock(10 * hour + 5);
    const keys = start(clock);
    expect(keys.applied).toHaveLength(1);
    await clock.pass(3 * hour);
    expect(keys.applied).toHaveLength(4);
    expect(new Set(keys.applied.map((key) => key.toString('hex'))).size).toBe(4);
    expect(keys.events.at(-1)).toEqual({
      outcome: 'rotated',
      origin: 'own',
      sharedBy: undefined,
      expiresAt: new Date(14 * hour),
      reason: undefined,
    });
    expect(keys.said).toEqual([]);
  });

  it.each([[5 * hour], [-5 * hour]])('follow a clock that is set by %i ms within a minute', async (jump) => {
    const clock = new TestClock(10 * hour + 5);
    const keys = start(clock);
    clock.turn(jump);
    await clock.pass(minute);
    expect(keys.applied).toHaveLength(2);
  });

  it('are given as a copy, and applied again on demand', () => {
    const keys = start(new TestClock(10 * hour));
    expect(keys.keys.current.toString('hex')).toBe(keys.key);
    keys.keys.current.fill(0);
    keys.keys.reapply();
    expect(keys.applied).toHaveLength(2);
    expect(keys.applied[1]!.equals(keys.applied[0]!)).toBe(true);
    expect(keys.story).toEqual(['rotated own']);
  });

  it('are not applied again where the period is over, as the next one is', () => {
    const clock = new TestClock(10 * hour);
    const keys = start(clock);
    clock.turn(hour);
    keys.keys.reapply();
    expect(keys.applied).toHaveLength(2);
    expect(keys.applied[1]!.equals(keys.applied[0]!)).toBe(false);
  });

  it('end with their listener: no timer is left, a key that nobody has is set, and a new start has another', () => {
    const clock = new TestClock(10 * hour);
    const keys = start(clock);
    keys.keys.stop();
    expect(clock.timers).toBe(0);
    keys.keys.reapply();
    keys.keys.stop();
    expect(keys.applied).toHaveLength(2);
    expect(keys.keys.current.equals(keys.applied[1]!)).toBe(false);
    keys.keys.start();
    expect(new Set(keys.applied.map((key) => key.toString('hex'))).size).toBe(3);
  });
});

describe('keys of a store', () => {
  it('are offered by the first process, which need not change its own, and taken by the others', async () => {
    const { clock, store, keys } = await startShared();
    expect(keys.applied).toHaveLength(1);
    expect(keys.key).toBe(stored(store, 10));
    const other = start(clock, store);
    expect(other.key).not.toBe(keys.key);
    await settled();
    expect(other.key).toBe(keys.key);
    expect(other.story).toEqual(['rotated own', 'rotated shared']);
    expect(other.events[1]).toMatchObject({ sharedBy: 'store' });
  });

  it('are fetched ahead from the middle of a period, and used from its end', async () => {
    const { clock, store, keys } = await startShared();
    await clock.pass(hour / 2 - 1);
    expect(store.keys.has('3600:11')).toBe(false);
    await clock.pass(1);
    expect(store.keys.has('3600:11')).toBe(true);
    expect(keys.key).toBe(stored(store, 10));
    store.failure = new Error('down');
    await clock.pass(hour / 2);
    expect(keys.key).toBe(stored(store, 11));
    expect(keys.applied).toHaveLength(2);
  });

  it('are given back to a store that has lost them', async () => {
    const { clock, store, keys } = await startShared();
    store.keys.clear();
    await clock.pass(hour / 8);
    expect(stored(store, 10)).toBe(keys.key);
    expect(keys.applied).toHaveLength(1);
  });

  it('follow a store that has lost them and got others', async () => {
    const { clock, store, keys } = await startShared();
    store.keys.clear();
    const other = start(clock, store);
    await settled();
    expect(other.key).not.toBe(keys.key);
    await clock.pass(hour / 8);
    expect(keys.key).toBe(other.key);
  });

  it('are no own random ones where the store gives zeros, too few octets or none', async () => {
    for (const [index, wrong] of [Buffer.alloc(48), Buffer.from('short'), undefined].entries()) {
      const store = new TestStore();
      store.keyFor = () => Promise.resolve(wrong as Buffer);
      const keys = start(new TestClock((10 + index) * hour), store);
      await settled();
      expect(keys.applied).toHaveLength(1);
      expect(keys.key).not.toMatch(/^0+$/);
      expect(keys.said.join()).toContain('something else than 48 random octets');
    }
  });
});

describe('when the store fails', () => {
  it('the last key serves one further period, then own ones do, and each step is told once', async () => {
    const { clock, store, keys } = await startShared();
    store.failure = new Error('connection refused');
    await clock.pass(hour / 2);
    const last = keys.key;
    expect(keys.story).toEqual(['rotated own', 'rotated shared', 'degraded shared']);
    expect(keys.events.at(-1)).toMatchObject({ reason: 'connection refused' });
    await clock.pass(hour / 2);
    expect(keys.key).toBe(last);
    await clock.pass(hour - 1);
    expect(keys.key).toBe(last);
    await clock.pass(1);
    expect(keys.key).not.toBe(last);
    await clock.pass(2 * hour);
    expect(keys.story.slice(2)).toEqual([
      'degraded shared',
      'degraded kept',
      'rotated own',
      'degraded own',
      'rotated own',
      'rotated own',
    ]);
    expect(new Set(keys.applied.map((key) => key.toString('hex'))).size).toBe(4);
    expect(keys.said).toEqual([
      expect.stringContaining('connection refused'),
      expect.stringContaining('the last key serves for one further period'),
      expect.stringContaining('keys of its own'),
    ]);
  });

  it('a store is asked again after one second, two, four and so on up to a minute', async () => {
    const { clock, store } = await startShared();
    store.failure = new Error('down');
    await clock.pass(hour / 8);
    const asked = store.asked.length;
    await clock.pass(7_000);
    expect(store.asked.length - asked).toBe(3);
    await clock.pass(2 * hour);
    const later = store.asked.length;
    await clock.pass(10 * minute);
    expect(store.asked.length - later).toBe(10);
  });

  it('and answers again, its key is taken, and the recovery is told', async () => {
    const { clock, store, keys } = await startShared();
    store.failure = new Error('down');
    await clock.pass(hour + 1);
    expect(keys.keys.origin).toBe('kept');
    store.failure = undefined;
    await clock.pass(minute);
    expect(keys.keys.origin).toBe('shared');
    expect(keys.key).toBe(stored(store, 11));
    expect(keys.story.slice(-2)).toEqual(['rotated shared', 'recovered shared']);
    expect(keys.said.at(-1)).toBe('Portcullis: the session ticket keys are shared again.');
  });

  it('at the start, own keys serve, and the store is told of when it is there', async () => {
    const clock = new TestClock(10 * hour);
    const store = new TestStore();
    store.failure = new Error('down');
    const keys = start(clock, store);
    await clock.pass(500);
    expect(keys.story).toEqual(['rotated own', 'degraded own']);
    store.failure = undefined;
    await clock.pass(1_000);
    expect(keys.key).toBe(stored(store, 10));
    expect(keys.applied).toHaveLength(1);
    expect(keys.story.at(-1)).toBe('recovered shared');
  });

  it('by a throw, or by never answering, it is the same', async () => {
    for (const fail of [
      (): never => {
        throw new Error('thrown');
      },
      (): Promise<void> => new Promise(() => {}),
    ]) {
      const clock = new TestClock(10 * hour);
      const store = new TestStore();
      store.wait = fail;
      const keys = start(clock, store);
      await clock.pass(10_000);
      expect(keys.said).toEqual([expect.stringMatching(/thrown|has not answered in time/)]);
      store.wait = undefined;
      await clock.pass(minute);
      expect(keys.keys.origin).toBe('shared');
    }
  });

  it('an answer for a period that is over is no recovery, but the next one is', async () => {
    const { clock, store, keys } = await startShared();
    store.failure = new Error('down');
    await clock.pass(2 * hour);
    expect(keys.story.at(-1)).toBe('degraded own');
    store.failure = undefined;
    const answers: Array<() => void> = [];
    store.wait = () => new Promise((settle) => answers.push(settle));
    while (answers.length === 0) await clock.pass(1_000);
    store.wait = undefined;
    clock.turn(hour);
    answers[0]!();
    await settled();
    expect(store.asked.slice(-2)).toEqual(['3600:12', '3600:13']);
    expect(keys.story.slice(-3)).toEqual(['rotated own', 'rotated shared', 'recovered shared']);
  });

  it('an answer that comes after the stop is dropped', async () => {
    const { clock, store, keys } = await startShared();
    let answer: (key: Buffer) => void = () => undefined;
    store.keyFor = () => new Promise((settle) => (answer = settle));
    await clock.pass(hour / 8);
    keys.keys.stop();
    answer(Buffer.from(Array.from({ length: 48 }, (_, index) => index)));
    await settled();
    expect(keys.applied).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });
});

it('neither an event nor a line of the log has a key in it', async () => {
  const { clock, store, keys } = await startShared();
  await clock.pass(2 * hour);
  store.failure = new Error('down');
  await clock.pass(4 * hour);
  const told = JSON.stringify([keys.events, keys.said]);
  expect(keys.applied.length).toBeGreaterThan(3);
  for (const key of keys.applied)
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(told).not.toContain(key.toString(form).slice(0, 20));
});
