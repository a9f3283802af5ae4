import { randomBytes } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { publish, type TicketRotationEvent } from '../events.ts';
import { type Clock, systemClock, within } from '../clock.ts';
import { storeOfPrimary } from './cluster-store.ts';
import type { TicketConfig } from './config.ts';
import { type KeyOrigin, type RingKey, TicketKeyRing } from './key-ring.ts';
import type { Period } from './period.ts';
import { isTicketKey, ticketKeyLength, type TicketKeyStore } from './store.ts';

export interface TicketKeysHooks {
  /** Is called with each new key, to be copied during the call: the buffer is zero-filled when the key is dropped. */
  readonly apply: (key: Buffer) => void;
  readonly logger: { info(message: string): void; warn(message: string): void };
  readonly clock?: Clock | undefined;
}

/** A jump of the clock, or a sleep of the machine, is seen after so long (ms); timers alone would not notice. */
const longestWait = 60_000;
/** A store that is asked may take so long (ms). */
const patience = 10_000;
const firstRetry = 1_000;
const lastRetry = 60_000;
/** So often in a period the store is asked again for a key that it should have, and may have lost. */
const confirmations = 8;

/**
 * The ticket keys of one listener: turns a ring of keys by the clock, fetches ahead what a store shares, and hands
 * each new key to `apply`. Nothing of it is in the way of a handshake. A store that fails is asked again, after
 * 1 s to 60 s; its last key serves for one further period at most, then own random ones do. Each change is published
 * as `portcullis:ticket-rotation`, and what an operator should know is logged, without the keys.
 */
export class TicketKeys {
  readonly #config: TicketConfig;
  readonly #hooks: TicketKeysHooks;
  readonly #clock: Clock;
  readonly #ring: TicketKeyRing;
  #store: TicketKeyStore | undefined;
  /** Another object for each start: what belongs to an earlier one is dropped. */
  #run: object | undefined;
  #used: Pick<RingKey, 'key' | 'origin'> | undefined;
  #failures = 0;
  /** An answer is awaited, or the next attempt. */
  #occupied = false;
  #confirmed = false;
  readonly #timers = new Map<'turn' | 'retry' | 'confirm', () => void>();

  constructor(config: TicketConfig, hooks: TicketKeysHooks) {
    this.#config = config;
    this.#hooks = hooks;
    this.#clock = hooks.clock ?? systemClock;
    this.#ring = new TicketKeyRing(config.rotateEvery);
  }

