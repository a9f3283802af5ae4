import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, ended, handshake, listen, Recording } from './harness.ts';
import {
  flags,
  frame,
  frameTypes,
  headerBlock,
  RawClient,
  request,
  requestFields,
  reset,
  setting,
  uint32,
} from './http2-frames.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

let credentials: PortcullisOptions;
let runs = 0;
beforeAll(async () => {
  const { key, cert } = (await createTestPki()).server;
  credentials = { key, cert, http2: true, logger: false };
});
afterEach(async () => {
  closeSessions();
  await closeAll();
  runs = 0;
});

const calm = 11;
const large = Buffer.alloc(400_000);

/** `/` answers, `/large` does so at length, `/wait` never. */
async function open(limits: PortcullisOptions['limits'] = {}, more: PortcullisOptions = {}): Promise<number> {
  const server = createServer({ ...credentials, limits, ...more }, (incoming, response) => {
    runs++;
    incoming.on('error', () => {});
    if (incoming.url === '/wait') return;
    response.end(incoming.url === '/large' ? large : 'ok');
  });
  return listen(server);
}

/** An attack, with another session beside it that must not notice. */
async function attack(port: number, octets: readonly Buffer[], settings?: Buffer): Promise<RawClient> {
  const other = await openSession(port);
  await overHttp2(other, { path: '/' });
  const client = await RawClient.open(port, settings);
  client.send(...octets);
  await ended(client.socket);
  expect((await overHttp2(other, { path: '/' })).status).toBe(200);
  return client;
}

const many = (count: number, make: (index: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, index) => make(index));

const stream = (index: number): number => 2 * index + 1;

describe('a session ends, with GOAWAY and an event, and the others go on', () => {
  it.each<[string, () => Buffer[], number, string]>([
    [
      'that resets its streams at once (CVE-2023-44487)',
      () => many(400, (index) => Buffer.concat([request(stream(index)), reset(stream(index))])),
      calm,
      'HTTP2_RESETS',
    ],
    [
      'that sends more PINGs than anybody needs (CVE-2019-9512)',
      () => many(400, () => frame(frameTypes.ping, 0, 0, Buffer.alloc(8))),
      calm,
      'HTTP2_FLOOD',
    ],
    [
      'that sends more SETTINGS than anybody needs (CVE-2019-9515)',
      () => many(400, () => frame(frameTypes.settings, 0, 0, setting(3, 100))),
      calm,
      'HTTP2_FLOOD',
    ],
  ])('%s', async (_what, octets, code, reason) => {
    const drops = new Recording('portcullis:drop');
    const client = await attack(await open(), octets());
    // What the client was still sending may have reset the connection before it could read.
    expect([code, undefined]).toContain(await client.goaway());
    expect(await drops.take()).toMatchObject({ reason, remoteAddress: '127.0.0.1' });
    expect(drops.events).toHaveLength(1);
  });

  it('before many of the requests that it resets have been run', async () => {
    const port = await open();
    await attack(
      port,
      many(400, (index) => Buffer.concat([request(stream(index)), reset(stream(index))])),
    );
    expect(runs).toBeLessThan(400);
  });
});

