import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, listen, Recording } from './harness.ts';
import { openClocked } from './http2-clock.ts';
import {
  type Frame,
  frame,
  frameTypes,
  RawClient,
  request,
  requestFields,
  setting,
  uint32,
} from './http2-frames.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

let credentials: { key: string; cert: string; http2: boolean; logger: false };
beforeAll(async () => {
  const { key, cert } = (await createTestPki()).server;
  credentials = { key, cert, http2: true, logger: false };
});
afterEach(async () => {
  closeSessions();
  await closeAll();
});

const large = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));

const isHead = ({ type }: Frame): boolean => type === frameTypes.headers;
const head = requestFields([], { method: 'HEAD' });
const answer: RequestListener = (incoming, response) =>
  response.end(incoming.url === '/large' ? large : 'ok');

/** Asks for one short answer after the other, until something is told. */
async function poke(client: RawClient, told: readonly unknown[]): Promise<void> {
  for (let id = 101; told.length === 0 && !client.socket.closed; id += 2) {
    client.send(request(id, head));
    await client.next((one) => isHead(one) && one.stream === id);
  }
}

it('streams that take nothing are reset, and told once, though short answers move the session', async () => {
  const { port } = await openClocked(credentials, { step: 10, sendTimeout: 100 }, answer);
  const drops = new Recording('portcullis:drop');
  const [client, other] = [await RawClient.open(port, setting(4, 0)), await RawClient.open(port)];
  const stalled = [1, 3, 5];
  for (const id of stalled) client.send(request(id, requestFields([], { path: '/large' })));
  const isReset = ({ type }: Frame): boolean => type === frameTypes.rstStream;
  await poke(client, drops.events);
  while (client.frames.filter(isReset).length < stalled.length) {
    await new Promise((turn) => setImmediate(turn));
  }
  client.send(request(100_001, head));
  expect(await client.next((one) => isHead(one) && one.stream === 100_001)).toBeDefined();
  other.send(request(1));
  expect(await other.next(isHead)).toBeDefined();
  expect(drops.events).toMatchObject([{ reason: 'SEND_TIMEOUT' }]);
});

it('of a large chunk it is seen that a client takes a little', async () => {
  const sockets: Socket[] = [];
  const server = createServer(credentials, (incoming, response) => {
    sockets.push(incoming.socket);
    response.end(large);
  });
  const client = await RawClient.open(await listen(server), setting(4, 32_768));
  client.send(request(1));
  await client.next(({ type }) => type === frameTypes.data);
  let left = large.length;
  for (let step = 0; step < 5; step++) {
    while (sockets[0]!.writableLength >= left) await new Promise((turn) => setImmediate(turn));
    left = sockets[0]!.writableLength;
    expect(left).toBeGreaterThan(0);
    const more = uint32(32_768);
    client.send(frame(frameTypes.windowUpdate, 0, 1, more), frame(frameTypes.windowUpdate, 0, 0, more));
  }
});

it.each(['utf8', 'base64', 'latin1', 'hex'] as const)('large text in %s arrives whole', async (encoding) => {
  const text = large.toString(encoding);
  const expected = Buffer.from(text, encoding);
  const server = createServer(credentials, (_incoming, response) => {
    response.write(text, encoding);
    response.write('-');
    response.end(text, encoding);
  });
  const { body } = await overHttp2(await openSession(await listen(server)), { path: '/' });
  expect(body.equals(Buffer.concat([expected, Buffer.from('-'), expected]))).toBe(true);
});
