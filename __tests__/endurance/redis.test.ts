import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestPki } from 'portcullis/testing';
import { Child, compile, endChildren, type News } from '../tickets/children.ts';
import { sessionOf, visit } from '../tickets/sessions.ts';
import { RedisServer } from './redis-server.ts';

let app: string;
let redis: RedisServer;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  const { key, cert } = (await createTestPki()).server;
  app = compile('tickets/child-server.ts', 'endurance/redis-app.ts')[1]!;
  environment = { TEST_KEY: key, TEST_CERT: cert };
});
beforeEach(async () => {
  redis = new RedisServer();
  await redis.start();
});
afterEach(() => redis.remove());
afterAll(endChildren);

interface Member {
  readonly child: Child;
  readonly port: number;
}

async function join(library: 'ioredis' | '@redis/client', secret: string): Promise<Member> {
  const variables = { ...environment, TEST_LIBRARY: library, TEST_SOCKET: redis.socket, TEST_SECRET: secret };
  const child = new Child(app, variables);
  const [ready] = await child.told(({ port }) => port !== undefined);
  return { child, port: ready!.port! };
}

const isA =
  (story: string) =>
  ({ outcome, origin }: News): boolean =>
    `${outcome} ${origin}` === story;

async function forward(members: readonly Member[], story: string, periods = 1): Promise<void> {
  await Promise.all(
    members.map(async ({ child }) => {
      const from = child.news.length;
      child.tell({ forward: periods });
      await child.told(isA(story), 1, from);
    }),
  );
}

type Sessions = ReadonlyArray<readonly ['TLSv1.2' | 'TLSv1.3', Buffer]>;

async function take({ port }: Member): Promise<Sessions> {
  const taken = [];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (let count = 0; count < 10; count++) taken.push([version, await sessionOf(port, version)] as const);
  return taken;
}

/** How many of the sessions are resumed there. */
async function resume(sessions: Sessions, { port }: Member): Promise<number> {
  let resumed = 0;
  for (const [version, session] of sessions) if ((await visit(port, version, session)).resumed) resumed++;
  return resumed;
}

const newSecret = (): string => randomBytes(32).toString('base64');

test.each([
  ['@redis/client', 'ioredis'],
  ['ioredis', '@redis/client'],
  ['@redis/client', '@redis/client'],
  ['ioredis', 'ioredis'],
] as const)(
  'two processes by %s and %s resume the sessions of each other, before and after a rotation',
  async (a, b) => {
    const secret = newSecret();
    const fleet = [await join(a, secret), await join(b, secret)] as const;
    const [one, two] = fleet;
    await Promise.all(fleet.map(({ child }) => child.told(isA('rotated shared'))));
    const before = await take(one);
    expect([await resume(before, two), await resume(await take(two), one)]).toEqual([20, 20]);

    await forward(fleet, 'rotated shared');
    expect([await resume(before, one), await resume(before, two)]).toEqual([0, 0]);
    expect([await resume(await take(one), two), await resume(await take(two), one)]).toEqual([20, 20]);
    expect(fleet.flatMap(({ child }) => child.news.filter(({ log }) => log !== undefined))).toEqual([]);

    const keys = (await redis.ask('KEYS', '*')).split('\n');
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toMatch(/^portcullis:tickets:86400:\d+$/);
      const life = Number(await redis.ask('PTTL', key));
      expect(life).toBeGreaterThan(0);
      expect(life).toBeLessThanOrEqual(4 * 86_400_000);
    }
  },
);

test('Redis is killed: the last key serves for one further period, then each has its own; it is back: they share', async () => {
  const secret = newSecret();
  const fleet = [await join('@redis/client', secret), await join('ioredis', secret)] as const;
  const [one, two] = fleet;
  await Promise.all(fleet.map(({ child }) => child.told(isA('rotated shared'))));
  const before = await take(one);

  await redis.kill();
  await forward(fleet, 'degraded shared', 0.5);
  await forward(fleet, 'degraded kept', 0.5);
  expect([await resume(before, one), await resume(before, two)]).toEqual([20, 20]);

  await forward(fleet, 'rotated own');
  expect([await resume(before, one), await resume(before, two)]).toEqual([0, 0]);
  const own = await take(one);
  expect([await resume(own, one), await resume(own, two)]).toEqual([20, 0]);
  for (const { child } of fleet)
    expect(child.news.flatMap(({ log }) => log ?? [])).toEqual([
      expect.stringMatching(/^Portcullis: the session ticket key cannot be shared/),
      expect.stringContaining('the last key serves for one further period'),
      expect.stringContaining('keys of its own serve'),
    ]);

  await redis.start();
  await Promise.all(fleet.map(({ child }) => child.told(isA('recovered shared'))));
  expect([await resume(await take(one), two), await resume(await take(two), one)]).toEqual([20, 20]);
});

test('a process with another secret says so, keeps to itself, and disturbs nobody', async () => {
  const secret = newSecret();
  const one = await join('@redis/client', secret);
  const two = await join('ioredis', secret);
  await Promise.all([one, two].map(({ child }) => child.told(isA('rotated shared'))));
  const stranger = await join('ioredis', newSecret());
  const [failure] = await stranger.child.told(isA('degraded own'));
  expect(failure!.reason).toContain('was sealed with another secret, or has been changed');
  const sessions = await take(one);
  expect([await resume(sessions, stranger), await resume(sessions, two)]).toEqual([0, 20]);
  expect(await resume(await take(stranger), stranger)).toBe(20);
});