describe('a session ends that breaks the protocol, and the others go on', () => {
  const head = frame(frameTypes.headers, 0, 1, headerBlock(requestFields()));
  it.each<[string, () => Buffer[]]>([
    [
      'by a header block without an end (CVE-2024-27983)',
      () => [
        head,
        ...many(500, () => frame(frameTypes.continuation, 0, 1, headerBlock([['x-more', 'and more']]))),
      ],
    ],
    [
      'by CONTINUATION frames of nothing (CVE-2019-9518)',
      () => [head, ...many(500, () => frame(frameTypes.continuation, 0, 1))],
    ],
    [
      'by DATA frames of nothing (CVE-2019-9518)',
      () => [
        request(1, requestFields([], { method: 'POST', path: '/wait' }), true),
        ...many(500, () => frame(frameTypes.data, 0, 1)),
      ],
    ],
    [
      'by frames for which the server must reset its streams (CVE-2025-8671)',
      () =>
        many(400, (index) =>
          Buffer.concat([
            request(stream(index), requestFields([], { path: '/wait' })),
            frame(frameTypes.windowUpdate, 0, stream(index), uint32(0)),
          ]),
        ),
    ],
    [
      'by a window that overflows',
      () => [
        request(1, requestFields([], { path: '/wait' })),
        frame(frameTypes.windowUpdate, 0, 0, uint32(0x7fffffff)),
      ],
    ],
    ['by a request of an even stream', () => [request(2)]],
    ['by a push', () => [frame(5, flags.endHeaders, 1, uint32(2))]],
  ])('%s', async (_what, octets) => {
    const drops = new Recording('portcullis:drop');
    await attack(await open(), octets());
    expect(await drops.take()).toMatchObject({ reason: 'HTTP2_PROTOCOL' });
  });

  it('by frames that are none, each in a session of its own', async () => {
    const broken: Array<[string, () => Buffer[]]> = [
      ['by DATA of no stream', () => [frame(frameTypes.data, 0, 0, Buffer.from('x'))]],
      [
        'by a header block that is none',
        () => [frame(frameTypes.headers, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
      ],
      ['by SETTINGS of a wrong length', () => [frame(frameTypes.settings, 0, 0, Buffer.alloc(5))]],
      [
        'by more SETTINGS in a frame than there are',
        () => [frame(frameTypes.settings, 0, 0, Buffer.concat(many(40, () => setting(3, 1))))],
      ],
      ['by a frame that is too large', () => [frame(frameTypes.data, 0, 1, Buffer.alloc(20_000))]],
      ['by a PING of a wrong length', () => [frame(frameTypes.ping, 0, 0, Buffer.alloc(7))]],
    ];
    const port = await open({ headersTimeout: 1_000 });
    const drops = new Recording('portcullis:drop');
    const clients = await Promise.all(broken.map(([, octets]) => attack(port, octets())));
    for (const client of clients) expect([1, 6, 9, 11, undefined]).toContain(await client.goaway());
    await drops.take(broken.length);
    // Node 20 does not close what nghttp2 has ended by GOAWAY: there the next limit does.
    for (const { reason } of drops.events) expect(['HTTP2_PROTOCOL', 'HEADERS_TIMEOUT']).toContain(reason);
  });

  it('by HTTP/1.1 where HTTP/2 was agreed', async () => {
    const port = await open();
    const socket = await handshake(port, { ALPNProtocols: ['h2'] });
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await ended(socket);
    expect(runs).toBe(0);
  });

  it('by random octets after the preface', async () => {
    const port = await open();
    for (let seed = 1; seed <= 20; seed++) {
      const noise = Buffer.from(
        Array.from({ length: 300 }, (_, index) => (seed * 7919 * (index + 1) * 31) % 251),
      );
      const client = await RawClient.open(port);
      client.send(frame(seed % 12, (seed * 13) % 256, stream(seed % 3), noise));
      client.socket.end(noise);
      await ended(client.socket);
    }
    expect((await overHttp2(await openSession(port), { path: '/' })).status).toBe(200);
  });
});

describe('the size of a request', () => {
  it('is limited to 16 KiB of header fields, and the session goes on', async () => {
    const client = await RawClient.open(await open());
    const fields = requestFields(
      many(5, () => Buffer.alloc(0)).map((_, index) => [`x-${index}`, 'v'.repeat(3_900)]),
    );
    const block = headerBlock(fields);
    client.send(
      frame(frameTypes.headers, flags.endStream, 1, block.subarray(0, 16_000)),
      frame(frameTypes.continuation, flags.endHeaders, 1, block.subarray(16_000)),
    );
    // 431, or a reset where Node itself has counted.
    const answers: ReadonlySet<number> = new Set([frameTypes.headers, frameTypes.rstStream]);
    await client.next(({ type, stream: id }) => answers.has(type) && id === 1);
    expect(runs).toBe(0);
    client.send(request(3));
    expect(
      await client.next(({ type, stream: id }) => type === frameTypes.headers && id === 3),
    ).toBeDefined();
  });

  it('is limited to 256 header fields, which is more than a browser has cookies', async () => {
    const client = await RawClient.open(await open());
    const cookies = (count: number): Array<readonly [string, string]> =>
      requestFields(Array.from({ length: count }, (_, index) => ['cookie', `c${index}=1`] as const));
    client.send(request(1, cookies(300)), request(3, cookies(200)));
    await client.next(({ type, stream: id }) => type === frameTypes.rstStream && id === 1);
    expect(
      await client.next(({ type, stream: id }) => type === frameTypes.headers && id === 3),
    ).toBeDefined();
    expect(runs).toBe(1);
  });

  it('100 streams are open at a time, and one more is refused', async () => {
    const client = await RawClient.open(await open());
    await client.next(({ type, flags: bits }) => type === frameTypes.settings && bits === 0);
    client.send(frame(frameTypes.settings, flags.ack, 0));
    client.send(...many(101, (index) => request(stream(index), requestFields([], { path: '/wait' }))));
    const refused = await client.next(
      ({ type }) => type === frameTypes.rstStream || type === frameTypes.goaway,
    );
    expect(refused).toBeDefined();
    expect(runs).toBeLessThanOrEqual(100);
  });
});

describe('a client that is too slow', () => {
  it('with its first request is cut', async () => {
    const drops = new Recording('portcullis:drop');
    const client = await RawClient.open(await open({ headersTimeout: 60 }));
    expect(await client.goaway()).toBe(calm);
    expect(await drops.take()).toMatchObject({ reason: 'HEADERS_TIMEOUT' });
  });

  it('with a header block that it never ends is cut', async () => {
    const drops = new Recording('portcullis:drop');
    const client = await RawClient.open(await open({ headersTimeout: 60 }));
    client.send(frame(frameTypes.headers, 0, 1, headerBlock(requestFields())));
    client.send(frame(frameTypes.continuation, 0, 1, headerBlock([['x-slow', 'one']])));
    expect(await client.goaway()).toBe(calm);
    expect(await drops.take()).toMatchObject({ reason: 'HEADERS_TIMEOUT' });
    expect(runs).toBe(0);
  });

  it('with a body gets 408, which is told, and the session goes on', async () => {
    const drops = new Recording('portcullis:drop');
    const port = await open({ requestTimeout: 60 }, { dangerouslyUnlimited: ['headersTimeout'] });
    const session = await openSession(port);
    const upload = session.request({ ':method': 'POST', ':path': '/wait' }, { endStream: false });
    upload.on('error', () => {});
    upload.write('a little');
    const [headers] = (await once(upload, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(408);
    expect(await drops.take()).toMatchObject({ reason: 'REQUEST_TIMEOUT' });
    upload.destroy();
    expect((await overHttp2(session, { path: '/' })).status).toBe(200);
  });

  it('to take an answer, by a window of zero, is cut', async () => {
    const drops = new Recording('portcullis:drop');
    const client = await RawClient.open(await open({ sendTimeout: 80 }), setting(4, 0));
    client.send(request(1, requestFields([], { path: '/large' })));
    await ended(client.socket);
    expect(await drops.take()).toMatchObject({ reason: 'SEND_TIMEOUT' });
  });

  it('to take an answer, while it orders PINGs to be answered, is cut', async () => {
    const drops = new Recording('portcullis:drop');
    const client = await RawClient.open(await open({ sendTimeout: 80 }), setting(4, 0));
    client.send(request(1, requestFields([], { path: '/large' })));
    const pinging = setInterval(() => client.send(frame(frameTypes.ping, 0, 0, Buffer.alloc(8))), 15);
    await ended(client.socket);
    clearInterval(pinging);
    expect(await drops.take()).toMatchObject({ reason: 'SEND_TIMEOUT' });
  });

  it('that has nothing more to ask is told to go, which is no event', async () => {
    const drops = new Recording('portcullis:drop');
    const client = await RawClient.open(await open({ keepAliveTimeout: 60 }));
    client.send(request(1));
    expect(await client.goaway()).toBe(0);
    expect(drops.events).toEqual([]);
  });
});
