import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TicketKeyRing } from '../../lib/tickets/key-ring.ts';

const hour = 3_600_000;
const ring = (): TicketKeyRing => new TicketKeyRing(3_600);
const zero = Buffer.alloc(48);

describe('without a store the ring', () => {
  it('gives 48 random octets, the same throughout a period and others in the next', () => {
    const keys = ring();
    const first = Buffer.from(keys.at(0).key);
    expect(first).toHaveLength(48);
    expect(keys.at(hour - 1).key.equals(first)).toBe(true);
    const second = keys.at(hour);
    expect(second.key.equals(first)).toBe(false);
    expect(second).toMatchObject({ origin: 'own', period: { id: '3600:1', expiresAt: 2 * hour } });
    expect(ring().at(0).key.equals(ring().at(0).key)).toBe(false);
  });

  it('zero-fills a key when its period is over', () => {
    const keys = ring();
    const { key } = keys.at(0);
    expect(key.equals(zero)).toBe(false);
    keys.at(hour);
    expect(key.equals(zero)).toBe(true);
  });

  it.each([
    ['far ahead', 1_000 * hour],
    ['back', -3 * hour],
    ['before 1970', -1_000 * hour],
  ])('gives a new key where the clock jumps %s, and destroys the old one', (_where, now) => {
    const keys = ring();
    const { key } = keys.at(0);
    const before = Buffer.from(key);
    expect(keys.at(now)).toMatchObject({ origin: 'own', period: { expiresAt: now + hour } });
    expect(keys.at(now).key.equals(before)).toBe(false);
    expect(key.equals(zero)).toBe(true);
  });

  it('destroys every key when it is told to', () => {
    const keys = ring();
    const { key } = keys.at(0);
    keys.destroy();
    expect(key.equals(zero)).toBe(true);
    expect(keys.at(0).key.equals(zero)).toBe(false);
  });
});

describe('with shared keys the ring', () => {
  it('takes the one for the period in the place of its own, and the next one when its time comes', () => {
    const keys = ring();
    const [now, next] = [randomBytes(48), randomBytes(48)];
    const own = keys.at(0);
    keys.put(own.period, now, 0);
    keys.put(keys.next(own.period), next, 0);
    expect(own.key.equals(zero)).toBe(true);
    expect(keys.at(1)).toMatchObject({ origin: 'shared', key: now });
    expect(keys.at(hour)).toMatchObject({ origin: 'shared', key: next });
  });

  it('keeps the last for one further period, and no longer', () => {
    const keys = ring();
    const shared = randomBytes(48);
    keys.put(keys.at(0).period, shared, 0);
    expect(keys.at(2 * hour - 1)).toMatchObject({ origin: 'kept', key: shared });
    const { key } = keys.at(hour);
    expect(keys.at(2 * hour).origin).toBe('own');
    expect(key.equals(zero)).toBe(true);
  });

  it('keeps none where a whole period was slept through', () => {
    const keys = ring();
    keys.put(keys.at(0).period, randomBytes(48), 0);
    expect(keys.at(2 * hour).origin).toBe('own');
  });

  it('never keeps a key of its own beyond its period', () => {
    const keys = ring();
    const own = Buffer.from(keys.at(0).key);
    expect(keys.at(hour)).toMatchObject({ origin: 'own' });
    expect(keys.at(hour).key.equals(own)).toBe(false);
  });

  it('takes none that comes when its period is over, or two periods too early', () => {
    const keys = ring();
    const { period } = keys.at(0);
    keys.put(period, randomBytes(48), hour);
    expect(keys.at(hour).origin).toBe('own');
    keys.put(keys.next(keys.next(period)), randomBytes(48), 0);
    expect(keys.at(2 * hour).origin).toBe('own');
  });

  it('offers the key that serves as the candidate, and a random one for a period without', () => {
    const keys = ring();
    const { key, period } = keys.at(0);
    expect(keys.candidate(period).equals(key)).toBe(true);
    expect(keys.candidate(period)).not.toBe(key);
    expect(keys.candidate(keys.next(period)).equals(key)).toBe(false);
  });

  it('copies what it is given, so that a store may keep its buffer', () => {
    const keys = ring();
    const stored = randomBytes(48);
    const before = Buffer.from(stored);
    keys.put(keys.at(0).period, stored, 0);
    keys.destroy();
    expect(stored.equals(before)).toBe(true);
  });
});
