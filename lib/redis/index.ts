/**
 * `portcullis/redis`: ticket keys and a deny list that a fleet shares. What lies in Redis is sealed.
 * @module
 */

export type {
  IoRedisClient,
  NodeRedisClient,
  NodeRedisEvalOptions,
  NodeRedisSetOptions,
  RedisClient,
} from '../tickets/redis-client.ts';
export { redisTicketKeys, type RedisTicketKeysOptions } from '../tickets/redis.ts';
export type { TicketKeyPeriod, TicketKeyStore } from '../tickets/store.ts';
export {
  DenyListNotSharedError,
  redisDenyList,
  type RedisDenyList,
  type RedisDenyListOptions,
} from './deny-list/redis-deny-list.ts';
export type { AnyDenyList, DenyListEntries } from '../trust/deny-list/deny-list.ts';
export type { DeniedCertificate, DenyListDetails, DenyListEntry } from '../trust/deny-list/entry.ts';
// oxlint-disable-next-line unicorn/require-module-specifiers -- for `req.tls`, whose type every entry brings along
export type {} from '../connection/tls-state.ts';
