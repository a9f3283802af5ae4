/* oxlint-disable no-await-in-loop -- Redis serves others between two commands, and keeps their turn */
import { randomBytes } from 'node:crypto';
import { type Clock, within } from '../../clock.ts';
import { type RedisCommands, textOf } from '../../tickets/redis-client.ts';
import { forgetScript, readScript, writeScript } from './scripts.ts';

/** A command may take so long (ms). */
const patience = 2_000;
/** Records in one command: Redis serves nobody else meanwhile. */
const batch = 200;

export interface Row {
  readonly id: string;
  readonly number: number;
  readonly value: string;
}

export interface Page {
  /** What `state` gives as long as nothing changes. */
  readonly state: string;
  /** Another one than was asked for: the rows are those from the beginning. */
  readonly generation: string;
  /** Of all records. */
  readonly total: number;
  readonly rows: readonly Row[];
  /** Whether there is more behind the last row. */
  readonly more: boolean;
}

/** The records of one list in Redis. Each command rejects where Redis does not answer in time. */
export class RedisLog {
  readonly #commands: RedisCommands;
  readonly #clock: Clock;
  readonly #keys: readonly string[];

  constructor(commands: RedisCommands, prefix: string, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
    // In a cluster all three lie in one slot, as what is in braces decides about it.
    const tagged = prefix.includes('{') ? prefix : `{${prefix}}`;
    this.#keys = ['state', 'records', 'log'].map((name) => `${tagged}:${name}`);
  }

  /** Another text after each change; empty where there is nothing yet, or nothing any more. */
  async state(): Promise<string> {
    return (await this.#timely(this.#commands.get(this.#keys[0]!))) ?? '';
  }

  /** What has changed behind the number `after` of a generation. */
  async read(generation: string | undefined, after: number): Promise<Page> {
    const values = [generation ?? '-', String(after), String(batch), newGeneration()];
    return readPage(await this.#evaluate(readScript, values));
  }

  /** `encode` is asked little by little. */
  async write<T extends { id: string; order: string }>(
    records: readonly T[],
    encode: (record: T) => string,
  ): Promise<void> {
    for (let start = 0; start < records.length; start += batch) {
      const some = records.slice(start, start + batch);
      const values = some.flatMap((record) => [record.id, record.order, encode(record)]);
      await this.#evaluate(writeScript, [newGeneration(), ...values]);
    }
  }

  async forget(records: ReadonlyArray<{ id: string; order: string }>): Promise<void> {
    for (let start = 0; start < records.length; start += batch) {
      const some = records.slice(start, start + batch);
      await this.#evaluate(
        forgetScript,
        some.flatMap(({ id, order }) => [id, order]),
      );
    }
  }

  #evaluate(script: string, values: readonly string[]): Promise<unknown> {
    return this.#timely(this.#commands.evaluate(script, this.#keys, values));
  }

  #timely<T>(reply: Promise<T>): Promise<T> {
    return within(this.#clock, patience, `Redis has not answered within ${patience} ms`, reply);
  }
}

const newGeneration = (): string => randomBytes(9).toString('base64url');

function readPage(reply: unknown): Page {
  const parts = Array.isArray(reply) ? reply.map(textOf) : [];
  const texts = parts.filter((part) => part !== undefined);
  if (texts.length !== parts.length || texts.length < 3 || texts.length % 3 !== 0)
    throw new Error('Redis has given something else than the list');
  const [state = '', generation = '', total = '', ...rest] = texts;
  const rows: Row[] = [];
  for (let place = 0; place < rest.length; place += 3)
    rows.push({ id: rest[place]!, number: Number(rest[place + 1]), value: rest[place + 2]! });
  return { state, generation, total: Number(total), rows, more: rows.length === batch };
}
