import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, ended, listen, Recording } from './harness.ts';
import { frame, frameTypes, RawClient } from './http2-frames.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

let credentials: PortcullisOptions;
beforeAll(async () => {
  credentials = { ...(await createTestPki()).server, http2: true, logger: false };
});
const strangers: Socket[] = [];
afterEach(async () => {
  jest.useRealTimers();
  for (const stranger of strangers.splice(0)) stranger.destroy();
  closeSessions();
  await closeAll();
});

/** `/wait` is never answered. */
const serverOf = (limits: PortcullisOptions['limits'] = {}): PortcullisServer =>
  createServer({ ...credentials, limits }, (request: IncomingMessage, response: ServerResponse) => {
    request.on('error', () => {});
    if (request.url !== '/wait') response.end('in');
  });

/** Connections that say nothing. */
async function crowd(server: PortcullisServer, port: number, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const taken = once(server, 'connection');
    const stranger = connect(port, '127.0.0.1');
    strangers.push(stranger);
    stranger.on('error', () => {});
    await taken;
  }
}

it('when it gets crowded the session makes room that has been idle for longest, and none that is in use', async () => {
  // Time stands still, so that no handshake takes too long: it would have to go first.
  jest.useFakeTimers({ doNotFake: [...timers] });
  const drops = new Recording('portcullis:drop');
  const many = { connectionsPerAddress: 200, handshakesPerAddress: 200, pendingHandshakes: 200 };
  const server = serverOf({ maxConnections: 100, ...many });
  const port = await listen(server);
  const [busy, idle, used] = [await openSession(port), await openSession(port), await openSession(port)];
  const asked = once(server, 'request');
  busy.request({ ':path': '/wait' }).on('error', () => {});
  await asked;
  // The one that was used last has been idle for less.
  for (const session of [idle, used]) await overHttp2(session, { path: '/' });
  const goaway = once(idle, 'goaway');
  await crowd(server, port, 97);
  expect(await goaway).toContain(constants.NGHTTP2_NO_ERROR);
  await ended(idle.socket);
  expect([busy.destroyed, used.destroyed]).toEqual([false, false]);
  expect(drops.events.map(({ reason }) => reason)).toEqual(['EVICTED']);
  expect(server.stats().drops).toEqual({ total: 1, byReason: { EVICTED: 1 } });
});

const timers = [
  'Date',
  'hrtime',
  'nextTick',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

it('stats() counts the sessions that break a limit', async () => {
  const server = serverOf();
  const client = await RawClient.open(await listen(server));
  const ping = frame(frameTypes.ping, 0, 0, Buffer.alloc(8));
  client.send(...Array.from({ length: 400 }, () => ping));
  await ended(client.socket);
  expect(server.stats().drops).toEqual({ total: 1, byReason: { HTTP2_FLOOD: 1 } });
});
