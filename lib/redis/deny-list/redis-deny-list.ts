import { type Clock, systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { checkKeys, oneOf, wholeNumber } from '../../options.ts';
import { commandsOf, readPrefix, type RedisClient, type RedisCommands } from '../../tickets/redis-client.ts';
import { createSealer } from '../../tickets/sealing.ts';
import { Denials } from '../../trust/deny-list/denials.ts';
import {
  type AnyDenyList,
  type DenyListEntries,
  noteDenials,
  readAdditions,
  readAll,
} from '../../trust/deny-list/deny-list.ts';
import { type Denial, readEntry } from '../../trust/deny-list/entry.ts';
import { InOrder } from './in-order.ts';
import { RecordCodec } from './records.ts';
import { RedisLog } from './redis-log.ts';
import { Replica } from './replica.ts';

/** How a deny list is kept in Redis. */
export interface RedisDenyListOptions {
  /**
   * With what the entries are sealed before Redis sees them: at least 32 octets, random (`openssl rand -base64 32`), the
   * same in the whole fleet. Several for a change of it: the first seals, all open. Without it whoever can write to
   * Redis can deny certificates, and let them in again.
   */
  readonly secret?: string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined;
  /** Before the names of the keys; `portcullis:deny-list` by default. Services that must not share have others. */
  readonly prefix?: string | undefined;
  /**
   * While the list has not been read even once: `'refuse'` every client certificate (`REVOCATION_STATUS_UNKNOWN`, the
   * default), or `'allow'` those that are denied elsewhere, rather than be out of service.
   */
  readonly whenUnavailable?: 'refuse' | 'allow' | undefined;
  /** How often Redis is asked for changes, in milliseconds: 250 by default, 50 to 60,000. */
  readonly pollEvery?: number | undefined;
}

/** A list that a fleet shares. Each change counts here at once, and in the other processes at their next poll. */
export interface RedisDenyList extends AnyDenyList {
  /** Settles once the list has been read for the first time; it waits as long as Redis is away. */
  readonly ready: Promise<void>;
  /**
   * Adds all, or rejects with a ConfigError (`PIN_INVALID`, `OPTION_…`) and adds none. Rejects with a
   * `DenyListNotSharedError` where Redis is away: then they count here already, and are sent when it is back.
   */
  add(...entries: readonly DenyListEntries[]): Promise<void>;
  /**
   * Removes those that deny the same; how many there were here. Rejects as `add` does. Before the list has been read, it
   * waits for that.
   */
  remove(...entries: readonly DenyListEntries[]): Promise<number>;
  /** Rejects as `add` does; and, having cleared nothing, where the list has never been read and cannot be now. */
  clear(): Promise<void>;
  /** Asks Redis no more; what the list said last goes on to count. The client is the application's to close. */
  close(): void;
}

/**
 * A change counts in this process, and could not be told to the others yet; it is sent when Redis is back. Only `clear()`
 * has changed nothing where the list has never been read, as it says then.
 */
export class DenyListNotSharedError extends Error {
  override readonly name = 'DenyListNotSharedError';
  /** Always this. */
  readonly code = 'DENY_LIST_NOT_SHARED';

  constructor(
    cause: unknown,
    what: string = 'it counts in this process, and is sent to the others when Redis is back',
  ) {
    super(`${what}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * A deny list that a fleet shares through Redis: `clientAuth: { …, denyList: redisDenyList(client, { secret }) }`. It is
 * read when it is made, a listener lets connections wait for that, and then asked for changes four times a second.
 * While Redis is away the last list counts, which is told once by `portcullis:deny-list` and the log, as is its return.
 *
 * With `secret` Redis is not trusted: who can write to it can withhold news, and hide entries from processes that start,
 * but neither deny anybody nor take back what a process knows. `client` is connected, and closed, by the application.
 * It asks from the start, or 'listening' of a server that uses it, until that has closed, or `close()`. It keeps no
 * process alive. ConfigErrors: OPTION_INVALID, OPTION_UNKNOWN.
 *
 * @example
 * const client = await createClient({ url }).on('error', log).connect();
 * const list = redisDenyList(client, { secret });
 * createServer({ key, cert, clientAuth: { mode: 'required', ca, denyList: list } }, app);
 * await list.add({ fingerprint256, reason: 'stolen' });
 */
export function redisDenyList(client: RedisClient, options: RedisDenyListOptions = {}): RedisDenyList {
  return createRedisDenyList(commandsOf(client), options);
}

/** @internal With a clock for tests. */
export function createRedisDenyList(
  commands: RedisCommands,
  options: RedisDenyListOptions,
  clock: Clock = systemClock,
): RedisDenyList {
  checkKeys(options, ['secret', 'prefix', 'whenUnavailable', 'pollEvery'], 'options');
  const { secret, whenUnavailable = 'refuse', pollEvery = 250 } = options;
  const prefix = readPrefix(options.prefix, 'portcullis:deny-list');
  const sealer = secret === undefined ? undefined : createSealer(secret, 'portcullis deny list v1');
  const policy = oneOf(whenUnavailable, ['refuse', 'allow'], 'whenUnavailable');
  const interval = wholeNumber(pollEvery, 'pollEvery', 'milliseconds', 50, 60_000);

  let onReady!: () => void;
  const ready = new Promise<void>((settle) => (onReady = settle));
  let closed = false;
  const feed = { start: () => void (closed || replica.start()), stop: () => replica.stop() };
  const denials = new Denials('redis', clock, feed);
  const replica = new Replica(
    denials,
    {
      log: new RedisLog(commands, prefix, clock),
      codec: new RecordCodec(prefix, sealer),
      pollEvery: interval,
    },
    onReady,
  );
  const checkOpen = (): void => {
    if (closed) throw new Error('the deny list is closed');
  };
  const share = async (put: readonly Denial[], removed: readonly string[]): Promise<void> => {
    checkOpen();
    await replica.put(put, removed).catch((error: unknown) => {
      throw new DenyListNotSharedError(error);
    });
  };
  const waiting = new InOrder();
  /** At once where the list has been read; else behind that, or the reason why it cannot be. */
  const onceRead = async <T>(change: (unread?: unknown) => Promise<T>): Promise<T> => {
    checkOpen();
    const reading = replica.firstRead();
    if (reading === undefined && !waiting.isWaiting) return change();
    const unread = reading?.then(
      () => undefined,
      (error: unknown) => error,
    );
    return waiting.run(async () => change(await unread));
  };
  const list: RedisDenyList = {
    ready,
    get size() {
      return denials.size;
    },
    has: (entry) => denials.has(readEntry(entry, 'has').key),
    entries: () => denials.entries,
    async add(...entries) {
      const additions = readAdditions(denials, entries.flat(), 'add');
      const shared = share(additions, []);
      if (!waiting.isWaiting) return shared;
      shared.catch(() => undefined);
      // It counts already, and is to outlast what was to be removed before.
      return waiting.run(() => share(additions, []));
    },
    async remove(...entries) {
      const keys = new Set(readAll(entries.flat(), 'remove').map(({ key }) => key));
      return onceRead(async () => {
        const count = [...keys].filter((key) => denials.has(key)).length;
        await share([], [...keys]);
        return count;
      });
    },
    clear: () =>
      onceRead(async (unread) => {
        if (unread !== undefined)
          throw new DenyListNotSharedError(unread, 'the list has never been read, and nothing was cleared');
        await share([], denials.keys);
      }),
    close() {
      closed = true;
      replica.stop();
    },
  };
  denials.setUnavailable(policy);
  noteDenials(Object.freeze(list), denials);
  replica.start();
  return list;
}
