export type {
  IoRedisClient,
  NodeRedisClient,
  NodeRedisSetOptions,
  RedisClient,
} from '../tickets/redis-client.ts';
export { redisTicketKeys, type RedisTicketKeysOptions } from '../tickets/redis.ts';
export type { TicketKeyPeriod, TicketKeyStore } from '../tickets/store.ts';
