import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { createServer, denyList, type DenyList, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { denialsOf } from '../../lib/trust/deny-list/deny-list.ts';
import { ConnectionEntry } from '../../lib/listener/connections/connection-entry.ts';
import { DeniedClients } from '../../lib/listener/lifecycle/denied-clients.ts';
import { closeAll, ended, handshake, listen, received } from './harness.ts';
import { closeSessions, openSession } from './http2-harness.ts';

let pki: TestPki;
let list: DenyList;
let server: PortcullisServer;
const answers: ServerResponse[] = [];

beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(async () => {
  closeSessions();
  answers.length = 0;
  await closeAll();
});

async function serve(): Promise<number> {
  list = denyList();
  const clientAuth = { mode: 'optional', ca: pki.ca, denyList: list } as const;
  server = createServer({ ...pki.server, clientAuth, http2: true, logger: false }, (_request, response) => {
    answers.push(response);
  });
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  });
  return listen(server);
}

const connect = (port: number, client: keyof TestPki['clients'] = 'good'): Promise<TLSSocket> => {
  const { key, chain } = pki.clients[client];
  return handshake(port, { key, cert: chain, servername: 'localhost' });
};
const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const deny = (): void => list.add({ certificate: pki.clients.good.certificate });

it('an idle connection is closed, and that of nobody else', async () => {
  const port = await serve();
  const [idle, other] = await Promise.all([connect(port), connect(port, 'spiffe')]);
  idle.resume();
  deny();
  await ended(idle);
  const asked = once(server, 'request');
  other.write(get);
  await asked;
  expect([other.destroyed, idle.destroyed]).toEqual([false, true]);
});

it('the answer in flight is sent to its end, with Connection: close where that can still be said', async () => {
  const port = await serve();
  const sockets = await Promise.all([connect(port), connect(port)]);
  for (const [index, socket] of sockets.entries()) {
    const asked = once(server, 'request');
    socket.write(get);
    await asked;
    if (index === 1) answers[1]!.write('begun, ');
  }
  const all = Promise.all(sockets.map(received));
  deny();
  await new Promise((settle) => setImmediate(settle));
  for (const answer of answers) answer.end('done');
  const [whole, begun] = await all;
  expect(whole).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\bConnection: close\r\n[^]*done$/);
  expect(begun).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*begun, [^]*done\r\n0\r\n\r\n$/);
});

it('what was upgraded is cut at once', async () => {
  const port = await serve();
  const socket = await connect(port);
  const upgraded = once(socket, 'data') as Promise<[Buffer]>;
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  expect(String((await upgraded)[0])).toContain('101');
  deny();
  await ended(socket);
  expect(server.stats().connections.open).toBe(0);
});

it('over HTTP/2 the streams in flight end, and the session after them', async () => {
  const port = await serve();
  const { key, chain } = pki.clients.good;
  const session = await openSession(port, { key, cert: chain, servername: 'localhost' }, 'localhost');
  const asked = once(server, 'request');
  const stream = session.request({ ':path': '/' });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await asked;
  const goaway = once(session, 'goaway');
  deny();
  await goaway;
  expect(session.destroyed).toBe(false);
  const closed = Promise.all([once(stream, 'close'), once(session, 'close')]);
  answers[0]!.end('done');
  await closed;
  expect(text).toBe('done');
});

it('an answer that does not end is cut after a while', async () => {
  const port = await serve();
  const socket = await connect(port);
  const asked = once(server, 'request');
  socket.write(get);
  await asked;
  const { socket: raw } = answers[0]!.req;
  const entry = new ConnectionEntry(raw, undefined, 0);
  entry.phase = 'http1';
  entry.requests = 1;
  const denied = new DeniedClients(() => [entry], undefined, { grace: 1, patience: 5 });
  denied.follow(denialsOf(list), { info: () => {}, warn: () => {} }, () => {});
  deny();
  await ended(socket.resume());
  expect([entry.leaving, raw.destroyed]).toEqual([true, true]);
  denied.stop();
});

it('a server that is closed follows its list no more, and one that listens again does', async () => {
  const port = await serve();
  const { denials, follows } = counting(list);
  expect(follows()).toBe(1);
  server.close();
  await once(server, 'close');
  expect(follows()).toBe(0);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect([follows(), denials.settled]).toEqual([1, true]);
});

/** How many are told of a change. */
function counting(of: DenyList): {
  denials: NonNullable<ReturnType<typeof denialsOf>>;
  follows: () => number;
} {
  const denials = denialsOf(of)!;
  return { denials, follows: () => denials.followers };
}