  /** A copy of the key for this moment. It is not zero-filled with the original: rather use `reapply`. */
  get current(): Buffer {
    return Buffer.from(this.#ring.at(this.#clock.now()).key);
  }

  /** Where the key comes from, and who shares it. */
  get origin(): KeyOrigin {
    return this.#ring.at(this.#clock.now()).origin;
  }

  /**
   * Applies a key at once, and goes on from there; for 'listening', each time, since in a cluster's worker Node has
   * just set the key of the first worker. `scope` names what the workers of a cluster share, such as the address:
   * servers with different ones get different keys.
   */
  start(scope = ''): void {
    this.#end();
    this.#run = {};
    this.#store = this.#config.store ?? storeOfPrimary(scope);
    this.#turn();
  }

  /** For 'close': destroys the keys and ends the timers; a random key that nobody has is applied in their place. */
  stop(): void {
    if (this.#run === undefined) return;
    this.#end();
    this.#hooks.apply(randomBytes(ticketKeyLength));
  }

  /** Applies the key in use again; to be called right after each `setSecureContext`, which sets a random one. */
  reapply(): void {
    if (this.#run === undefined) return;
    const before = this.#used?.key;
    this.#turn();
    const { key } = this.#ring.at(this.#clock.now());
    if (key === before) this.#hooks.apply(key);
  }

  #end(): void {
    this.#run = undefined;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    [this.#used, this.#failures, this.#occupied, this.#confirmed] = [undefined, 0, false, false];
    this.#ring.destroy();
  }

  #turn(): void {
    const now = this.#clock.now();
    const place = this.#ring.at(now);
    this.#use(place);
    this.#ask(now, place.period);
    const { halfAt, expiresAt } = place.period;
    const wait = (now < halfAt ? halfAt : expiresAt) - now;
    this.#after('turn', Math.min(Math.max(wait, 1), longestWait), () => this.#turn());
  }

  #use(place: RingKey): void {
    const { key, origin } = place;
    const before = this.#used;
    if (before?.key === key && before.origin === origin) return;
    this.#used = { key, origin };
    if (before?.key !== key) this.#hooks.apply(key);
    if (before?.key !== key || origin === 'shared') this.#tell('rotated', place);
    if (this.#failures === 0 || before === undefined || before.origin === origin || origin === 'shared')
      return;
    const reason =
      origin === 'kept'
        ? 'the last key serves for one further period'
        : 'keys of its own serve: other processes do not resume its sessions';
    this.#tell('degraded', place, reason);
    this.#hooks.logger.warn(`Portcullis: no ticket key is shared for this period: ${reason}.`);
  }

  #ask(now: number, period: Period): void {
    if (this.#store === undefined || this.#occupied) return;
    const wanted = this.#wanted(now, period);
    if (wanted === undefined) return;
    this.#occupied = true;
    void this.#fetch(this.#store, wanted, this.#run);
  }

  #wanted(now: number, period: Period): Period | undefined {
    if (!this.#ring.isShared(period)) return period;
    const next = this.#ring.next(period);
    if (now >= period.halfAt && !this.#ring.isShared(next)) return next;
    return this.#confirmed ? undefined : period;
  }

  async #fetch(store: TicketKeyStore, period: Period, run: object | undefined): Promise<void> {
    const { id, expiresAt } = period;
    try {
      const candidate = this.#ring.candidate(period);
      const asked = Promise.resolve(store.keyFor(Object.freeze({ id, expiresAt }), candidate));
      const key = await within(this.#clock, patience, 'it has not answered in time', asked);
      if (run !== this.#run) return;
      if (!isTicketKey(key)) throw new Error('it has given something else than 48 random octets');
      this.#take(period, key);
    } catch (error) {
      if (run === this.#run) this.#failed(messageOf(error));
    }
  }

  #take(period: Period, key: Uint8Array): void {
    const now = this.#clock.now();
    this.#ring.put(period, key, now);
    this.#occupied = false;
    this.#confirmed = true;
    this.#after('confirm', (this.#config.rotateEvery * 1_000) / confirmations, () => {
      this.#confirmed = false;
      this.#turn();
    });
    this.#turn();
    const place = this.#ring.at(now);
    // It may have answered for a period that is over.
    if (this.#failures === 0 || !this.#ring.isShared(place.period)) return;
    this.#failures = 0;
    this.#tell('recovered', place);
    this.#hooks.logger.info('Portcullis: the session ticket keys are shared again.');
  }

  #failed(reason: string): void {
    const wait = Math.min(firstRetry * 2 ** this.#failures, lastRetry);
    this.#failures++;
    this.#after('retry', wait, () => {
      this.#occupied = false;
      this.#turn();
    });
    if (this.#failures > 1) return;
    this.#tell('degraded', this.#ring.at(this.#clock.now()), reason);
    this.#hooks.logger.warn(
      `Portcullis: the session ticket key cannot be shared, what serves goes on serving for now: ${reason}`,
    );
  }

  #tell(outcome: TicketRotationEvent['outcome'], { origin, period }: RingKey, reason?: string): void {
    publish('portcullis:ticket-rotation', () => ({
      outcome,
      origin,
      sharedBy: this.#sharedBy(),
      expiresAt: new Date(period.expiresAt),
      reason,
    }));
  }

  #sharedBy(): TicketRotationEvent['sharedBy'] {
    if (this.#config.store !== undefined) return 'store';
    return this.#store === undefined ? undefined : 'cluster';
  }

  #after(name: 'turn' | 'retry' | 'confirm', milliseconds: number, run: () => void): void {
    this.#timers.get(name)?.();
    this.#timers.set(name, this.#clock.after(milliseconds, run));
  }
}
