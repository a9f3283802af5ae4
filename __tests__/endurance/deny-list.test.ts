import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeEverything, open, type Wire } from '../support/attacks.ts';
import { Child, compile, endChildren, type News } from '../tickets/children.ts';
import { RedisServer } from './redis-server.ts';

let app: string;
let redis: RedisServer;
let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
  app = compile('endurance/deny-list-app.ts')[0]!;
});
beforeEach(async () => {
  redis = new RedisServer();
  await redis.start();
});
afterEach(async () => {
  await closeEverything();
  await redis.remove();
});
afterAll(endChildren);

type Library = 'ioredis' | '@redis/client';
type Told = News & {
  readonly size?: number;
  readonly count?: number;
  readonly done?: true;
  readonly failed?: string;
};

class Member {
  readonly child: Child;
  port = 0;

  constructor(library: Library, secret: string) {
    this.child = new Child(app, {
      TEST_KEY: pki.server.key,
      TEST_CERT: pki.server.cert,
      TEST_CA: pki.ca,
      TEST_LIBRARY: library,
      TEST_SOCKET: redis.socket,
      TEST_SECRET: secret,
    });
  }

  async ready(): Promise<this> {
    this.port = (await this.child.told(({ port }) => port !== undefined))[0]!.port!;
    return this;
  }

  told(fits: (news: Told) => boolean, from = 0): Promise<Told[]> {
    return this.child.told(fits, 1, from);
  }

  /** What comes of a change. */
  async change(command: object): Promise<Told> {
    const from = this.child.news.length;
    this.child.tell(command);
    return (await this.told(({ done, failed }) => done === true || failed !== undefined, from))[0]!;
  }

  connect(): Promise<Wire> {
    const { key, chain } = pki.clients.good;
    return open(this.port, { ca: pki.ca, key, cert: chain });
  }

  /** How the client is seen on a new connection. */
  async seen(): Promise<string> {
    return (await (await this.connect()).ask('/')).body;
  }

  count(fits: (news: Told) => boolean): number {
    return this.child.news.filter(fits).length;
  }
}

const join = (library: Library, secret: string): Promise<Member> => new Member(library, secret).ready();
const newSecret = (): string => randomBytes(32).toString('base64');
const client = (): { certificate: string } => ({ certificate: pki.clients.good.certificate });
const isDenied = 'CLIENT_CERTIFICATE_DENIED';

test.each([
  ['@redis/client', 'ioredis', true],
  ['ioredis', '@redis/client', false],
] as const)(
  'what is denied on one process by %s is denied on another by %s (sealed: %s)',
  async (a, b, sealed) => {
    const secret = sealed ? newSecret() : '';
    const [one, two] = await Promise.all([join(a, secret), join(b, secret)]);
    const wire = await two.connect();
    expect((await wire.ask('/')).body).toBe('in');

    expect(await one.change({ add: [client()] })).toMatchObject({ done: true, size: 1 });
    await two.told(({ outcome }) => outcome === 'added');
    const { status, body } = await wire.ask('/');
    expect(status === 'closed' ? isDenied : body).toBe(isDenied);
    await wire.closed();
    expect([await one.seen(), await two.seen()]).toEqual([isDenied, isDenied]);

    const keys = (await redis.ask('KEYS', '*')).split('\n').toSorted();
    expect(keys).toEqual(
      ['log', 'records', 'state'].map((name) => `{portcullis:deny-list}:${name}`).toSorted(),
    );
    expect((await redis.ask('HVALS', '{portcullis:deny-list}:records')).includes('fingerprint256')).toBe(
      !sealed,
    );

    expect(await two.change({ remove: [client()] })).toMatchObject({ done: true, size: 0 });
    await one.told(({ outcome }) => outcome === 'removed');
    expect([await one.seen(), await two.seen()]).toEqual(['in', 'in']);

    const ended = [one, two].map(({ child }) => child.ended());
    for (const { child } of [one, two]) child.tell({ end: true });
    expect(await Promise.all(ended)).toEqual([0, 0]);
  },
);

test('Redis is killed: the last list counts, a change counts where it was made, and nothing of it is lost', async () => {
  const secret = newSecret();
  const [one, two] = await Promise.all([join('@redis/client', secret), join('ioredis', secret)]);
  const many = Array.from({ length: 10_000 }, (_, index) => index.toString(16).padStart(64, '0'));
  await one.change({ add: many });
  await two.told(({ size }) => size === 10_000);

  await redis.kill();
  await Promise.all([one, two].map((member) => member.told(({ outcome }) => outcome === 'degraded')));
  expect(await one.change({ add: [client()] })).toMatchObject({
    failed: 'DENY_LIST_NOT_SHARED',
    size: 10_001,
  });
  expect(await two.change({ remove: many.slice(0, 10) })).toMatchObject({ failed: 'DENY_LIST_NOT_SHARED' });
  expect([await one.seen(), await two.seen()]).toEqual([isDenied, 'in']);

  // In memory only: it has forgotten everything.
  await redis.start();
  await Promise.all([one, two].map((member) => member.told(({ size }) => size === 9_991)));
  await Promise.all([one, two].map((member) => member.told(({ outcome }) => outcome === 'recovered')));
  expect([await one.seen(), await two.seen()]).toEqual([isDenied, isDenied]);
  for (const member of [one, two]) {
    expect(member.count(({ outcome }) => outcome === 'degraded')).toBe(1);
    const logged = member.child.news.flatMap(({ log }) => log ?? []);
    expect(logged.filter((line) => line.includes('deny list'))).toEqual([
      expect.stringContaining('the deny list is not up to date, what it said last goes on to count'),
      'Portcullis: the deny list is up to date again.',
    ]);
  }
  // Whoever starts now lets nobody in before it has read all.
  const late = await join('ioredis', secret);
  expect(await late.seen()).toBe(isDenied);
});

test('who has another secret says so, lets nobody in, and disturbs nobody', async () => {
  const one = await join('ioredis', newSecret());
  await one.change({ add: [`ab`.repeat(32)] });
  const stranger = await join('@redis/client', newSecret());
  const [told] = await stranger.told(({ outcome }) => outcome === 'degraded');
  expect(told!.reason).toContain('sealed with another secret');
  expect([await stranger.seen(), await one.seen()]).toEqual(['REVOCATION_STATUS_UNKNOWN', 'in']);
});

test('what somebody deletes from Redis is there again, and denied all the while', async () => {
  const secret = newSecret();
  const [one, two] = await Promise.all([join('ioredis', secret), join('@redis/client', secret)]);
  await one.change({ add: [client()] });
  await two.told(({ outcome }) => outcome === 'added');
  // One of the three keys at a time, and then all: what is left says enough, or somebody else knows.
  for (const name of ['log', 'state', 'records']) {
    await redis.ask('DEL', `{portcullis:deny-list}:${name}`);
    const late = await join('ioredis', secret);
    await late.told(({ size }) => size === 1);
    expect(await late.seen()).toBe(isDenied);
  }
  await redis.ask('FLUSHALL');
  await one.change({ add: ['cd'.repeat(32)] });
  await two.told(({ size }) => size === 2);
  const late = await join('ioredis', secret);
  await late.told(({ size }) => size === 2);
  expect([await one.seen(), await two.seen(), await late.seen()]).toEqual([isDenied, isDenied, isDenied]);
});
