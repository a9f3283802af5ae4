import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestPki, type TestClient, type TestPki } from 'portcullis/testing';
import { closeEverything, open } from '../support/attacks.ts';
import { Child, compile, endChildren, type News } from '../tickets/children.ts';
import { sessionOf, visit } from '../tickets/sessions.ts';
import { type FrontMode, RedisFront } from './redis-front.ts';
import { RedisServer } from './redis-server.ts';

let pki: TestPki;
let apps: { denyList: string; tickets: string };
let redis: RedisServer;
let front: RedisFront;
beforeAll(async () => {
  pki = await createTestPki();
  const [, tickets, denyList] = compile(
    'tickets/child-server.ts',
    'endurance/redis-app.ts',
    'endurance/deny-list-app.ts',
  );
  apps = { denyList: denyList!, tickets: tickets! };
});
beforeEach(async () => {
  redis = new RedisServer();
  await redis.start();
  front = new RedisFront(redis.socket);
});
afterEach(async () => {
  await closeEverything();
  await front.remove();
  await redis.remove();
});
afterAll(endChildren);

type Told = News & { readonly size?: number; readonly done?: true; readonly failed?: string };

/** A process of the fleet, by ioredis: it is made whether Redis answers or not. */
async function join(app: string): Promise<{ child: Child; port: number }> {
  const child = new Child(app, {
    TEST_KEY: pki.server.key,
    TEST_CERT: pki.server.cert,
    TEST_CA: pki.ca,
    TEST_LIBRARY: 'ioredis',
    TEST_SOCKET: front.socket,
    TEST_SECRET: randomBytes(32).toString('base64'),
  });
  const [ready] = await child.told(({ port }) => port !== undefined);
  return { child, port: ready!.port! };
}

const bad: readonly FrontMode[] = ['silent', 'wrong', 'garbage'];

describe('the deny list, while Redis', () => {
  const seen = async (port: number, client: TestClient): Promise<string> => {
    const wire = await open(port, { ca: pki.ca, key: client.key, cert: client.chain });
    const { body } = await wire.ask('/');
    wire.close();
    return body;
  };
  const { denied, unknown } = { denied: 'CLIENT_CERTIFICATE_DENIED', unknown: 'REVOCATION_STATUS_UNKNOWN' };
  const change = async (child: Child, command: object): Promise<Told> => {
    const from = child.news.length;
    child.tell(command);
    const [told] = await child.told(
      ({ done, failed }: Told) => done === true || failed !== undefined,
      1,
      from,
    );
    return told!;
  };

  it.each(['silent', 'garbage'] as const)(
    'is %s from the start: lets nobody in until it can be read, and then whom it may',
    async (mode) => {
      await front.start(mode);
      const { child, port } = await join(apps.denyList);
      await child.told(({ outcome }) => outcome === 'degraded');
      expect([await seen(port, pki.clients.good), await seen(port, pki.clients.spiffe)]).toEqual([
        unknown,
        unknown,
      ]);
      const from = child.news.length;
      front.turn('pass');
      await child.told(({ outcome }) => outcome === 'recovered', 1, from);
      expect(await seen(port, pki.clients.good)).toBe('in');
    },
  );

  it('is silent, wrong and garbled in turn, under load: who is denied stays so at every moment, others come in', async () => {
    await front.start('pass');
    const { child, port } = await join(apps.denyList);
    const { good, spiffe } = pki.clients;
    const entry = { certificate: good.certificate };
    expect(await change(child, { add: [entry] })).toMatchObject({ done: true });
    const load = { done: false };
    const answers = new Set<string>();
    const hammer = (async () => {
      while (!load.done) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        answers.add(`good: ${await seen(port, good)}`).add(`spiffe: ${await seen(port, spiffe)}`);
      }
    })();
    for (const mode of bad) {
      const from = child.news.length;
      front.turn(mode);
      // oxlint-disable-next-line no-await-in-loop -- one fault after the other
      await child.told(({ outcome }) => outcome === 'degraded', 1, from);
      // oxlint-disable-next-line no-await-in-loop -- the same
      expect(await change(child, { add: ['ab'.repeat(32)] })).toMatchObject({
        failed: 'DENY_LIST_NOT_SHARED',
      });
      front.turn('pass');
      // oxlint-disable-next-line no-await-in-loop -- the same
      await child.told(({ outcome }) => outcome === 'recovered', 1, from);
    }
    front.turn('slow');
    expect(await change(child, { add: ['cd'.repeat(32)] })).toMatchObject({ done: true, size: 3 });
    load.done = true;
    await hammer;
    expect([...answers].toSorted()).toEqual([`good: ${denied}`, 'spiffe: in']);
    expect(await change(child, { remove: [entry] })).toMatchObject({ done: true, size: 2 });
    expect(await seen(port, good)).toBe('in');
  });
});

describe('ticket keys, while Redis', () => {
  const resumes = async (port: number): Promise<boolean> => {
    const session = await sessionOf(port, 'TLSv1.3');
    return (await visit(port, 'TLSv1.3', session)).resumed;
  };

  it.each(['silent', 'wrong'] as const)(
    'is %s from the start: are of the process alone, and shared once it answers',
    async (mode) => {
      await front.start(mode);
      const { child, port } = await join(apps.tickets);
      await child.told(({ outcome, origin }) => outcome === 'degraded' && origin === 'own');
      expect(await resumes(port)).toBe(true);
      const from = child.news.length;
      front.turn('pass');
      await child.told(({ outcome, origin }) => outcome === 'recovered' && origin === 'shared', 1, from);
      expect(await resumes(port)).toBe(true);
      expect((await redis.ask('KEYS', '*')).split('\n')).toContainEqual(expect.stringContaining('tickets'));
    },
  );

  it.each(['garbage'] as const)(
    'turns %s: the last one serves, and each client is answered',
    async (mode) => {
      await front.start('pass');
      const { child, port } = await join(apps.tickets);
      await child.told(({ outcome, origin }) => outcome === 'rotated' && origin === 'shared');
      const session = await sessionOf(port, 'TLSv1.3');
      front.turn(mode);
      const from = child.news.length;
      child.tell({ forward: 0.5 });
      await child.told(({ outcome, origin }) => outcome === 'degraded' && origin === 'shared', 1, from);
      expect((await visit(port, 'TLSv1.3', session)).resumed).toBe(true);
      front.turn('pass');
      await child.told(({ outcome }) => outcome === 'recovered', 1, from);
      expect(await resumes(port)).toBe(true);
    },
  );
});
