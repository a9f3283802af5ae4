import { ConfigError } from '../errors.ts';
import { checkKeys, describeSecret, wholeNumber } from '../options.ts';
import type { TicketKeyStore } from './store.ts';

/** The option `tickets`, where it is no boolean. */
export interface TicketOptions {
  /** Seconds for which one key serves, from 1 to 604800; 43200 by default. The same in all processes of a fleet. */
  readonly rotateEvery?: number | undefined;
  /** Where a fleet shares the keys, `redisTicketKeys(…)` of portcullis/redis for example. */
  readonly store?: TicketKeyStore | undefined;
}

/** The same, read and checked. Frozen. */
export interface TicketConfig {
  readonly rotateEvery: number;
  readonly store: TicketKeyStore | undefined;
}

const defaults: TicketConfig = Object.freeze({ rotateEvery: 43_200, store: undefined });

/**
 * Reads the option; undefined stands for no tickets at all. `clientAuth`: client certificates are asked for, and
 * nothing is resumed, as a resumed session is not verified again. ConfigErrors: OPTION_CONFLICT, OPTION_INVALID,
 * OPTION_UNKNOWN.
 */
export function readTickets(value: unknown, clientAuth: boolean): TicketConfig | undefined {
  if (value === false) return undefined;
  if (value === undefined) return clientAuth ? undefined : defaults;
  const config = value === true ? defaults : readTicketOptions(value);
  if (!clientAuth) return config;
  throw new ConfigError(
    'OPTION_CONFLICT',
    'tickets',
    'with clientAuth nothing is resumed, as a resumed session is not verified again',
    'Leave it out.',
  );
}

function readTicketOptions(value: unknown): TicketConfig {
  if (typeof value !== 'object' || value === null) {
    throw new ConfigError(
      'OPTION_INVALID',
      'tickets',
      `expected true, false or options, got ${describeSecret(value)}`,
      'Give { rotateEvery, store }, or leave it out.',
    );
  }
  checkKeys(value, ['rotateEvery', 'store'], 'tickets');
  const { rotateEvery = defaults.rotateEvery, store } = value as Record<keyof TicketOptions, unknown>;
  return Object.freeze({
    rotateEvery: wholeNumber(rotateEvery, 'tickets.rotateEvery', 'seconds', 1, 604_800),
    store: readStore(store),
  });
}

function readStore(store: unknown): TicketKeyStore | undefined {
  if (store === undefined || isStore(store)) return store;
  throw new ConfigError(
    'OPTION_INVALID',
    'tickets.store',
    `expected a store with keyFor(period, candidate), got ${describeSecret(store)}`,
    'Give redisTicketKeys(client, { secret }) of portcullis/redis, or a store of your own.',
  );
}

const isStore = (store: unknown): store is TicketKeyStore =>
  typeof store === 'object' && store !== null && 'keyFor' in store && typeof store.keyFor === 'function';
