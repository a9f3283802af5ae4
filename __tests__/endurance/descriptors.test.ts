import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeEverything, open } from '../support/attacks.ts';
import { endChildren } from '../tickets/children.ts';
import { endFaultServers, FaultServer } from './fault-server.ts';

/** Of which the process itself needs some two dozen. */
const files = 96;

let pki: TestPki;
let folder: string;
beforeAll(async () => {
  pki = await createTestPki();
  folder = mkdtempSync(join(tmpdir(), 'portcullis-descriptors-'));
});
const silent: Socket[] = [];
afterEach(async () => {
  for (const socket of silent.splice(0)) socket.destroy();
  await closeEverything();
  await endFaultServers();
});
afterAll(async () => {
  await endChildren();
  rmSync(folder, { recursive: true });
});

/** With files that a reload reads. */
function start(): Promise<FaultServer> {
  const [keyFile, certFile] = [join(folder, 'server.key'), join(folder, 'server.pem')];
  writeFileSync(keyFile, pki.server.key);
  writeFileSync(certFile, pki.server.cert);
  const clientAuth = { mode: 'required', ca: pki.ca } as const;
  return FaultServer.start({ certificate: { keyFile, certFile }, clientAuth }, { files });
}

/** Connections that say nothing, once each is accepted by the kernel. */
async function connectSilently(port: number, count: number): Promise<void> {
  const connected = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1');
    silent.push(socket.resume());
    return new Promise<void>((settle) => {
      socket.once('connect', settle);
      socket.on('error', () => settle());
    });
  });
  await Promise.all(connected);
}

const good = (port: number): ReturnType<typeof open> =>
  open(port, { ca: pki.ca, key: pki.clients.good.key, cert: pki.clients.good.chain });

it('a process with no descriptor to spare serves the newest, reloads, tells why, and is as before afterwards', async () => {
  const server = await start();
  const before = await server.state();
  await connectSilently(server.port, 3 * files);
  const full = await server.until(({ drops }) => (drops['OPEN_FILES'] ?? 0) > files);
  // It can still count its files, and what it has served with is read anew.
  expect(full.files).toBeLessThan(files);
  expect(await server.reload()).toMatchObject({ changed: [] });
  // Of the silent ones the oldest make room, once a good handshake would have ended.
  let answer;
  do {
    // oxlint-disable-next-line no-await-in-loop -- a client that is refused comes again
    answer = await (await good(server.port)).ask('/');
  } while (answer.status === 'closed');
  expect(answer).toEqual({ status: 200, body: 'good' });
  expect(server.logged.filter((line) => line.includes('files that this process may have open'))).toHaveLength(
    1,
  );
  expect(server.news.filter(({ drop }) => drop === 'OPEN_FILES').length).toBeGreaterThanOrEqual(files);

  for (const socket of silent) socket.destroy();
  await closeEverything();
  await server.until((state) => state.open === 0 && state.files! <= before.files! + 1);
  expect(await (await good(server.port)).ask('/')).toMatchObject({ status: 200, body: 'good' });
});

it('idle connections make room for new ones, whose requests are answered, and none is answered wrongly', async () => {
  const server = await start();
  const answers = new Set<string>();
  const wires = [];
  for (let count = 0; count < 2 * files; count++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const wire = await good(server.port);
    // oxlint-disable-next-line no-await-in-loop -- the same
    const { status, body } = await wire.ask('/');
    answers.add(`${status} ${body}`);
    wires.push(wire);
  }
  expect([...answers]).toEqual(['200 good']);
  // The first were let go, without a word to the newest.
  expect(await wires[0]!.ask('/')).toMatchObject({ status: 'closed' });
  expect(await wires.at(-1)!.ask('/')).toMatchObject({ status: 200 });
  expect(Object.keys((await server.state()).drops)).toEqual(['OPEN_FILES']);
});

it('while there is no descriptor at all a reload fails, changes nothing, and lets no stranger in', async () => {
  const server = await start();
  const kept = await good(server.port);
  expect(await kept.ask('/')).toMatchObject({ status: 200 });
  let failure: { code?: string } | undefined;
  while (failure === undefined) {
    // oxlint-disable-next-line no-await-in-loop -- whoever has closed a file meanwhile has given one back
    await server.take();
    // oxlint-disable-next-line no-await-in-loop -- the same
    failure = await server.reload().then(
      () => undefined,
      (error: { code?: string }) => error,
    );
  }
  expect(failure.code).toMatch(/_INVALID$/);
  expect(await kept.ask('/')).toMatchObject({ status: 200, body: 'good' });
  // Who comes now waits, or is closed, and gets no answer.
  const stranger = open(server.port, { ca: pki.ca });
  const cpu = (await server.state()).cpu;
  for (let turn = 0; turn < 50; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- the server has its turns
    expect((await server.state()).ok).toBe(1);
  }
  // A loop that tries to accept in vain would have a second's worth of it in no time.
  expect((await server.state()).cpu - cpu).toBeLessThan(5_000);
  await server.take(false);
  expect((await (await stranger).ask('/')).status).toBe('closed');
  expect(await server.reload()).toMatchObject({ changed: [] });
  expect(await (await good(server.port)).ask('/')).toMatchObject({ status: 200, body: 'good' });
});
