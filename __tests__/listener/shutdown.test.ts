import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, failedHandshake, handshake, listen, received } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const serverOf = (listener: Listener, options: PortcullisOptions = {}): PortcullisServer =>
  createServer({ key: pki.server.key, cert: pki.server.cert, ...options }, listener);

const nothing = { finished: 0, aborted: 0, unanswered: 0, idle: 0, handshaking: 0, upgraded: 0, sessions: 0 };
const durationMs = expect.any(Number);
const head = 'Host: localhost\r\n\r\n';

/** The next request that the server's app gets. */
const nextRequest = (server: Server): Promise<[IncomingMessage, ServerResponse]> =>
  once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;

/** When the server has taken one connection more, which no user hears of while there is no certificate. */
const serverSide = async (server: Server): Promise<void> => {
  const count = (): Promise<number> =>
    new Promise((settle, fail) =>
      server.getConnections((error, open) => (error === null ? settle(open) : fail(error))),
    );
  const before = await count();
  while ((await count()) === before) await new Promise((turn) => setImmediate(turn));
};

describe('a request in flight is answered to its end', () => {
  it('and its client is told that the connection closes', async () => {
    const server = serverOf(() => {});
    const port = await listen(server);
    const socket = await handshake(port);
    socket.write(`GET / HTTP/1.1\r\n${head}`);
    const [, response] = await nextRequest(server);
    const down = server.shutdown();
    expect(await failedHandshake(port)).toBe('ECONNREFUSED');
    const answer = received(socket);
    response.end('late');
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*late/);
    expect(await down).toEqual({ ...nothing, finished: 1, durationMs });
  });

  it('if it is a download whose headers are sent already', async () => {
    const server = serverOf((_request, response) => response.write('first'));
    const socket = await handshake(await listen(server));
    socket.write(`GET / HTTP/1.1\r\nConnection: close\r\n${head}`);
    const [[, response]] = await Promise.all([nextRequest(server), once(socket, 'data')]);
    const down = server.shutdown();
    const rest = received(socket);
    response.end('last');
    expect(await rest).toContain('last');
    expect(await down).toEqual({ ...nothing, finished: 1, durationMs });
  });

  it('if it is an upload', async () => {
    const server = serverOf((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => response.end(`got ${text}`));
    });
    const socket = await handshake(await listen(server));
    socket.write(`POST / HTTP/1.1\r\nContent-Length: 10\r\n${head}12345`);
    await nextRequest(server);
    const down = server.shutdown();
    const answer = received(socket);
    socket.write('67890');
    expect(await answer).toContain('got 1234567890');
    expect(await down).toEqual({ ...nothing, finished: 1, durationMs });
  });

  it('even if it comes on an idle connection after the shutdown has begun', async () => {
    const server = serverOf((_request, response) => response.end('in'));
    const socket = await handshake(await listen(server));
    socket.write(`GET / HTTP/1.1\r\n${head}`);
    await once(socket, 'data');
    const down = server.shutdown();
    socket.write(`GET /again HTTP/1.1\r\n${head}`);
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*in$/);
    expect(await down).toEqual({ ...nothing, finished: 1, durationMs });
  });

  it('and its connection goes on where the app’s own header says so', async () => {
    const server = serverOf((_request, response) => response.setHeader('Connection', 'keep-alive').end('in'));
    const socket = await handshake(await listen(server));
    const down = server.shutdown();
    for (let count = 0; count < 2; count++) {
      socket.write(`GET / HTTP/1.1\r\n${head}`);
      expect(String(await once(socket, 'data'))).toContain('Connection: keep-alive');
    }
    socket.end();
    expect(await down).toEqual({ ...nothing, finished: 2, durationMs });
  });
});

