import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Limits, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, exchange, handshake, listen, Recording } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const serverOf = (limits: Partial<Limits>): PortcullisServer =>
  createServer({ key: pki.server.key, cert: pki.server.cert, limits }, (_request, response) =>
    response.end('in'),
  );

const request = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close'];

/** From one of the loopback addresses. */
const from = (localAddress: string): ConnectionOptions => ({ localAddress }) as ConnectionOptions;

/** A connection that says nothing, from one of the loopback addresses; open when the server has taken it. */
async function silent(server: PortcullisServer, port: number, localAddress: string): Promise<Socket> {
  const taken = once(server, 'connection');
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  await taken;
  return socket;
}

async function refused(port: number, localAddress: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  await ended(socket);
}

/** Until the server knows that a connection is gone. */
async function gone(server: PortcullisServer, count: number): Promise<void> {
  const left = (): Promise<number> =>
    new Promise((resolve, reject) =>
      server.getConnections((error, open) => (error === null ? resolve(open) : reject(error))),
    );
  while ((await left()) > count) await new Promise((turn) => setImmediate(turn));
}

describe('handshakesPerAddress', () => {
  it('refuses one more pending handshake from an address, and not from another', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ handshakesPerAddress: 2 });
    const port = await listen(server);
    const stalled = [await silent(server, port, '127.0.0.2'), await silent(server, port, '127.0.0.2')];
    await refused(port, '127.0.0.2');
    expect(await drops.take()).toEqual({
      reason: 'HANDSHAKES_PER_ADDRESS',
      remoteAddress: '127.0.0.2',
      remotePort: expect.any(Number),
    });
    expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
    expect(stalled.map((socket) => socket.closed)).toEqual([false, false]);
    expect(drops.events).toHaveLength(1);
    for (const socket of stalled) socket.destroy();
  });

  it('does not count a handshake that has ended, well or not', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ handshakesPerAddress: 1 });
    const port = await listen(server);
    // A client of TLS 1.3 has ended its handshake before the server has.
    const [open] = await Promise.all([handshake(port, from('127.0.0.2')), once(server, 'secureConnection')]);
    (await silent(server, port, '127.0.0.2')).destroy();
    await gone(server, 1);
    expect(await exchange(port, request, from('127.0.0.2'))).toMatch(/^HTTP\/1\.1 200 /);
    expect([open.closed, drops.events]).toEqual([false, []]);
  });
});

describe('connectionsPerAddress', () => {
  it('refuses one more connection from an address, and not from another', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ connectionsPerAddress: 1 });
    const port = await listen(server);
    const first = await handshake(port, from('127.0.0.2'));
    await refused(port, '127.0.0.2');
    expect(await drops.take()).toMatchObject({
      reason: 'CONNECTIONS_PER_ADDRESS',
      remoteAddress: '127.0.0.2',
    });
    expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
    first.destroy();
    await gone(server, 0);
    expect(await exchange(port, request, from('127.0.0.2'))).toMatch(/^HTTP\/1\.1 200 /);
    expect(drops.events).toHaveLength(1);
  });

  it('does not count a proxy that exemptAddresses names', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({
      connectionsPerAddress: 1,
      handshakesPerAddress: 1,
      exemptAddresses: ['127.0.0.2/31'],
    });
    const port = await listen(server);
    const proxy = from('127.0.0.3');
    const open = [await handshake(port, proxy), await handshake(port, proxy), await handshake(port, proxy)];
    const other = await handshake(port);
    await refused(port, '127.0.0.1');
    expect(await drops.take()).toMatchObject({ remoteAddress: '127.0.0.1' });
    expect([...open, other].map((socket) => socket.closed)).toEqual([false, false, false, false]);
  });
});

it('pendingHandshakes ends the oldest of all, so that a new client gets in', async () => {
  const drops = new Recording('portcullis:drop');
  const errors = new Recording('portcullis:handshake-error');
  const server = serverOf({ pendingHandshakes: 2 });
  const port = await listen(server);
  const oldest = await silent(server, port, '127.0.0.2');
  const younger = await silent(server, port, '127.0.0.3');
  const cut = ended(oldest);
  expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
  await cut;
  expect(drops.events).toEqual([
    { reason: 'PENDING_HANDSHAKES', remoteAddress: '127.0.0.2', remotePort: expect.any(Number) },
  ]);
  // It was this side that has ended it: no client has failed.
  expect([younger.closed, errors.events]).toEqual([false, []]);
  younger.destroy();
});

describe('maxConnections', () => {
  it('publishes whom Node drops', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ maxConnections: 1 });
    const port = await listen(server);
    const first = await handshake(port);
    await refused(port, '127.0.0.2');
    expect(await drops.take()).toEqual({
      reason: 'MAX_CONNECTIONS',
      remoteAddress: '127.0.0.2',
      remotePort: expect.any(Number),
    });
    expect(first.closed).toBe(false);
  });

  it('is not reached while there are idle connections: the longest idle makes room', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ maxConnections: 100 });
    const port = await listen(server);
    const idle: TLSSocket[] = [];
    for (let count = 0; count < 99; count++) {
      const [socket] = await Promise.all([handshake(port), once(server, 'secureConnection')]);
      idle.push(socket);
    }
    const [used, longest] = idle as [TLSSocket, TLSSocket];
    used.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(used, 'data');
    const cut = ended(longest);
    expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
    await cut;
    expect(drops.events).toEqual([
      { reason: 'EVICTED', remoteAddress: '127.0.0.1', remotePort: expect.any(Number) },
    ]);
    expect(idle.filter((socket) => socket.closed)).toEqual([longest]);
  });
});

it('who has reset before anybody asks for the address is not let in', async () => {
  const drops = new Recording('portcullis:drop');
  const server = serverOf({});
  const port = await listen(server);
  const [socket] = await Promise.all([
    once(server, 'connection').then(([raw]) => raw as Socket),
    silent(server, port, '127.0.0.2'),
  ]);
  Object.defineProperty(socket, 'remoteAddress', { value: undefined });
  server.emit('connection', socket);
  expect(await drops.take()).toMatchObject({ reason: 'ADDRESS_UNKNOWN' });
  expect(socket.destroyed).toBe(true);
});

it('a pipe has no addresses, and is served as often as connections are allowed in all', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-pipe-'));
  const server = serverOf({ connectionsPerAddress: 1, handshakesPerAddress: 1 });
  const path = join(directory, 'listener');
  server.listen(path);
  await once(server, 'listening');
  const overPipe = { path } as ConnectionOptions;
  const open = await handshake(0, overPipe);
  expect(await exchange(0, request, overPipe)).toMatch(/^HTTP\/1\.1 200 /);
  expect(open.closed).toBe(false);
  await server.shutdown({ timeout: 0 });
  rmSync(directory, { recursive: true });
});

it('nothing is left of connections that came and went', async () => {
  const server = serverOf({ connectionsPerAddress: 3, handshakesPerAddress: 3 });
  const port = await listen(server);
  for (let round = 0; round < 5; round++) {
    const [one, two] = await Promise.all([handshake(port), handshake(port)]);
    const stalled = await silent(server, port, '127.0.0.1');
    for (const socket of [one, two, stalled]) socket.destroy();
    await gone(server, 0);
  }
  expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
});
