import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestPki } from 'portcullis/testing';
import { Child, compile, endChildren, type News } from '../tickets/children.ts';
import { sessionOf, visit } from '../tickets/sessions.ts';

let cluster: Child;
let port: number;

beforeAll(async () => {
  const { key, cert } = (await createTestPki()).server;
  const [, app] = compile('tickets/child-server.ts', 'endurance/cluster-app.ts');
  cluster = new Child(app!, { TEST_KEY: key, TEST_CERT: cert });
  const ready = await cluster.told((news) => news.port !== undefined, 2);
  port = ready[0]!.port!;
  await cluster.told(isShared, 2);
}, 30_000);
afterAll(endChildren);

const isShared = ({ outcome, origin }: News): boolean => outcome === 'rotated' && origin === 'shared';
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/** Of each version ten sessions. */
async function takeSessions(): Promise<Array<() => ReturnType<typeof visit>>> {
  const taken = [];
  for (const version of versions)
    for (let count = 0; count < 10; count++) {
      const session = await sessionOf(port, version);
      taken.push(() => visit(port, version, session));
    }
  return taken;
}

/** Resumes them one after the other, which the primary deals out to the workers in turn. */
async function resume(
  sessions: ReadonlyArray<() => ReturnType<typeof visit>>,
): Promise<[number, Set<string>]> {
  const servers = new Set<string>();
  let resumed = 0;
  for (const next of sessions) {
    const { resumed: one, body } = await next();
    if (one) resumed++;
    servers.add(body);
  }
  return [resumed, servers];
}

test('two workers resume the sessions of each other, rotate together, and a restarted one joins in', async () => {
  const first = await takeSessions();
  const [before, servers] = await resume(first);
  expect([before, servers.size]).toEqual([20, 2]);

  let from = cluster.news.length;
  cluster.tell({ forward: 1 });
  await cluster.told(isShared, 2, from);
  expect(await resume(first)).toEqual([0, servers]);
  const second = await takeSessions();
  expect(await resume(second)).toEqual([20, servers]);

  from = cluster.news.length;
  cluster.tell({ kill: Number([...servers][0]) });
  await cluster.told((news) => news.port !== undefined, 1, from);
  await cluster.told(
    ({ outcome, origin, expiresAt }) => {
      const current = cluster.news.findLast(({ pid }) => String(pid) === [...servers][1])!.expiresAt;
      return outcome === 'rotated' && origin === 'shared' && expiresAt === current;
    },
    1,
    from,
  );
  const [after, others] = await resume(second);
  expect([after, others.size]).toEqual([20, 2]);
  expect(others).not.toEqual(servers);
  expect(cluster.news.filter(({ log }) => log !== undefined)).toEqual([]);
}, 30_000);
