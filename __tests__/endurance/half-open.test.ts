import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeEverything, open } from '../support/attacks.ts';
import { endChildren } from '../tickets/children.ts';
import { endFaultServers, FaultServer, type State } from './fault-server.ts';

/** Milliseconds that each of them is held for, as tests have less patience than servers. */
const limits = {
  handshakeTimeout: 1_000,
  headersTimeout: 1_000,
  requestTimeout: 2_000,
  keepAliveTimeout: 1_000,
  sendTimeout: 1_000,
};

let pki: TestPki;
let server: FaultServer;
let before: State;
const sockets: Socket[] = [];
const clients: ChildProcess[] = [];
beforeAll(async () => {
  pki = await createTestPki();
  const clientAuth = { mode: 'optional', ca: pki.ca } as const;
  const { key, cert } = pki.server;
  server = await FaultServer.start({
    key,
    cert,
    clientAuth,
    http2: true,
    limits,
    connectionsCheckingInterval: 50,
  });
  for (let count = 0; count < 20; count++) {
    // oxlint-disable-next-line no-await-in-loop -- what the first connections leave behind in a process
    await (await good()).ask('/');
  }
  await closeEverything();
  before = await server.until(({ open: count }) => count === 0);
}, 60_000);
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const client of clients.splice(0)) client.kill('SIGKILL');
  await closeEverything();
});
afterAll(async () => {
  await endFaultServers();
  await endChildren();
});

const good = (): ReturnType<typeof open> =>
  open(server.port, { ca: pki.ca, key: pki.clients.good.key, cert: pki.clients.good.chain });

const unharmed = { grown: false, crashes: [], answer: { status: 200, body: 'good' } };

/** What is left of them, and what the next client meets. */
async function recovery(): Promise<object> {
  const after = await server.until(({ open: count, files }) => count === 0 && files! <= before.files!);
  const answer = await (await good()).ask('/');
  return { grown: after.used - before.used > 16, crashes: server.crashes, answer };
}

/** The reasons of the drops that follow. */
async function drops(from: number, count: number): Promise<string[]> {
  const seen = (): string[] => server.news.slice(from).flatMap(({ drop }) => drop ?? []);
  await server.told(() => seen().length >= count, 0);
  return seen();
}

function plain(): Socket {
  const socket = connectPlain(server.port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket.resume());
  return socket;
}

/** TLS, and the TCP below it. */
async function secured(alpn: 'h2' | 'http/1.1'): Promise<{ tls: TLSSocket; raw: Socket }> {
  const raw = plain();
  await once(raw, 'connect');
  const tls = connect({ socket: raw, ca: pki.ca, servername: 'localhost', ALPNProtocols: [alpn] });
  tls.on('error', () => {});
  sockets.push(tls);
  await once(tls, 'secureConnect');
  return { tls, raw };
}

const hello = Buffer.from('16030102000100', 'hex');

it.each<[string, (socket: Socket) => void]>([
  ['says nothing', () => {}],
  ['stops in its hello', (socket) => socket.write(hello)],
])('a client that %s is cut by the time-out of the handshake', async (_what, say) => {
  const from = server.news.length;
  const closed = Array.from({ length: 20 }, () => {
    const socket = plain();
    say(socket);
    return new Promise<void>((settle) => socket.once('close', () => settle()));
  });
  await Promise.all(closed);
  expect(new Set(await drops(from, 20))).toEqual(new Set(['HANDSHAKE_TIMEOUT']));
  expect(await recovery()).toEqual(unharmed);
});

describe.each(['http/1.1', 'h2'] as const)('over %s', (alpn) => {
  it('a client that is silent after its handshake is closed', async () => {
    const { tls } = await secured(alpn);
    tls.resume();
    await once(tls, 'close');
    expect(await recovery()).toEqual(unharmed);
  });

  it.each<[string, (raw: Socket) => void]>([
    ['ends without a close_notify', (raw) => raw.end()],
    ['resets', (raw) => raw.resetAndDestroy()],
  ])('a client that %s, in a handshake or after it, leaves nothing behind', async (_what, leave) => {
    const early = plain();
    await once(early, 'connect');
    early.write(hello);
    leave(early);
    const { raw } = await secured(alpn);
    leave(raw);
    expect(await recovery()).toEqual(unharmed);
  });
});

/** A whole head, and a tenth of the body. */
const halfRequest = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n0123456789';

it.each<[string, (raw: Socket) => void]>([
  ['ended', (raw) => raw.end()],
  ['reset', (raw) => raw.resetAndDestroy()],
])('half a request of HTTP/1.1 that is %s is not answered as a whole one', async (_what, leave) => {
  const { tls, raw } = await secured('http/1.1');
  let text = '';
  tls.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const closed = new Promise<void>((settle) => tls.once('close', () => settle()));
  await new Promise<void>((sent) => tls.write(halfRequest, () => sent()));
  leave(raw);
  await closed;
  expect(text).not.toContain('HTTP/1.1 200');
  expect(await recovery()).toEqual(unharmed);
});

it('half a request of HTTP/2 whose connection is gone is not answered, and those beside it are', async () => {
  const { raw } = await secured('http/1.1');
  raw.resetAndDestroy();
  const plainSocket = plain();
  await once(plainSocket, 'connect');
  const broken = connectHttp2('https://localhost', {
    createConnection: () =>
      connect({ socket: plainSocket, ca: pki.ca, servername: 'localhost', ALPNProtocols: ['h2'] }),
  });
  const intact = connectHttp2(`https://127.0.0.1:${server.port}`, { ca: pki.ca });
  broken.on('error', () => {});
  await once(broken, 'connect');
  const half = broken.request({ ':path': '/', ':method': 'POST', 'content-length': '100' });
  const statuses: unknown[] = [];
  half.on('response', ({ ':status': status }) => statuses.push(status));
  half.on('error', () => {});
  const closed = once(broken, 'close');
  await new Promise<void>((sent) => half.write('0123456789', () => sent()));
  plainSocket.resetAndDestroy();
  await closed;
  expect(statuses).toEqual([]);
  const whole = intact.request({ ':path': '/' });
  const [{ ':status': status }] = (await once(whole, 'response')) as [Record<string, unknown>];
  whole.resume();
  await once(whole, 'close');
  expect(status).toBe(200);
  const ended = once(intact, 'close');
  intact.close();
  await ended;
  expect(await recovery()).toEqual(unharmed);
});

const readers = {
  'http/1.1': `
    const socket = require('node:tls').connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false }, () => {
      socket.write('GET /pour HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n');
    });
    socket.once('data', () => process.send('reads'));
    socket.resume();`,
  h2: `
    const session = require('node:http2').connect('https://127.0.0.1:' + port, { rejectUnauthorized: false });
    for (let count = 0; count < 4; count++) session.request({ ':path': '/pour' }).resume();
    session.request({ ':path': '/pour' }).once('data', () => process.send('reads')).resume();`,
};

it.each(['http/1.1', 'h2'] as const)(
  'a client that stops with an answer of %s pending is cut, and the answer costs no memory',
  async (alpn) => {
    const from = server.news.length;
    const client = spawn(process.execPath, ['--eval', `const port = ${server.port};${readers[alpn]}`], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    clients.push(client);
    await once(client, 'message');
    // As one whose machine has lost its power, or its network.
    client.kill('SIGSTOP');
    const reasons = await drops(from, 1);
    expect(reasons.filter((reason) => !['SEND_TIMEOUT', 'HTTP2_PROTOCOL'].includes(reason))).toEqual([]);
    expect(await recovery()).toEqual(unharmed);
  },
);
