import { afterAll, afterEach, expect, it } from '@jest/globals';
import { createTestPki } from 'portcullis/testing';
import { Child, compile, endChildren, type News } from '../tickets/children.ts';
import { endFaultServers, FaultServer } from './fault-server.ts';

afterEach(endFaultServers);
afterAll(endChildren);

type Told = News & {
  readonly answers?: Readonly<Record<string, number>>;
  readonly closed?: number;
  readonly failed?: string;
};

const [many, few] = [10_000, 500];
/** What a connection may cost the process, in KiB: about twice of what it does. */
const perConnection = 160;

it(`${many} connections at once are all served, those that go leave nothing, and a shutdown ends the others`, async () => {
  const pki = await createTestPki();
  const { key, cert } = pki.server;
  const limits = { keepAliveTimeout: 600_000 };
  // Where the system does not let it have so many descriptors, the shell says so.
  const server = await FaultServer.start({ key, cert, limits }, { files: many + few + 200 });
  const crowd = new Child(compile('endurance/crowd-app.ts')[0]!, {
    TEST_PORT: String(server.port),
    TEST_CA: pki.ca,
  });
  const tell = async (command: object): Promise<Told['answers']> => {
    const from = crowd.news.length;
    crowd.tell(command);
    const done = ({ answers, failed }: Told): boolean => answers !== undefined || failed !== undefined;
    const [{ failed, answers }] = (await crowd.told(done, 1, from, 250_000)) as [Told];
    expect(failed).toBeUndefined();
    return answers;
  };
  expect(await tell({ come: few })).toEqual({ '200 nobody': few });
  const before = await server.state();

  expect(await tell({ come: many })).toEqual({ '200 nobody': many });
  const full = await server.until(({ open }) => open === many + few);
  expect(full.drops).toEqual({});
  expect((full.rss! - before.rss!) * 1_024).toBeLessThan(many * perConnection);
  await tell({ leave: few });
  const after = await server.until(({ open }) => open === many);
  expect(after.files).toBe(full.files! - few);
  expect(await tell({ ask: true })).toEqual({ '200 nobody': many });

  const { idle, aborted, handshaking } = await server.shutdown(60_000);
  expect({ idle, aborted, handshaking }).toEqual({ idle: many, aborted: 0, handshaking: 0 });
  await crowd.told(({ closed }: Told) => closed === many);
}, 300_000);
