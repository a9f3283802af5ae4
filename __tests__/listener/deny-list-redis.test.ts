import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError, createServer, type DenyListEntry } from 'portcullis';
import {
  DenyListNotSharedError,
  redisDenyList,
  type RedisClient,
  type RedisDenyList,
  type RedisDenyListOptions,
} from 'portcullis/redis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { createRedisDenyList } from '../../lib/redis/deny-list/redis-deny-list.ts';
import type { PortcullisServer } from '../../lib/listener/server.ts';
import { commandsOf } from '../../lib/tickets/redis-client.ts';
import { denialsOf } from '../../lib/trust/deny-list/deny-list.ts';
import { closeEverything, listen, open } from '../support/attacks.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { FakeRedis } from './fake-redis.ts';
import { Recording } from './harness.ts';
import { appOf } from './revocation-harness.ts';

const [one, two, three] = ['ab'.repeat(32), 'cd'.repeat(32), 'ef'.repeat(32)];
const secret = randomBytes(32).toString('base64');
const day = 86_400_000;
let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const lists: RedisDenyList[] = [];
afterEach(async () => {
  for (const list of lists.splice(0)) list.close();
  await closeEverything();
});

const join = (redis: FakeRedis, clock: FakeTimers, options: RedisDenyListOptions = {}): RedisDenyList => {
  const list = createRedisDenyList(redis.commands, { secret, ...options }, clock);
  lists.push(list);
  return list;
};

