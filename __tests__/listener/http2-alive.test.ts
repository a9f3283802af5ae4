import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestPki } from 'portcullis/testing';
import { closeAll, ended, Recording } from './harness.ts';
import { type Clocked, openClocked } from './http2-clock.ts';
import { flags, frame, frameTypes, RawClient, request, requestFields, uint32 } from './http2-frames.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

let credentials: { key: string; cert: string };
beforeAll(async () => {
  const { key, cert } = (await createTestPki()).server;
  credentials = { key, cert };
});
afterEach(async () => {
  closeSessions();
  await closeAll();
});

/** With the answers that wait, in turn. The clock goes on by a tenth of the time that a client may be silent. */
async function open(): Promise<Clocked & { readonly waiting: ServerResponse[] }> {
  const waiting: ServerResponse[] = [];
  const clock = { step: 1_500, sendTimeout: 40 };
  const opened = await openClocked(credentials, clock, (_incoming, response) => waiting.push(response));
  return { ...opened, waiting };
}

const wait = requestFields([], { path: '/wait' });

describe('a client that sends nothing more', () => {
  it('is asked by PING, and cut where it does not answer', async () => {
    const { port, sessions } = await open();
    const drops = new Recording('portcullis:drop');
    const client = await RawClient.open(port);
    client.send(request(1, wait));
    await ended(client.socket);
    const pings = client.frames.filter(({ type, flags: bits }) => type === frameTypes.ping && bits === 0);
    expect(pings).toHaveLength(1);
    expect(await drops.take()).toMatchObject({ reason: 'HTTP2_PROTOCOL', remoteAddress: '127.0.0.1' });
    expect([drops.events.length, sessions.openStreams]).toEqual([1, 0]);
  });

  it('is served for as long as it acknowledges them, however long its request takes', async () => {
    const { port, waiting } = await open();
    const drops = new Recording('portcullis:drop');
    const session = await openSession(port);
    const answer = overHttp2(session, { path: '/wait' });
    for (let count = 0; count < 4; count++) await once(session, 'ping');
    waiting[0]!.end('late');
    expect((await answer).body.toString()).toBe('late');
    expect(drops.events).toEqual([]);
  });

  it('is served for as long as it sends anything', async () => {
    const { port, waiting, sessions } = await open();
    const client = await RawClient.open(port);
    client.send(request(1, wait));
    const asked = ({ type, flags: bits }: { type: number; flags: number }): boolean =>
      type === frameTypes.ping && bits === 0;
    for (let count = 0; count < 3; count++) {
      await client.next(asked);
      client.frames.length = 0;
      client.send(frame(frameTypes.windowUpdate, 0, 0, uint32(1)));
    }
    expect(sessions.openStreams).toBe(1);
    waiting[0]!.end('late');
    expect(await client.next(({ type }) => type === frameTypes.headers)).toBeDefined();
  });
});

describe('a session that nghttp2 has ended by itself (Node 20, 22) does not stay when its client is gone', () => {
  it.each<[string, string, () => Buffer[]]>([
    [
      'for a stream that depends on itself',
      'HEAD',
      () => [frame(frameTypes.priority, 0, 1, Buffer.concat([uint32(1), Buffer.from([3])]))],
    ],
    [
      'for DATA of a stream that is idle',
      'GET',
      () => [frame(frameTypes.data, flags.endStream, 7, Buffer.from('x'))],
    ],
  ])('%s', async (_what, method, octets) => {
    const { port, server, sessions } = await open();
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = await RawClient.open(port);
    const [socket] = await accepted;
    const closed = new Promise((settle) => socket.on('close', settle));
    client.send(request(1, requestFields([], { method, path: '/wait' })), ...octets());
    await client.next(({ type }) => type === frameTypes.goaway);
    client.socket.destroy();
    await closed;
    expect([sessions.size, sessions.openStreams]).toEqual([0, 0]);
  });
});
