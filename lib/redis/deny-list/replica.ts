import { messageOf } from '../../errors.ts';
import { type Denials, maxDenials } from '../../trust/deny-list/denials.ts';
import type { Denial } from '../../trust/deny-list/entry.ts';
import { type DenialRecord, newRecord, type RecordCodec, revisionOf } from './records.ts';
import type { Page, RedisLog } from './redis-log.ts';

export interface ReplicaOptions {
  readonly log: RedisLog;
  readonly codec: RecordCodec;
  /** Milliseconds. */
  readonly pollEvery: number;
}

/** While Redis fails it is asked this often (ms). */
const retryEvery = 1_000;
/** So often the whole is compared, and what is over is forgotten (ms). */
const compareEvery = 10_000;
/** A removal is remembered so long (ms): whoever has not heard of it by then would bring the entry back. */
const removalsLast = 30 * 86_400_000;
/** Clocks differ (ms). */
const tolerance = 60_000;

/**
 * One process's copy of a list in Redis. Records are merged by their order, so that neither the turn nor the number of
 * times in which they are read matters; what Redis has lost, and what was changed while it was away, is written to it
 * again. An entry goes by a record of its removal only, never because Redis has it no more.
 */
export class Replica {
  readonly #denials: Denials;
  readonly #options: ReplicaOptions;
  readonly #records = new Map<string, DenialRecord>();
  readonly #unsent = new Map<string, DenialRecord>();
  readonly #unreadable = new Set<string>();
  readonly #onReady: () => void;
  #generation: string | undefined;
  #after = 0;
  #state: string | undefined;
  #comparedAt = -Infinity;
  #isRead = false;
  #revision = 0;
  /** What talks to Redis does so one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** Another object for each start. */
  #run: object | undefined;
  #cancel: (() => void) | undefined;

  constructor(denials: Denials, options: ReplicaOptions, onReady: () => void) {
    this.#denials = denials;
    this.#options = options;
    this.#onReady = onReady;
  }

  start(): void {
    if (this.#run !== undefined) return;
    const run = (this.#run = {});
    void this.#cycle(run);
  }

  stop(): void {
    this.#run = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Counts here at once; rejects where Redis could not be told, which is done as soon as it can be. */
  async put(denials: readonly Denial[], removed: readonly string[]): Promise<void> {
    const revision = Math.max(this.#revision + 1, this.#now());
    const records = [
      ...denials.map((denial) => newRecord(denial.key, denial, revision)),
      ...removed.map((key) => newRecord(key, undefined, revision)),
    ];
    for (const record of records) this.#unsent.set(record.id, record);
    this.#merge(records);
    await this.#inTurn(() => this.#send());
  }

  /** Settles once the list has been read for the first time, and rejects where it cannot be now; undefined: it has. */
  firstRead(): Promise<void> | undefined {
    if (this.#isRead) return undefined;
    return this.#inTurn(() => (this.#isRead ? Promise.resolve() : this.#sync()));
  }

  async #cycle(run: object): Promise<void> {
    const isWell = await this.#inTurn(() => (this.#run === run ? this.#sync() : Promise.resolve())).then(
      () => true,
      () => false,
    );
    if (this.#run !== run) return;
    const wait = isWell ? this.#options.pollEvery : retryEvery;
    this.#cancel = this.#denials.clock.after(wait, () => void this.#cycle(run));
  }

  /** A failure is told, and rejects. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#last.then(task).catch((error: unknown) => {
      this.#denials.setTrouble(messageOf(error));
      this.#denials.settle();
      throw error;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #sync(): Promise<void> {
    await this.#send();
    const state = await this.#options.log.state();
    const isDue = Math.abs(this.#now() - this.#comparedAt) >= compareEvery;
    if (state !== this.#state || isDue) await this.#read();
    if (isDue) {
      this.#comparedAt = this.#now();
      await this.#forget();
    }
    this.#arrived();
  }

  #arrived(): void {
    this.#isRead = true;
    const { size } = this.#unreadable;
    if (size > 0) {
      this.#denials.setTrouble(
        `${size} of its records in Redis were sealed with another secret, or have been changed`,
      );
    } else {
      this.#denials.setTrouble(undefined);
      this.#denials.setUnavailable(undefined);
      this.#onReady();
    }
    this.#denials.settle();
  }

  /** What has changed; where anything was lost, all of it, and then what is lacking is written. */
  async #read(): Promise<void> {
    const known = this.#generation;
    const seen = new Set<string>();
    let page: Page;
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before it ends
      page = await this.#options.log.read(this.#generation, this.#after);
      if (page.generation !== this.#generation) {
        // It has given its first ones, whatever was asked for.
        this.#generation = page.generation;
        this.#after = 0;
        this.#unreadable.clear();
        seen.clear();
      }
      this.#take(page, seen);
      this.#after = page.rows.at(-1)?.number ?? this.#after;
    } while (page.more);
    this.#state = page.state;
    if (page.generation === known) {
      if (page.total >= this.#records.size + this.#unreadable.size) return;
      this.#generation = undefined;
      return this.#read();
    }
    for (const record of this.#records.values())
      if (!seen.has(record.id)) this.#unsent.set(record.id, record);
    await this.#send();
  }

  /** `seen`: those of which Redis has what counts here. */
  #take({ rows }: Page, seen: Set<string>): void {
    const records: DenialRecord[] = [];
    for (const { id, value } of rows) {
      const record = this.#options.codec.decode(id, value);
      if (record === undefined) {
        this.#unreadable.add(id);
        continue;
      }
      this.#unreadable.delete(id);
      const mine = this.#records.get(id);
      if (mine === undefined || mine.order <= record.order) seen.add(id);
      // Somebody has put an older one back.
      else this.#unsent.set(id, mine);
      records.push(record);
    }
    if (this.#records.size + records.length > 3 * maxDenials)
      throw new Error(`Redis has more than ${3 * maxDenials} records of it`);
    this.#merge(records);
  }

  #merge(records: readonly DenialRecord[]): void {
    const put = new Map<string, Denial>();
    const removed = new Set<string>();
    for (const record of records) {
      const { id, order, key, denial } = record;
      this.#revision = Math.max(this.#revision, revisionOf(order));
      const before = this.#records.get(id);
      if (before !== undefined && before.order >= order) continue;
      this.#records.set(id, record);
      if (this.#unsent.get(id) === before) this.#unsent.delete(id);
      put.delete(key);
      removed.delete(key);
      if (denial === undefined) removed.add(key);
      else put.set(key, denial);
    }
    if (put.size + removed.size > 0) this.#denials.change([...put.values()], [...removed]);
  }

  async #send(): Promise<void> {
    const records = [...this.#unsent.values()];
    if (records.length === 0) return;
    const { codec, log } = this.#options;
    await log.write(records, (record) => codec.encode(record));
    for (const record of records) if (this.#unsent.get(record.id) === record) this.#unsent.delete(record.id);
  }

  async #forget(): Promise<void> {
    const now = this.#now();
    const over = [...this.#records.values()].filter(({ order, denial }) =>
      denial === undefined
        ? now - revisionOf(order) > removalsLast
        : (denial.denied.until ?? Infinity) + tolerance < now,
    );
    if (over.length === 0) return;
    await this.#options.log.forget(over);
    for (const record of over) if (this.#records.get(record.id) === record) this.#records.delete(record.id);
  }

  #now(): number {
    return this.#denials.clock.now();
  }
}
