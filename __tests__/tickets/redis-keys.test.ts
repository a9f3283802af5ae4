import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConfigError } from 'portcullis';
import { redisTicketKeys, type RedisClient } from 'portcullis/redis';
import { commandsOf } from '../../lib/tickets/redis-client.ts';
import { createRedisStore } from '../../lib/tickets/redis.ts';
import { createSealer } from '../../lib/tickets/sealing.ts';
import { TestClock } from './support.ts';

const hour = 3_600_000;
const period = { id: '3600:0', expiresAt: hour };
const secret = randomBytes(32).toString('base64');

/** What both libraries do with the two commands, on a Map. */
class FakeRedis {
  readonly values: Map<string, string> = new Map();
  readonly lives: number[] = [];
  readonly #set = (key: string, value: string, life: number): Promise<string | null> => {
    if (this.values.has(key)) return Promise.resolve(null);
    this.values.set(key, value);
    this.lives.push(life);
    return Promise.resolve('OK');
  };

  readonly nodeRedis: RedisClient & { sendCommand: () => void; isOpen: boolean } = {
    isOpen: true,
    sendCommand: () => undefined,
    set: (key, value, { NX, PX }) => (NX ? this.#set(key, value, PX) : Promise.reject(new Error('not NX'))),
    get: (key) => Promise.resolve(this.values.get(key) ?? null),
  };
  readonly ioRedis: RedisClient & { status: string } = {
    status: 'ready',
    call: (command, ...args) => {
      const [key = '', value = '', ...options] = args;
      if (command === 'GET') return Promise.resolve(Buffer.from(this.values.get(key)!));
      if (`${command} ${options[0]} ${options[2]}` !== 'SET PX NX') throw new Error('not SET PX NX');
      return this.#set(key, value, Number(options[1]));
    },
  };
}

