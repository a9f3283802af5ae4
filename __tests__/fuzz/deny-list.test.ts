import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ConfigError } from 'portcullis';
import type { RedisDenyList } from 'portcullis/redis';
import { createRedisDenyList } from '../../lib/redis/deny-list/redis-deny-list.ts';
import { newRecord, RecordCodec } from '../../lib/redis/deny-list/records.ts';
import { createSealer } from '../../lib/tickets/sealing.ts';
import { type Denial, readEntry } from '../../lib/trust/deny-list/entry.ts';
import { FakeRedis } from '../listener/fake-redis.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { times } from '../support/fuzz-runs.ts';

const hex = fc.string({
  unit: fc.constantFrom(...'0123456789abcdef'.split('')),
  minLength: 64,
  maxLength: 64,
});

describe('entries of any kind', () => {
  it('are read, or are a ConfigError with a place and a remedy', () => {
    const text = fc.oneof(
      fc.string(),
      hex,
      fc.string().map((tail) => `sha256/${tail}`),
      fc.constant('[["x"]]'),
    );
    const entry = fc.oneof(
      fc.anything(),
      text,
      fc.record(
        {
          fingerprint256: fc.oneof(text, fc.anything()),
          pin: fc.oneof(text, fc.anything()),
          certificate: fc.oneof(text, fc.uint8Array()),
          issuer: fc.oneof(
            text,
            fc.dictionary(fc.constantFrom('CN', 'O', '1.2.3', 'x', '__proto__'), fc.anything()),
          ),
          serialNumber: fc.oneof(
            text,
            fc.bigInt().map((n) => n.toString(16)),
          ),
          caName: text,
          reason: fc.anything(),
          until: fc.oneof(fc.date(), fc.integer(), fc.string()),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(entry, (given) => {
        expect(isSound(attempt(() => readEntry(given, 'list')))).toBe(true);
      }),
      times(3_000),
    );
  });

  it('are the same however a fingerprint is spelt', () => {
    fc.assert(
      fc.property(hex, fc.boolean(), fc.constantFrom('', ':', ' ', '-'), (digits, upper, between) => {
        const spelt = digits.match(/../g)!.join(between);
        expect(readEntry(upper ? spelt.toUpperCase() : spelt, 'x').key).toBe(`certificate:${digits}`);
      }),
    );
  });
});

describe('records in Redis', () => {
  it('that were changed in any way say nothing', () => {
    for (const sealer of [undefined, createSealer('0123456789abcdefghijklmnopqrstuvwxyz')]) {
      const codec = new RecordCodec('p', sealer);
      const denial = readEntry('ab'.repeat(32), 'x');
      const record = newRecord(denial.key, denial, 1_800_000_000_000);
      const stored = `${record.order} ${codec.encode(record)}`;
      expect(codec.decode(record.id, stored)).toEqual(record);
      fc.assert(
        fc.property(fc.nat(stored.length - 1), fc.string({ maxLength: 3 }), (place, instead) => {
          const changed = stored.slice(0, place) + instead + stored.slice(place + 1);
          const read = codec.decode(record.id, changed);
          // Without a secret anybody can write: that it is whole, and of this entry, is all that is known.
          const isWhole =
            read === undefined ||
            (sealer === undefined ? read.key === record.key : isDeepStrictEqual(read, record));
          expect(isWhole).toBe(true);
          expect(codec.decode('another', changed)).toBeUndefined();
        }),
        times(500),
      );
    }
  });

  it('come to the same in all processes, whatever was made where, while Redis came and went', async () => {
    const action = fc.record({
      who: fc.nat(2),
      what: fc.constantFrom('add', 'remove', 'add', 'clear', 'flush', 'fails', 'answers', 'wait', 'lose'),
      entry: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), fc.boolean(), async (actions, areReady) => {
        const [redis, clock] = [new FakeRedis(), new FakeTimers(Date.parse('2030-01-01'))];
        const fleet = [1, 2, 3].map(() => createRedisDenyList(redis.commands, {}, clock));
        if (areReady) await Promise.all(fleet.map(({ ready }) => ready));
        const last = new Map<number, boolean>();
        for (const { who, what, entry } of actions) {
          if (what === 'wait') await pass(clock, 1_000);
          else run(redis, fleet[who]!, what, entry, last);
          clock.pass(1);
        }
        redis.fate = 'answers';
        for (let poll = 0; poll < 6; poll++) await pass(clock, 10_000);
        const [first, ...others] = fleet.map(
          (list) => new Set(list.entries().map(({ fingerprint256 }) => fingerprint256)),
        );
        for (const other of others) expect(other).toEqual(first);
        // Before they have been read, removals wait for that, and so come after what others add meanwhile.
        for (const [entry, isDenied] of areReady ? last : [])
          expect(fleet[0]!.has(name(entry))).toBe(isDenied);
        for (const list of fleet) list.close();
      }),
      times(150),
    );
  });
});

/** It is refused with a place and a remedy, or what a list tells of it another list takes. */
function isSound(read: Denial | ConfigError): boolean {
  if (read instanceof ConfigError) return read.path.startsWith('list') && read.remedy !== '';
  const again = readEntry(JSON.parse(JSON.stringify(read.denied)), 'list');
  return again.key === read.key && JSON.stringify(again) === JSON.stringify(read);
}

function attempt<T>(read: () => T): T | ConfigError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const name = (entry: number): string => String(entry).repeat(64);

function run(
  redis: FakeRedis,
  list: RedisDenyList,
  what: string,
  entry: number,
  last: Map<number, boolean>,
): void {
  if (what === 'add' || what === 'remove') {
    last.set(entry, what === 'add');
    list[what](name(entry)).catch(() => undefined);
  } else if (what === 'clear') {
    // It clears what it knows, which is not all that there is.
    for (const known of [0, 1, 2, 3]) if (list.has(name(known))) last.set(known, false);
    list.clear().catch(() => undefined);
  } else if (what === 'flush') redis.flush();
  else if (what === 'lose') redis.records.delete([...redis.records.keys()][entry] ?? '');
  else redis.fate = what as 'fails' | 'answers';
}

async function pass(clock: FakeTimers, ms: number): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((settle) => setImmediate(settle));
  clock.pass(ms);
  for (let turn = 0; turn < 3; turn++) await new Promise((settle) => setImmediate(settle));
}
