import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Request } from 'express';
import { createServer, type DenyListEntry } from '../../lib/index.ts';
import { redisDenyList, type RedisClient } from '../../lib/redis/index.ts';

/** One process of a fleet: serves with a deny list that it has from Redis, by one library or the other. */
const { TEST_LIBRARY: library, TEST_SOCKET: path = '', TEST_SECRET: secret = '' } = process.env;
const { TEST_KEY: key = '', TEST_CERT: cert = '', TEST_CA: ca = '' } = process.env;

interface Member {
  readonly client: RedisClient;
  readonly leave: () => unknown;
}

async function open(): Promise<Member> {
  if (library === 'ioredis') {
    const client = new Redis({ path, retryStrategy: () => 20 });
    client.on('error', () => {});
    return { client, leave: () => client.disconnect() };
  }
  const client = createClient({ socket: { path, reconnectStrategy: () => 20 } });
  client.on('error', () => {});
  await client.connect();
  return { client, leave: () => client.destroy() };
}

const print = (news: object): void => void process.stdout.write(`${JSON.stringify(news)}\n`);
const log = (line: string): void => print({ log: line });
subscribe('portcullis:deny-list', (event) => print({ ...(event as object), entries: undefined }));

const { client, leave } = await open();
const list = redisDenyList(client, secret === '' ? {} : { secret });
const server = createServer(
  { key, cert, clientAuth: { mode: 'optional', ca, denyList: list }, logger: { info: log, warn: log } },
  (request, response) => {
    const { clientCertificate, clientCertificateError } = (request as Request).tls!;
    response.end(clientCertificateError?.code ?? (clientCertificate === undefined ? 'nobody' : 'in'));
  },
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');

interface Command {
  readonly add?: readonly DenyListEntry[];
  readonly remove?: readonly DenyListEntry[];
  readonly end?: true;
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void run(JSON.parse(line) as Command));

async function run({ add = [], remove = [], end }: Command): Promise<void> {
  if (end === true) {
    lines.close();
    process.stdin.destroy();
    await server.shutdown({ timeout: 1_000 });
    leave();
    return;
  }
  try {
    if (add.length > 0) await list.add(add);
    if (remove.length > 0) await list.remove(remove);
    print({ done: true, size: list.size });
  } catch (error) {
    print({ failed: (error as { code?: unknown }).code, size: list.size });
  }
}

print({ pid: process.pid, port: (server.address() as AddressInfo).port });