function refusal(client: unknown, options: unknown): ConfigError {
  try {
    redisTicketKeys(client as RedisClient, options as { secret: string });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

const opened = { id: '3600:0', expiresAt: Date.now() + hour };

describe('redisTicketKeys', () => {
  it('gives the key of the first to all, whichever library they use', async () => {
    const redis = new FakeRedis();
    const one = redisTicketKeys(redis.nodeRedis, { secret });
    const two = redisTicketKeys(redis.ioRedis, { secret });
    const first = randomBytes(48);
    expect((await one.keyFor(opened, first)).equals(first)).toBe(true);
    expect((await two.keyFor(opened, randomBytes(48))).equals(first)).toBe(true);
    expect((await one.keyFor(opened, randomBytes(48))).equals(first)).toBe(true);
    expect([...redis.values.keys()]).toEqual(['portcullis:tickets:3600:0']);
  });

  it('lets Redis see no octet of the key, and keep it a minute longer than its period at most', async () => {
    const redis = new FakeRedis();
    const clock = new TestClock(hour / 2);
    const key = randomBytes(48);
    await createRedisStore(commandsOf(redis.ioRedis), createSealer(secret), 'p', clock).keyFor(period, key);
    const [value] = redis.values.values();
    const sealed = Buffer.from(value!.slice(3), 'base64url');
    expect(sealed).toHaveLength(12 + 48 + 16);
    for (let at = 0; at < key.length; at += 8) expect(sealed.includes(key.subarray(at, at + 8))).toBe(false);
    expect(redis.lives).toEqual([hour / 2 + 60_000]);
  });

  it('seals with the first secret and opens with all, so that a fleet can change it', async () => {
    const redis = new FakeRedis();
    const [old, young] = [randomBytes(32), randomBytes(32)];
    const key = randomBytes(48);
    await redisTicketKeys(redis.nodeRedis, { secret: old }).keyFor(opened, key);
    const changing = redisTicketKeys(redis.nodeRedis, { secret: [young, old] });
    expect((await changing.keyFor(opened, randomBytes(48))).equals(key)).toBe(true);
    const next = { ...opened, id: '3600:1' };
    await changing.keyFor(next, key);
    await redisTicketKeys(redis.nodeRedis, { secret: young }).keyFor(next, randomBytes(48));
    await expect(
      redisTicketKeys(redis.nodeRedis, { secret: old }).keyFor(next, randomBytes(48)),
    ).rejects.toThrow('sealed with another secret');
  });

  it.each([
    ['another secret', (value: string) => value, randomBytes(32)],
    [
      'a changed octet',
      (value: string) => value.slice(0, 40) + (value[40] === 'A' ? 'B' : 'A') + value.slice(41),
      secret,
    ],
    ['a cut value', (value: string) => value.slice(0, 20), secret],
    ['a value of somebody else', () => 'hello', secret],
    ['an empty value', () => '', secret],
  ])('says so, and overwrites nothing, where it meets %s', async (_what, change, other) => {
    const redis = new FakeRedis();
    await redisTicketKeys(redis.nodeRedis, { secret }).keyFor(opened, randomBytes(48));
    const [[name, value]] = [...redis.values] as [[string, string]];
    redis.values.set(name, change(value));
    const store = redisTicketKeys(redis.ioRedis, { secret: other });
    await expect(store.keyFor(opened, randomBytes(48))).rejects.toThrow(
      `what Redis has as ${name} was sealed with another secret, or has been changed`,
    );
    expect(redis.values.get(name)).toBe(change(value));
  });

  it('takes no key that was sealed for another period or prefix', async () => {
    const redis = new FakeRedis();
    await redisTicketKeys(redis.nodeRedis, { secret }).keyFor(opened, randomBytes(48));
    const [value] = redis.values.values();
    redis.values.set('portcullis:tickets:3600:1', value!);
    redis.values.set('other:3600:0', value!);
    for (const [prefix, id] of [
      ['portcullis:tickets', '3600:1'],
      ['other', '3600:0'],
    ] as const)
      await expect(
        redisTicketKeys(redis.nodeRedis, { secret, prefix }).keyFor({ ...opened, id }, randomBytes(48)),
      ).rejects.toThrow('sealed with another secret');
  });

  it('does not wait for a Redis that hangs, nor ask a client that is closed', async () => {
    const clock = new TestClock(0);
    const hanging = {
      setIfAbsent: () => new Promise<boolean>(() => {}),
      get: () => Promise.resolve(undefined),
    };
    const asked = createRedisStore(hanging, createSealer(secret), 'p', clock).keyFor(period, randomBytes(48));
    await Promise.all([expect(asked).rejects.toThrow('has not answered within 2000 ms'), clock.pass(2_000)]);
    const { nodeRedis, ioRedis } = new FakeRedis();
    nodeRedis.isOpen = false;
    ioRedis.status = 'end';
    for (const client of [nodeRedis, ioRedis])
      await expect(redisTicketKeys(client, { secret }).keyFor(opened, randomBytes(48))).rejects.toThrow(
        'is closed',
      );
  });

  it('rejects where Redis neither takes nor gives', async () => {
    const neither = { setIfAbsent: () => Promise.resolve(false), get: () => Promise.resolve(undefined) };
    const store = createRedisStore(neither, createSealer(secret), 'p');
    await expect(store.keyFor(opened, randomBytes(48))).rejects.toThrow('gives nothing');
  });

  it.each([
    ['no client', undefined, { secret }, 'OPTION_INVALID client'],
    ['a client of another kind', { get: () => undefined }, { secret }, 'OPTION_INVALID client'],
    ['no options', {}, undefined, 'OPTION_INVALID options'],
    ['an unknown option', {}, { secret, ttl: 1 }, 'OPTION_UNKNOWN ttl'],
    ['no secret', new FakeRedis().ioRedis, {}, 'OPTION_INVALID secret'],
    ['a list of no secret', new FakeRedis().ioRedis, { secret: [] }, 'OPTION_INVALID secret'],
    ['a short secret', new FakeRedis().ioRedis, { secret: secret.slice(0, 31) }, 'OPTION_INVALID secret'],
    [
      'a short one among others',
      new FakeRedis().ioRedis,
      { secret: [secret, 'x'] },
      'OPTION_INVALID secret[1]',
    ],
    ['a secret of one letter', new FakeRedis().ioRedis, { secret: 'a'.repeat(64) }, 'OPTION_INVALID secret'],
    ['a secret that is a number', new FakeRedis().ioRedis, { secret: 1 }, 'OPTION_INVALID secret'],
    ['an empty prefix', new FakeRedis().ioRedis, { secret, prefix: '' }, 'OPTION_INVALID prefix'],
  ])('refuses %s', (_what, client, options, expected) => {
    const { code, path } = refusal(client, options);
    expect(`${code} ${path}`).toBe(expected);
  });

  it('never shows a secret that it refuses', () => {
    const short = randomBytes(12).toString('hex');
    const { message } = refusal(new FakeRedis().ioRedis, { secret: short });
    expect(message).toContain('24 octets');
    expect(message).not.toContain(short);
  });
});
