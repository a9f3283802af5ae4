import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { SecureVersion } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer as createListener } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { TicketKeys } from '../../lib/tickets/ticket-keys.ts';
import { closeAll, listen } from '../listener/harness.ts';
import { sessionOf, visit } from './sessions.ts';
import { settled, TestClock, TestStore } from './support.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
const started: TicketKeys[] = [];
afterEach(async () => {
  for (const keys of started.splice(0)) keys.stop();
  await closeAll();
});

const hour = 3_600_000;

async function serve(
  clock: TestClock,
  store?: TestStore,
): Promise<{ server: Server; port: number; keys: TicketKeys }> {
  const { key, cert } = pki.server;
  const server = createServer({ key, cert }, (_request, response) => response.end('in'));
  const keys = new TicketKeys(
    { rotateEvery: 3_600, store },
    { apply: (ticketKey) => server.setTicketKeys(ticketKey), logger: console, clock },
  );
  started.push(keys);
  const port = await listen(server);
  keys.start();
  await settled();
  return { server, port, keys };
}

const resumes = async (port: number, session: Buffer, version: SecureVersion): Promise<boolean> =>
  (await visit(port, version, session)).resumed;

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  it('a session is resumed until its key is destroyed, and then gets a clean full handshake', async () => {
    const clock = new TestClock(10 * hour);
    const { port } = await serve(clock);
    const session = await sessionOf(port, version);
    expect(await resumes(port, session, version)).toBe(true);
    await clock.pass(hour - 1);
    expect(await resumes(port, session, version)).toBe(true);
    await clock.pass(1);
    const after = await Promise.all(Array.from({ length: 10 }, () => resumes(port, session, version)));
    expect(after.filter(Boolean)).toEqual([]);
    expect(await resumes(port, await sessionOf(port, version), version)).toBe(true);
  });

  it('a new secure context takes nothing from it, as the key is applied again', async () => {
    const { server, port, keys } = await serve(new TestClock(10 * hour));
    const session = await sessionOf(port, version);
    const { key, cert } = pki.server;
    server.setSecureContext({ key, cert });
    expect(await resumes(port, session, version)).toBe(false);
    keys.reapply();
    expect(await resumes(port, session, version)).toBe(true);
  });

  it('servers with one store resume the sessions of each other, before and after a rotation', async () => {
    const [clock, store] = [new TestClock(10 * hour), new TestStore()];
    const [one, two] = [await serve(clock, store), await serve(clock, store)];
    const before = await sessionOf(one.port, version);
    expect(await resumes(two.port, before, version)).toBe(true);
    await clock.pass(hour);
    expect(await resumes(two.port, before, version)).toBe(false);
    expect(await resumes(one.port, before, version)).toBe(false);
    expect(await resumes(one.port, await sessionOf(two.port, version), version)).toBe(true);
  });

  it('a listener keeps its key over a reload, and has another one after a close', async () => {
    const { key, cert } = pki.server;
    const server = createListener({ key, cert, logger: false }, (_request, response) => response.end('in'));
    const port = await listen(server);
    const session = await sessionOf(port, version);
    await server.reload({ key, cert });
    expect(await resumes(port, session, version)).toBe(true);
    server.close();
    await once(server, 'close');
    expect(await resumes(await listen(server), session, version)).toBe(false);
  });
});
