import { createHash, randomBytes } from 'node:crypto';
import type { Sealer } from '../../tickets/sealing.ts';
import { type Denial, type DeniedCertificate, readEntry } from '../../trust/deny-list/entry.ts';
import { orderLength } from './scripts.ts';

/** The last word on one entry: that it is denied, or that it no longer is. */
export interface DenialRecord {
  readonly id: string;
  /** Of two records of one entry the greater one counts, wherever and in whatever turn they are read. */
  readonly order: string;
  readonly key: string;
  /** Undefined: the entry was removed. */
  readonly denial: Denial | undefined;
}

const orderForm = /^\d{16}[01][0-9a-f]{8}$/;

/**
 * 16 digits of the revision, 1 for a denial (at the same moment it outweighs a removal), and what tells two apart.
 */
function newOrder(revision: number, isDenied: boolean): string {
  return `${String(revision).padStart(16, '0')}${isDenied ? 1 : 0}${randomBytes(4).toString('hex')}`;
}

/** The time of an order, by the clock of whoever wrote it (ms), or more, where somebody else's was ahead. */
export const revisionOf = (order: string): number => Number(order.slice(0, 16));

export const newRecord = (key: string, denial: Denial | undefined, revision: number): DenialRecord => ({
  id: idOf(key),
  order: newOrder(revision, denial !== undefined),
  key,
  denial,
});

const idOf = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 22);

/** What is stored of a record; sealed for its place in the list where there is a secret. */
export class RecordCodec {
  readonly #prefix: string;
  readonly #sealer: Sealer | undefined;

  constructor(prefix: string, sealer: Sealer | undefined) {
    this.#prefix = prefix;
    this.#sealer = sealer;
  }

  encode({ id, order, key, denial }: DenialRecord): string {
    const text = JSON.stringify({ order, key, denied: denial?.denied });
    return this.#sealer === undefined ? text : this.#sealer.seal(Buffer.from(text), this.#context(id));
  }

  /** Undefined for what nobody of this fleet has written, or what was changed since. */
  decode(id: string, stored: string): DenialRecord | undefined {
    const body = stored.slice(orderLength + 1);
    const text = this.#sealer === undefined ? body : this.#sealer.open(body, this.#context(id))?.toString();
    try {
      return text === undefined ? undefined : readRecord(id, JSON.parse(text) as never);
    } catch {
      return undefined;
    }
  }

  #context(id: string): string {
    return JSON.stringify([this.#prefix, id]);
  }
}

/** The order before the body is for Redis to compare; the one that counts is inside, where it is sealed. */
function readRecord(
  id: string,
  { order, key, denied }: { order: unknown; key: unknown; denied?: DeniedCertificate },
): DenialRecord | undefined {
  if (typeof order !== 'string' || !orderForm.test(order) || !Number.isSafeInteger(revisionOf(order)))
    return undefined;
  if (typeof key !== 'string' || idOf(key) !== id || (order[16] === '1') !== (denied !== undefined))
    return undefined;
  const denial = denied && readEntry(denied, 'redis');
  return denial === undefined || denial.key === key ? { id, order, key, denial } : undefined;
}
