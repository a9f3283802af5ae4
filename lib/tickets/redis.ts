import { checkKeys } from '../options.ts';
import { type Clock, systemClock, within } from '../clock.ts';
import { commandsOf, readPrefix, type RedisClient, type RedisCommands } from './redis-client.ts';
import { createSealer, type Sealer } from './sealing.ts';
import type { TicketKeyPeriod, TicketKeyStore } from './store.ts';

/** How ticket keys are shared through Redis. */
export interface RedisTicketKeysOptions {
  /**
   * What the keys are sealed with before Redis sees them: at least 32 octets, random (`openssl rand -base64 32`), the
   * same in the whole fleet. Several for a change of it: the first seals, all open.
   */
  readonly secret: string | Uint8Array | ReadonlyArray<string | Uint8Array>;
  /** Before the names of the entries; `portcullis:tickets` by default. Services that must not share have others. */
  readonly prefix?: string | undefined;
}

/** A command may take so long (ms). */
const patience = 2_000;
/** Clocks differ, and who is late should still find the key (ms). */
const tolerance = 60_000;

/**
 * Shares the session ticket keys of a fleet through Redis. Redis is not trusted with them: it sees what is sealed by
 * AES-256-GCM under the secret, bound to prefix and period, and forgets it by itself when the period is over. Who
 * can write to it can at most keep the fleet from sharing. `client` is connected, and closed, by the application.
 * A value that none of the secrets opens is an error, and stays: own keys serve meanwhile.
 * ConfigErrors: OPTION_INVALID, OPTION_UNKNOWN.
 *
 * @example
 * const client = await createClient({ url }).on('error', log).connect();
 * createServer({ key, cert, tickets: { store: redisTicketKeys(client, { secret }) } }, app);
 */
export function redisTicketKeys(client: RedisClient, options: RedisTicketKeysOptions): TicketKeyStore {
  checkKeys(options, ['secret', 'prefix'], 'options');
  const prefix = readPrefix(options.prefix, 'portcullis:tickets');
  return createRedisStore(commandsOf(client), createSealer(options.secret), prefix);
}

/** @internal The store itself, with a clock for tests. */
export function createRedisStore(
  commands: Pick<RedisCommands, 'get' | 'setIfAbsent'>,
  sealer: Sealer,
  prefix: string,
  clock: Clock = systemClock,
): TicketKeyStore {
  const timely = <T>(reply: Promise<T>): Promise<T> =>
    within(clock, patience, `Redis has not answered within ${patience} ms`, reply);

  async function keyFor(period: TicketKeyPeriod, candidate: Buffer): Promise<Buffer> {
    const name = `${prefix}:${period.id}`;
    const context = JSON.stringify([prefix, period.id]);
    const life = Math.max(period.expiresAt - clock.now(), 0) + tolerance;
    if (await timely(commands.setIfAbsent(name, sealer.seal(candidate, context), life))) return candidate;
    const stored = await timely(commands.get(name));
    if (stored === undefined) throw new Error(`Redis gives nothing for ${name}, and took nothing`);
    const key = sealer.open(stored, context);
    if (key === undefined)
      throw new Error(`what Redis has as ${name} was sealed with another secret, or has been changed`);
    return key;
  }
  return { keyFor };
}
