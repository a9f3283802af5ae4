import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import { createInterface } from 'node:readline';
import { redisTicketKeys } from '../../lib/redis/index.ts';
import type { TicketKeyStore } from '../../lib/tickets/store.ts';
import { serve } from '../tickets/child-server.ts';

/** One process of a fleet: serves by https with the keys that it has from Redis, by one library or the other. */
const { TEST_LIBRARY: library, TEST_SOCKET: path = '', TEST_SECRET: secret = '' } = process.env;

async function open(): Promise<TicketKeyStore> {
  if (library === 'ioredis') {
    const client = new Redis({ path, retryStrategy: () => 20 });
    client.on('error', () => {});
    return redisTicketKeys(client, { secret });
  }
  const client = createClient({ socket: { path, reconnectStrategy: () => 20 } });
  client.on('error', () => {});
  await client.connect();
  return redisTicketKeys(client, { secret });
}

const print = (news: object): void => void process.stdout.write(`${JSON.stringify(news)}\n`);
const server = await serve(print, await open());
createInterface({ input: process.stdin }).on('line', (line) => {
  server.forward((JSON.parse(line) as { forward: number }).forward);
});
print({ pid: process.pid, port: server.port });
