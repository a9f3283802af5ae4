import cluster from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { createClient } from '@redis/client';
import type { Request } from 'express';
import { createServer, type PortcullisServer } from '../../lib/index.ts';
import { redisDenyList } from '../../lib/redis/index.ts';

/**
 * A cluster of two: a port with tickets, and one for clients with certificates, a list of revoked ones in a file and one
 * of denied ones in Redis. Whoever is killed is replaced at once.
 */
const print = (news: object): void => void process.stdout.write(`${JSON.stringify(news)}\n`);
const { TEST_KEY: key = '', TEST_CERT: cert = '', TEST_CA: ca = '' } = process.env;
const { TEST_CRL: crl = '', TEST_SOCKET: path = '', TEST_SECRET: secret = '' } = process.env;

function primary(): void {
  cluster.on('message', (_worker, message: object) => {
    if ('news' in message) print(message.news as object);
  });
  cluster.on('exit', ({ process: { pid } }) => {
    print({ ended: pid });
    cluster.fork();
  });
  cluster.fork();
  cluster.fork();
  createInterface({ input: process.stdin }).on('line', (line) => {
    process.kill((JSON.parse(line) as { kill: number }).kill, 'SIGKILL');
  });
}

async function worker(): Promise<void> {
  const tell = (news: object): void => void process.send!({ news: { pid: process.pid, ...news } });
  process.on('uncaughtException', (error) => tell({ crash: String(error.stack) }));
  process.on('unhandledRejection', (error) => tell({ crash: String(error) }));
  const client = createClient({ socket: { path, reconnectStrategy: () => 20 } });
  client.on('error', () => {});
  await client.connect();
  const denyList = redisDenyList(client, { secret, pollEvery: 50 });
  const mutual = createServer(
    { key, cert, logger: false, clientAuth: { mode: 'optional', ca, crl: { file: crl }, denyList } },
    (request, response) => {
      const { clientCertificate, clientCertificateError } = (request as Request).tls!;
      const who = clientCertificateError?.code ?? clientCertificate?.subject['CN']?.[0] ?? 'nobody';
      response.setHeader('Server-Timing', String(process.pid));
      response.end(who);
    },
  );
  const open = createServer({ key, cert, logger: false }, (_request, response) =>
    response.end(String(process.pid)),
  );
  tell({
    mutual: await listen(mutual),
    open: await listen(open),
  });
}

/** What one worker has got by 0, each gets: the primary goes by the turn in which they listen. */
async function listen(server: PortcullisServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

if (cluster.isPrimary) primary();
else await worker();