/** What waits for answers that are there has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((settle) => setImmediate(settle));
}

async function pass(clock: FakeTimers, ms: number): Promise<void> {
  await settled();
  clock.pass(ms);
  await settled();
}

const failure = (change: Promise<unknown>): Promise<unknown> =>
  change.then(() => 'none').catch((error: unknown) => error);

describe('a list in Redis', () => {
  it('is the same in all processes, one poll after a change', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const [a, b] = [join(redis, clock), join(redis, clock)];
    await Promise.all([a.ready, b.ready]);
    await a.add(one, {
      pin: `sha256/${randomBytes(32).toString('base64')}`,
      reason: 'x',
      until: clock.now() + day,
    });
    await pass(clock, 250);
    expect(b.entries()).toEqual(a.entries());
    expect([await b.remove(one), b.size, a.size]).toEqual([1, 1, 2]);
    await pass(clock, 250);
    expect(a.has(one)).toBe(false);
    await a.clear();
    await pass(clock, 250);
    expect([a.size, b.size]).toEqual([0, 0]);
  });

  it('is cleared, and counts what is removed, once it has been read for the first time', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const before = join(redis, clock);
    await before.add(one, two, three);
    expect(await join(redis, clock).remove(one, 'ab'.repeat(31) + 'cd')).toBe(1);
    await join(redis, clock).clear();
    await pass(clock, 250);
    expect(before.size).toBe(0);
  });

  it('keeps the order of what is asked of it before it has been read', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    const changes = [
      list.add(one),
      list.remove(one),
      list.add(one, two),
      list.remove(two),
      list.clear(),
      list.add(three),
    ];
    expect([list.has(one), list.has(three)]).toEqual([true, true]);
    expect(await Promise.all(changes)).toEqual([undefined, 1, undefined, 1, undefined, undefined]);
    expect(list.entries()).toMatchObject([{ fingerprint256: expect.stringMatching(/^EF:/) }]);
  });

  it('is not cleared where it cannot be read, which is said', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    await join(redis, clock).add(one, two);
    redis.fate = 'fails';
    const list = join(redis, clock);
    await pass(clock, 5);
    const [error, other] = await Promise.all([failure(list.clear()), failure(list.remove(one))]);
    expect(error).toBeInstanceOf(DenyListNotSharedError);
    expect(String(error)).toContain('nothing was cleared');
    expect(other).toBeInstanceOf(DenyListNotSharedError);
    redis.fate = 'answers';
    await pass(clock, 1_000);
    expect(list.entries()).toMatchObject([{ fingerprint256: expect.stringMatching(/^CD:/) }]);
  });

  it('costs one small question where nothing changes', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await list.add(one);
    await pass(clock, 250);
    await pass(clock, 250);
    redis.asked.length = 0;
    for (let poll = 0; poll < 4; poll++) await pass(clock, 250);
    expect(redis.asked).toEqual(['get', 'get', 'get', 'get']);
  });

  it('of two changes of one entry that were made apart the later counts everywhere', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const [a, b] = [join(redis, clock), join(redis, clock)];
    await a.add(one, two);
    await pass(clock, 250);
    redis.fate = 'fails';
    const changes = [failure(a.remove(one)), failure(b.remove(two))];
    await pass(clock, 5);
    changes.push(failure(b.add({ fingerprint256: one, reason: 'again' })));
    for (const error of await Promise.all(changes)) expect(error).toBeInstanceOf(DenyListNotSharedError);
    redis.fate = 'answers';
    for (let poll = 0; poll < 8; poll++) await pass(clock, 1_000);
    expect([a.has(two), b.has(two), a.entries()]).toEqual([false, false, b.entries()]);
    expect(a.entries()).toMatchObject([{ reason: 'again' }]);
  });

  it('goes on to count while Redis is away, which is told once, and that it is back', async () => {
    const told = new Recording('portcullis:deny-list');
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await list.add(one);
    for (const fate of ['fails', 'answers', 'hangs', 'answers'] as const) {
      redis.fate = fate;
      for (let poll = 0; poll < 5; poll++) await pass(clock, 2_000);
    }
    told.stop();
    expect(told.events.map(({ outcome, source, size, reason }) => [outcome, source, size, reason])).toEqual([
      ['added', 'redis', 1, undefined],
      ['degraded', 'redis', 1, 'connect ECONNREFUSED'],
      ['recovered', 'redis', 1, undefined],
      ['degraded', 'redis', 1, 'Redis has not answered within 2000 ms'],
      ['recovered', 'redis', 1, undefined],
    ]);
    expect(list.has(one)).toBe(true);
  });

  it('is written again where Redis has lost it, whole or in part', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await list.add(one, two, three);
    await pass(clock, 250);
    redis.flush();
    await pass(clock, 250);
    expect(redis.records.size).toBe(3);
    redis.records.delete([...redis.records.keys()][1]!);
    await pass(clock, 10_000);
    await pass(clock, 250);
    expect([redis.records.size, list.size]).toEqual([3, 3]);
  });

  it('takes from Redis nothing that was forged, moved or rolled back', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await list.add(one, two);
    // Redis keeps the greater order, whoever wrote it.
    const [[first, { value }], [second]] = [...redis.records].toSorted(([, a], [, b]) =>
      a.value < b.value ? -1 : 1,
    ) as [[string, { value: string }], [string, unknown]];
    const plain = { order: `${'9'.repeat(15)}010${'0'.repeat(8)}`, key: `certificate:${one}` };
    redis.tamper(second, value);
    redis.tamper('forged', `${plain.order} ${JSON.stringify(plain)}`);
    await pass(clock, 250);
    expect([list.size, denialsOf(list)!.trouble]).toEqual([2, expect.stringContaining('another secret')]);
    redis.records.delete('forged');
    await pass(clock, 10_000);
    await pass(clock, 250);
    expect([list.size, redis.records.size, denialsOf(list)!.trouble]).toEqual([2, 2, undefined]);
    await list.clear();
    redis.tamper(first, value);
    await pass(clock, 250);
    await pass(clock, 250);
    expect([list.has(one), list.has(two)]).toEqual([false, false]);
    expect(redis.records.get(first)!.value).not.toBe(value);
  });

  it('forgets what is over, in Redis too', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await list.add({ fingerprint256: one, until: clock.now() + 1_000 }, two);
    await list.remove(two);
    await pass(clock, 250);
    expect(redis.records.size).toBe(2);
    await pass(clock, 120_000);
    await pass(clock, 10_000);
    expect([list.size, redis.records.size]).toEqual([0, 1]);
    clock.jump(31 * day);
    await pass(clock, 10_000);
    expect(redis.records.size).toBe(0);
  });

  it('asks no more once it is closed, and takes no change', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await list.add(one);
    await settled();
    list.close();
    expect([clock.size, list.has(one)]).toEqual([0, true]);
    await expect(list.add(two)).rejects.toThrow('closed');
    expect(list.size).toBe(1);
  });

  it('takes nothing of a change in which one entry is bad', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    await expect(list.add(one, 'bad')).rejects.toMatchObject({ code: 'PIN_INVALID', path: 'add[1]' });
    expect([list.size, redis.records.size]).toEqual([0, 0]);
  });
});

describe('a listener with a list in Redis', () => {
  const serve = async (
    denyList: RedisDenyList,
  ): Promise<{ server: PortcullisServer; ask: () => Promise<string> }> => {
    const clientAuth = { mode: 'optional', ca: pki.ca, denyList } as const;
    const server = createServer({ ...pki.server, clientAuth, logger: false }, appOf());
    const port = await listen(server);
    const { key, chain } = pki.clients.good;
    const ask = async (): Promise<string> =>
      (await (await open(port, { ca: pki.ca, key, cert: chain })).ask('/in')).body;
    return { server, ask };
  };

  it('lets connections wait until it has been read', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const entry: DenyListEntry = { certificate: pki.clients.good.certificate };
    await join(redis, clock).add(entry);
    redis.fate = 'hangs';
    const { server, ask } = await serve(join(redis, clock));
    let shown = false;
    server.once('connection', () => (shown = true));
    const answer = ask();
    while ((await accepted(server)) === 0) await settled();
    expect(shown).toBe(false);
    redis.fate = 'answers';
    expect([await answer, shown]).toEqual(['CLIENT_CERTIFICATE_DENIED', true]);
  });

  it.each([
    ['refuse', 'REVOCATION_STATUS_UNKNOWN'],
    ['allow', 'in: good'],
  ] as const)('while it cannot be read at all: %s', async (whenUnavailable, outcome) => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    redis.fate = 'fails';
    const { ask } = await serve(join(redis, clock, { whenUnavailable }));
    expect(await ask()).toBe(outcome);
    redis.fate = 'answers';
    await pass(clock, 1_000);
    expect(await ask()).toBe('in: good');
  });

  it('asks while a server uses it, and leaves no timer when the last one has closed', async () => {
    const [redis, clock] = [new FakeRedis(), new FakeTimers()];
    const list = join(redis, clock);
    const servers = await Promise.all([serve(list), serve(list)]);
    await settled();
    expect(clock.size).toBe(1);
    await servers[0].server.shutdown();
    expect(clock.size).toBe(1);
    await servers[1].server.shutdown();
    expect(clock.size).toBe(0);
  });
});

const accepted = (server: PortcullisServer): Promise<number> =>
  new Promise((settle) => server.getConnections((_error, count) => settle(count)));

describe('redisDenyList refuses', () => {
  const client = { status: 'ready', call: () => Promise.resolve(null) } as unknown as RedisClient;
  it.each<[string, unknown, object, string, string]>([
    ['no client', {}, {}, 'OPTION_INVALID', 'client'],
    ['a weak secret', client, { secret: 'short' }, 'OPTION_INVALID', 'secret'],
    ['an empty prefix', client, { prefix: '' }, 'OPTION_INVALID', 'prefix'],
    ['an unknown option', client, { secrets: 'x' }, 'OPTION_UNKNOWN', 'secrets'],
    ['another policy', client, { whenUnavailable: 'deny' }, 'OPTION_INVALID', 'whenUnavailable'],
    ['an interval out of range', client, { pollEvery: 0 }, 'OPTION_INVALID', 'pollEvery'],
  ])('%s', (_what, given, options, code, path) => {
    expect(() => redisDenyList(given as RedisClient, options)).toThrow(ConfigError);
    expect(() => redisDenyList(given as RedisClient, options)).toThrow(
      expect.objectContaining({ code, path }),
    );
  });

  it('speaks to both libraries', async () => {
    const calls: unknown[] = [];
    const record = (...args: unknown[]): Promise<null> =>
      Promise.resolve(void calls.push(args) as unknown as null);
    const none = (): Promise<null> => Promise.resolve(null);
    const nodeRedis = { isOpen: true, set: none, get: none, eval: record, sendCommand: none };
    await commandsOf(nodeRedis).evaluate('s', ['k'], ['v']);
    await commandsOf({ status: 'ready', call: record }).evaluate('s', ['k'], ['v']);
    expect(calls).toEqual([
      ['s', { keys: ['k'], arguments: ['v'] }],
      ['EVAL', 's', '1', 'k', 'v'],
    ]);
    const without = commandsOf({ ...nodeRedis, eval: undefined });
    await expect(without.evaluate('s', [], [])).rejects.toThrow('eval');
  });
});
