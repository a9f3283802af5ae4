import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { readOptions } from '../../lib/listener/options.ts';
import { closeAll, exchange, handshake, listen, plain, received, Recording } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const serverOf = (options: Partial<PortcullisOptions> = {}): PortcullisServer =>
  createServer({ key: pki.server.key, cert: pki.server.cert, ...options }, (_request, response) =>
    response.end('in'),
  );
const brief = (limits: PortcullisOptions['limits']): PortcullisServer =>
  serverOf({ limits: limits!, connectionsCheckingInterval: 20 });

it('every limit is finite by default', () => {
  const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = serverOf();
  expect({ headersTimeout, requestTimeout, keepAliveTimeout, maxConnections }).toEqual({
    headersTimeout: 10_000,
    requestTimeout: 300_000,
    keepAliveTimeout: 60_000,
    maxConnections: 20_000,
  });
});

it('slow clients are looked for every second, not every half minute', () => {
  const { https } = readOptions({ key: pki.server.key, cert: pki.server.cert });
  expect(https).toMatchObject({ connectionsCheckingInterval: 1000 });
});

it('a limit may stand at the top level, as with node:https', () => {
  const server = serverOf({ requestTimeout: 9000, headersTimeout: 8000, keepAliveTimeout: 7000 });
  expect([server.requestTimeout, server.headersTimeout, server.keepAliveTimeout]).toEqual([9000, 8000, 7000]);
});

it('dangerouslyUnlimited switches off the limits that it names, and no other', () => {
  const server = serverOf({
    dangerouslyUnlimited: ['requestTimeout', 'headersTimeout', 'keepAliveTimeout', 'maxConnections'],
  });
  expect([
    server.requestTimeout,
    server.headersTimeout,
    server.keepAliveTimeout,
    server.maxConnections,
  ]).toEqual([0, 0, 0, undefined]);
  expect(serverOf({ dangerouslyUnlimited: ['requestTimeout'] }).headersTimeout).toBe(10_000);
});

describe('a handshake ends in time', () => {
  it.each([
    ['of a client that says nothing', ''],
    ['of a client that stops within its hello', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00])],
  ])('%s', async (_what, octets) => {
    const failures = new Recording('portcullis:handshake-error');
    const port = await listen(brief({ handshakeTimeout: 50 }));
    await plain(port, octets);
    const event = await failures.take();
    expect(event).toEqual({
      code: 'ERR_TLS_HANDSHAKE_TIMEOUT',
      reason: 'the client did not finish the handshake in time',
      remoteAddress: '127.0.0.1',
      remotePort: expect.any(Number),
    });
  });
});

describe('a connection ends in time', () => {
  it('of a client that never sends its headers', async () => {
    const socket = await handshake(await listen(brief({ headersTimeout: 60 })));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('of a client that dribbles its headers', async () => {
    const socket = await handshake(await listen(brief({ headersTimeout: 60 })));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    const dribble = setInterval(() => socket.write('X-More: x\r\n'), 10);
    const answer = await received(socket);
    clearInterval(dribble);
    // What the client still dribbles may reset the connection before it has read the answer; an uncut one never ends.
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  it('of a client that never sends its body', async () => {
    const server = brief({ requestTimeout: 60, headersTimeout: 60 });
    server.removeAllListeners('request');
    server.on('request', (request) => request.resume());
    const socket = await handshake(await listen(server));
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that is idle after an answer, which is no drop', async () => {
    const drops = new Recording('portcullis:drop');
    const socket = await handshake(await listen(brief({ keepAliveTimeout: 20 })));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 200 /);
    expect(drops.events).toEqual([]);
  });
});

it('maxConnections drops what comes beyond it, and serves again when one has left', async () => {
  const server = brief({ maxConnections: 1 });
  const port = await listen(server);
  const first = await handshake(port);
  const dropped = once(server, 'drop');
  const second: Socket = connectTcp(port, '127.0.0.1');
  second.on('error', () => {});
  await Promise.all([dropped, once(second, 'close')]);
  first.destroy();
  await once(first, 'close');
  const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close'];
  // The listener learns a little later than the client that the connection is gone.
  for (;;) {
    try {
      expect(await exchange(port, lines)).toMatch(/^HTTP\/1\.1 200 /);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ECONNRESET') throw error;
    }
  }
});

it('headers larger than maxHeaderSize get 431', async () => {
  const port = await listen(serverOf({ maxHeaderSize: 1024 }));
  const lines = ['GET / HTTP/1.1', 'Host: localhost', `X-Large: ${'x'.repeat(2000)}`];
  expect(await exchange(port, lines)).toMatch(/^HTTP\/1\.1 431 /);
});