it('an idle connection is ended with a FIN, before the deadline', async () => {
  const server = serverOf((_request, response) => response.end('in'));
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const port = await listen(server);
  const asked = httpsRequest({ port, host: '127.0.0.1', agent }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  const { socket } = answer;
  const failures: unknown[] = [];
  socket.on('error', (error) => failures.push(error));
  const report = await server.shutdown({ timeout: 60_000 });
  await ended(socket);
  expect(report).toEqual({ ...nothing, idle: 1, durationMs });
  expect(failures).toEqual([]);
  agent.destroy();
});

it('a handshake that does not end is ended before the deadline', async () => {
  const server = serverOf(() => {});
  const port = await listen(server);
  const taken = once(server, 'connection');
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await taken;
  expect(await server.shutdown({ timeout: 60_000 })).toEqual({ ...nothing, handshaking: 1, durationMs });
  await ended(socket);
});

it('a connection that waits for the certificate is ended as well', async () => {
  const certificate = { load: () => new Promise<never>(() => {}) };
  const server = createServer({ certificate, logger: false });
  const port = await listen(server);
  const taken = serverSide(server);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await taken;
  expect(await server.shutdown({ timeout: 0 })).toEqual({ ...nothing, handshaking: 1, durationMs });
  await ended(socket);
});

it('a handshake that was begun is finished, and its request answered', async () => {
  const server = serverOf((_request, response) => response.end('in'));
  const port = await listen(server);
  const taken = once(server, 'connection');
  const asked = httpsRequest({ port, host: '127.0.0.1', agent: false, rejectUnauthorized: false }).end();
  await taken;
  const down = server.shutdown();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
  expect(await down).toEqual({ ...nothing, finished: 1, durationMs });
});

describe('the deadline', () => {
  it('cuts what is left, and says what it was', async () => {
    const server = serverOf(() => {});
    server.on('upgrade', (_request, socket: Duplex) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    const port = await listen(server);
    const [waiting, upgraded] = [await handshake(port), await handshake(port)];
    waiting.write(`GET / HTTP/1.1\r\n${head}`);
    await nextRequest(server);
    upgraded.write(`GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${head}`);
    await once(upgraded, 'data');
    const [report] = await Promise.all([
      server.shutdown({ timeout: 50 }),
      ended(waiting),
      ended(upgraded.resume()),
    ]);
    expect(report).toEqual({ ...nothing, aborted: 1, upgraded: 1, durationMs });
  });

  it('is at once with 0', async () => {
    const server = serverOf(() => {});
    const port = await listen(server);
    const taken = once(server, 'connection');
    const stalled = connect(port, '127.0.0.1');
    stalled.on('error', () => {});
    await taken;
    const [idle] = await Promise.all([handshake(port), once(server, 'secureConnection')]);
    const busy = await handshake(port);
    busy.write(`GET / HTTP/1.1\r\n${head}`);
    await nextRequest(server);
    const report = await server.shutdown({ timeout: 0 });
    await Promise.all([ended(stalled), ended(idle), ended(busy)]);
    expect(report).toEqual({ ...nothing, aborted: 1, idle: 1, handshaking: 1, durationMs });
  });
});

it('a request whose client has gone counts as aborted', async () => {
  const server = serverOf(() => {});
  const socket = await handshake(await listen(server));
  socket.write(`GET / HTTP/1.1\r\n${head}`);
  await nextRequest(server);
  const down = server.shutdown();
  socket.destroy();
  expect(await down).toEqual({ ...nothing, aborted: 1, durationMs });
});

it('a second call gives the same promise', async () => {
  const server = serverOf(() => {});
  await listen(server);
  const first = server.shutdown({ timeout: 1_000 });
  expect(server.shutdown({ timeout: 0 })).toBe(first);
  expect(await first).toEqual({ ...nothing, durationMs });
});

it('a server that never listened has nothing to end', async () => {
  expect(await serverOf(() => {}).shutdown()).toEqual({ ...nothing, durationMs });
});

it('a server may listen again, and be shut down again', async () => {
  const server = serverOf((_request, response) => response.end('in'));
  await listen(server);
  const first = server.shutdown();
  await first;
  const socket = await handshake(await listen(server));
  socket.write(`GET / HTTP/1.1\r\n${head}`);
  expect(String(await once(socket, 'data'))).toContain('Connection: keep-alive');
  const second = server.shutdown({ timeout: 0 });
  expect(second).not.toBe(first);
  expect(await second).toEqual({ ...nothing, idle: 1, durationMs });
});

it('the plain listener stops too, with the connections that say nothing on it', async () => {
  const server = serverOf(() => {}, { redirect: { port: 0 } });
  await listen(server);
  const redirect = server.redirect!;
  if (!redirect.listening) await once(redirect, 'listening');
  const taken = once(redirect, 'connection');
  const { port } = redirect.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await taken;
  await server.shutdown({ timeout: 60_000 });
  await ended(socket.resume());
  expect([server.listening, redirect.listening]).toEqual([false, false]);
});

it.each([
  ['a negative time', { timeout: -1 }, 'OPTION_INVALID', 'shutdown.timeout'],
  ['a text', { timeout: '10s' }, 'OPTION_INVALID', 'shutdown.timeout'],
  ['Infinity', { timeout: Infinity }, 'OPTION_INVALID', 'shutdown.timeout'],
  ['a misspelt name', { timeOut: 1 }, 'OPTION_UNKNOWN', 'shutdown.timeOut'],
  ['a bare number', 1_000, 'OPTION_INVALID', 'shutdown'],
])('%s for the deadline is a ConfigError, and nothing is shut down', async (_what, options, code, path) => {
  const server = serverOf(() => {});
  await listen(server);
  await expect(server.shutdown(options as never)).rejects.toMatchObject({ name: 'ConfigError', code, path });
  expect(server.listening).toBe(true);
});

it('closeAllConnections ends handshakes and upgraded connections too', async () => {
  const server = serverOf(() => {});
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  const port = await listen(server);
  const taken = once(server, 'connection');
  const stalled = connect(port, '127.0.0.1');
  stalled.on('error', () => {});
  await taken;
  const upgraded = await handshake(port);
  upgraded.write(`GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${head}`);
  await once(upgraded, 'data');
  server.closeAllConnections();
  await Promise.all([ended(stalled), ended(upgraded.resume())]);
  expect(stalled.closed && upgraded.closed).toBe(true);
});
