import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeEach, expect, it } from '@jest/globals';
import { redisDenyList } from 'portcullis/redis';
import { createTestPki, type TestClient, type TestPki } from 'portcullis/testing';
import { Child, compile, endChildren, type News } from '../tickets/children.ts';
import { sessionOf, visit } from '../tickets/sessions.ts';
import { RedisServer } from './redis-server.ts';

type Told = News & {
  readonly mutual?: number;
  readonly open?: number;
  readonly ended?: number;
  readonly crash?: string;
};

let pki: TestPki;
let redis: RedisServer;
let folder: string;
beforeEach(async () => {
  pki = await createTestPki();
  folder = mkdtempSync(join(tmpdir(), 'portcullis-workers-'));
  redis = new RedisServer();
  await redis.start();
});
/** What would keep the process alive, also where a test fails. */
const closing: Array<() => void> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await endChildren();
  await redis.remove();
  rmSync(folder, { recursive: true });
});
afterAll(endChildren);

/** Milliseconds after which a client comes again. */
const patience = 3_000;

/** One request; undefined where the connection has failed, as whoever was there has been killed. */
function ask(port: number, agent: Agent): Promise<string | undefined> {
  return new Promise((settle) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      agent,
      servername: 'localhost',
      headers: { host: 'localhost' },
      timeout: patience,
    });
    asked.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      answer.on('end', () => settle(answer.complete ? body : undefined));
      answer.on('error', () => settle(undefined));
    });
    asked.on('error', () => settle(undefined));
    // A connection that the primary has just handed to whoever is killed hangs: Node hears of no end of it.
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}

/** A client that comes again and again, on one connection or on a new one each time, and is answered what it is. */
class Visitor {
  readonly answers = new Map<string, number>();
  readonly #agent: Agent;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(port: number, client: TestClient | undefined, keepAlive: boolean) {
    const credentials = client && { key: client.key, cert: client.chain };
    this.#agent = new Agent({ keepAlive, maxSockets: 1, ca: pki.ca, ...credentials });
    this.#done = this.#run(port);
  }

  async #run(port: number): Promise<void> {
    while (!this.#stopped) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = (await ask(port, this.#agent)) ?? 'no answer';
      this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
      // oxlint-disable-next-line no-await-in-loop -- other clients have their turn, and the workers
      await new Promise((think) => setTimeout(think, 20));
    }
  }

  async stop(): Promise<Map<string, number>> {
    this.#stopped = true;
    await this.#done;
    this.#agent.destroy();
    return this.answers;
  }
}

it('workers that are killed under load cost their own connections, and are replaced with all that was in force', async () => {
  const crl = join(folder, 'clients.crl');
  const replaceCrl = (list: string): void => {
    writeFileSync(`${crl}.new`, list);
    renameSync(`${crl}.new`, crl);
  };
  replaceCrl(pki.crl);
  const secret = randomBytes(32).toString('base64');
  const client = createClient({ socket: { path: redis.socket, tls: false } });
  closing.push(() => client.destroy());
  client.on('error', () => {});
  await client.connect();
  const denied = redisDenyList(client, { secret });
  closing.unshift(() => denied.close());
  // Before there is a worker: one that is up hears of it within a quarter of a second only.
  const stolen = await pki.issueClient({ subject: { CN: 'stolen' } });
  await denied.add(new X509Certificate(stolen.certificate).fingerprint256);
  const cluster = new Child(compile('endurance/worker-app.ts')[0]!, {
    TEST_KEY: pki.server.key,
    TEST_CERT: pki.server.cert,
    TEST_CA: pki.ca,
    TEST_CRL: crl,
    TEST_SOCKET: redis.socket,
    TEST_SECRET: secret,
  });
  const isUp = ({ mutual }: Told): boolean => mutual !== undefined;
  const workers = (await cluster.told(isUp, 2)) as Told[];
  const { mutual, open } = workers[0]!;
  const { good, spiffe, revoked } = pki.clients;
  const late = await pki.issueClient({ subject: { CN: 'late' } });
  const visitors = [undefined, good, revoked, stolen].map((who) =>
    [true, false].map((keepAlive) => new Visitor(mutual!, who, keepAlive)),
  );
  closing.push(() => visitors.flat().forEach((visitor) => void visitor.stop()));
  const sessions = await Promise.all(Array.from({ length: 6 }, () => sessionOf(open!, 'TLSv1.3')));

  // News of the time in which nobody but the new ones can have it from the start.
  replaceCrl(await pki.revoke(late));
  await denied.add(new X509Certificate(spiffe.certificate).fingerprint256);
  for (const { pid } of workers) {
    const from = cluster.news.length;
    cluster.tell({ kill: pid });
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that somebody serves
    await cluster.told(isUp, 1, from);
  }

  const answers = await Promise.all(
    visitors.map((pair) => Promise.all(pair.map((visitor) => visitor.stop()))),
  );
  const failed = 'no answer';
  const unread = 'REVOCATION_STATUS_UNKNOWN';
  const allowed = [
    ['nobody', failed],
    // A worker that has not read the list yet lets nobody in.
    ['good', unread, failed],
    ['CLIENT_CERTIFICATE_REVOKED', unread, failed],
    ['CLIENT_CERTIFICATE_DENIED', unread, failed],
  ];
  for (const [index, pair] of answers.entries())
    for (const seen of pair) {
      expect([index, [...seen.keys()].filter((answer) => !allowed[index]!.includes(answer))]).toEqual([
        index,
        [],
      ]);
      expect(Math.max(...seen.values())).toBe(seen.get(allowed[index]![0]!));
    }
  const now = async (who: TestClient): Promise<string | undefined> => {
    const agent = new Agent({ ca: pki.ca, key: who.key, cert: who.chain });
    const answer = (await ask(mutual!, agent)) ?? failed;
    return answer === unread ? now(who) : answer;
  };
  // Twice, as they are dealt out in turn.
  for (let turn = 0; turn < 2; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect([await now(late), await now(spiffe), await now(good)]).toEqual([
      'CLIENT_CERTIFICATE_REVOKED',
      'CLIENT_CERTIFICATE_DENIED',
      'good',
    ]);
  }
  // Of workers that are no more: the primary has their keys.
  const resumed = [];
  for (const session of sessions) {
    // oxlint-disable-next-line no-await-in-loop -- the same
    resumed.push((await visit(open!, 'TLSv1.3', session)).resumed);
  }
  expect(resumed).toEqual(sessions.map(() => true));
  expect(cluster.news.flatMap(({ crash }: Told) => crash ?? [])).toEqual([]);
});
