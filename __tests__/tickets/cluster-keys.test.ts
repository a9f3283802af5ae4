import type { Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { anything, assert, property } from 'fast-check';
import { answer } from '../../lib/tickets/cluster-primary.ts';
import { clusterStore } from '../../lib/tickets/cluster-store.ts';
import { PrimaryKeys } from '../../lib/tickets/primary-keys.ts';
import { settled, TestClock } from './support.ts';

type Ends = Pick<Worker, 'send' | 'isConnected' | 'on' | 'off'>;

/** Both ends of a channel: what the worker sends is answered by a primary, if there is one that knows how. */
class Channel extends EventEmitter {
  connected = true;
  readonly sent: unknown[] = [];
  readonly #keys: PrimaryKeys | undefined;
  failure: Error | null = null;

  constructor(keys?: PrimaryKeys) {
    super();
    this.#keys = keys;
  }

  readonly isConnected = (): boolean => this.connected;

  send(message: unknown, callback: (error: Error | null) => void): boolean {
    this.sent.push(message);
    callback(this.failure);
    if (this.#keys === undefined) return true;
    const reply = (answered: unknown): boolean => {
      this.emit('message', { somebody: 'else' });
      return this.emit('message', answered);
    };
    answer({ isConnected: this.isConnected, send: reply }, message, this.#keys);
    return true;
  }

  get worker(): Ends {
    return this as unknown as Ends;
  }
}

const hour = 3_600_000;
const period = { id: '3600:0', expiresAt: hour };

describe('the workers of a cluster', () => {
  it('get the key that the first of them offered, until its period is over', async () => {
    const clock = new TestClock(0);
    const keys = new PrimaryKeys(clock);
    const [one, two] = [new Channel(keys), new Channel(keys)];
    const [first, second] = [randomBytes(48), randomBytes(48)];
    const ask = (channel: Channel, candidate: Buffer, scope = '::443'): Promise<Buffer> =>
      clusterStore(channel.worker, scope, clock).keyFor(period, candidate);
    expect((await ask(one, first)).equals(first)).toBe(true);
    expect((await ask(two, second)).equals(first)).toBe(true);
    expect((await ask(two, second, '::8443')).equals(second)).toBe(true);
    expect(one.listenerCount('message') + two.listenerCount('message')).toBe(0);
    await clock.pass(hour);
    expect(keys.size).toBe(0);
  });

  it('are told what to do where their primary does not answer', async () => {
    const clock = new TestClock(0);
    const channel = new Channel();
    const asked = clusterStore(channel.worker, '', clock).keyFor(period, randomBytes(48));
    await Promise.all([
      expect(asked).rejects.toThrow("import 'portcullis/cluster' there"),
      clock.pass(5_000),
    ]);
    expect(channel.listenerCount('message')).toBe(0);
  });

  it('do not wait for a primary that is gone', async () => {
    const channel = new Channel();
    const ask = (): Promise<Buffer> => clusterStore(channel.worker, '').keyFor(period, randomBytes(48));
    channel.failure = new Error('channel closed');
    await expect(ask()).rejects.toThrow('channel closed');
    channel.connected = false;
    await expect(ask()).rejects.toThrow('disconnected');
    expect(channel.sent).toHaveLength(1);
  });
});

describe('the primary', () => {
  const replies: unknown[] = [];
  const worker = {
    isConnected: () => true,
    send: ((message: unknown) => replies.push(message) > 0) as Worker['send'],
  };
  const request = {
    portcullis: 'ticket-key-request/1',
    id: 'a',
    scope: '',
    period,
    candidate: randomBytes(48).toString('base64'),
  };

  it('answers a sound request, in a form of its own', () => {
    replies.length = 0;
    answer(worker, request, new PrimaryKeys(new TestClock(0)));
    expect(replies).toEqual([{ portcullis: 'ticket-key-answer/1', id: 'a', key: request.candidate }]);
  });

  it.each([
    ['of the application', 'hello'],
    ['with another mark', { ...request, portcullis: 'ticket-key-request/2' }],
    ['without an id', { ...request, id: undefined }],
    ['with an endless scope', { ...request, scope: 'x'.repeat(301) }],
    ['with a period of nothing', { ...request, period: null }],
    ['with a period that never ends', { ...request, period: { id: 'x', expiresAt: Infinity } }],
    ['with a period of years', { ...request, period: { id: 'x', expiresAt: 10_000 * hour } }],
    ['with a period that is over', { ...request, period: { id: 'x', expiresAt: 0 } }],
    ['with a key of zeros', { ...request, candidate: Buffer.alloc(48).toString('base64') }],
    ['with half a key', { ...request, candidate: randomBytes(24).toString('base64') }],
    ['with a key in an object', { ...request, candidate: { length: 64 } }],
  ])('ignores a message %s', (_what, message) => {
    replies.length = 0;
    const keys = new PrimaryKeys(new TestClock(0));
    answer(worker, message, keys);
    expect(replies).toEqual([]);
    expect(keys.size).toBe(0);
  });

  it('throws at no message whatsoever', () => {
    replies.length = 0;
    const keys = new PrimaryKeys(new TestClock(0));
    assert(
      property(anything(), (message) => {
        answer(worker, message, keys);
        answer(worker, { ...request, period: message }, keys);
      }),
      { numRuns: 200 },
    );
    expect(replies).toEqual([]);
  });

  it('keeps no more than a thousand keys, whoever asks', () => {
    const keys = new PrimaryKeys(new TestClock(0));
    for (let index = 0; index < 1_100; index++) answer(worker, { ...request, scope: String(index) }, keys);
    expect(keys.size).toBe(1_000);
  });

  it('zero-fills a key when its period is over', async () => {
    const clock = new TestClock(0);
    const candidate = randomBytes(48);
    new PrimaryKeys(clock).keyFor('', period, candidate);
    await clock.pass(hour);
    await settled();
    expect(candidate.equals(Buffer.alloc(48))).toBe(true);
  });
});
