import { createPrivateKey } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { get } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  createAgent,
  createFetch,
  type TlsAgent,
  type TlsClientOptions,
  type TlsFetch,
} from 'portcullis/client';
import { exportPkcs12 } from 'portcullis/pki';
import { systemClock } from '../../lib/clock.ts';
import { oddCertificate, type OddCertificate } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';
import { clientCertificate, ahead, otherRoot, pinOf, root, serverCertificate, strangePin } from './pki.ts';

/** A server that answers when it is told to, and counts its connections. */
interface Server {
  readonly port: number;
  readonly connections: boolean[];
  readonly paths: string[];
  /** Subjects of the clients, one for each connection. */
  readonly clients: Array<string | undefined>;
  /** Each connection, before its handshake. */
  readonly whenConnected: () => Promise<unknown>;
  /** Each path as it comes. */
  readonly arrivals: EventEmitter;
  /** Answers at once, or not before `release`. */
  hold: boolean;
  readonly release: () => void;
  readonly show: (leaf: OddCertificate) => void;
  readonly allClosed: () => Promise<void>;
  readonly close: () => void;
}

const leaf = serverCertificate();
const other = serverCertificate({ issuer: otherRoot });
const open = new Set<{ close: () => unknown }>();

async function start(version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<Server> {
  const contextOf = ({ key, certificate }: OddCertificate) =>
    ({ key, cert: certificate, minVersion: version, maxVersion: version }) as const;
  const sockets = new Set<Socket>();
  const held: Array<() => void> = [];
  const asking = { requestCert: true, rejectUnauthorized: false };
  const server = createServer({ ...contextOf(leaf), ...asking }, (socket: TLSSocket) => {
    self.connections.push(socket.isSessionReused());
    self.clients.push(socket.getPeerX509Certificate()?.subject);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      const path = chunk.toString().split(' ')[1]!;
      self.paths.push(path);
      self.arrivals.emit(path);
      const answer = (): void => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nin');
      if (self.hold) held.push(answer);
      else answer();
    });
  });
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const self: Server = {
    port: (server.address() as AddressInfo).port,
    connections: [],
    paths: [],
    clients: [],
    whenConnected: () => once(server, 'connection'),
    arrivals: new EventEmitter(),
    hold: false,
    release: () => {
      for (const answer of held.splice(0)) answer();
    },
    show: (shown) => server.setSecureContext(contextOf(shown)),
    allClosed: async () => {
      await Promise.all([...sockets].map((socket) => new Promise((done) => socket.once('close', done))));
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  open.add(self);
  return self;
}

afterEach(() => {
  jest.restoreAllMocks();
  for (const one of open) void one.close();
  open.clear();
});

const trusting: TlsClientOptions = { ca: root.certificate };

function agentOf(options: Parameters<typeof createAgent>[0]): TlsAgent {
  const agent = createAgent(options);
  open.add({ close: () => agent.destroy() });
  return agent;
}

function fetchOf(options: Parameters<typeof createFetch>[0]): TlsFetch {
  const own = createFetch(options);
  open.add({ close: () => own.close() });
  return own;
}

const send = (agent: TlsAgent, { port }: Server, path: string): ClientRequest =>
  get({ host: '127.0.0.1', port, path, agent });

function answered(request: ClientRequest): Promise<string> {
  return new Promise((settle, fail) => {
    request.on('error', fail);
    request.on('response', (response: IncomingMessage) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => settle(body));
    });
  });
}

/** Until the connection is in the pool, or gone. */
async function ask(agent: TlsAgent, server: Server, path: string): Promise<string> {
  const request = send(agent, server, path);
  const closed = new Promise((done) => request.once('close', done));
  const body = await answered(request);
  await closed;
  return body;
}

const isThere = async (server: Server, path: string): Promise<void> => {
  if (!server.paths.includes(path)) await once(server.arrivals, path);
};

/** A client of this common name. */
const clientNamed = (name: string): OddCertificate =>
  oddCertificate({ issuer: root, subject: commonName(name) });

const otherPins = { pins: [strangePin(), strangePin()] };
/** Of a client that has `leaf` pinned. */
const pinning = { ...trusting, pins: [pinOf(leaf), strangePin()] };

/** Takes all connections of a pool, so that the next request opens one. */
async function occupy(
  server: Server,
  request: (path: string) => Promise<string>,
): Promise<Array<{ answer: Promise<string> }>> {
  const answers: Array<{ answer: Promise<string> }> = [];
  while (answers.length < server.connections.length) {
    const path = `/held/${answers.length}`;
    answers.push({ answer: request(path) });
    // oxlint-disable-next-line no-await-in-loop -- one after another
    await isThere(server, path);
  }
  return answers;
}

describe('a session that is resumed', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is judged again over %s', async (version) => {
    const server = await start(version);
    const agent = agentOf({ ...pinning, keepAlive: false });
    for (const path of ['/1', '/2', '/3']) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      expect(await ask(agent, server, path)).toBe('in');
    }
    expect(server.connections).toEqual([false, true, true]);
    // Its certificate runs out in a day.
    jest.spyOn(Date, 'now').mockReturnValue(ahead(2).getTime());
    await expect(ask(agent, server, '/4')).rejects.toMatchObject({ reason: 'CERTIFICATE_EXPIRED' });
    expect(server.paths).toEqual(['/1', '/2', '/3']);
  });

  it('is not resumed after a change of the pins', async () => {
    const server = await start();
    const agent = agentOf({ ...pinning, keepAlive: false });
    await ask(agent, server, '/1');
    expect(await agent.reload(otherPins)).toEqual({ changed: true });
    await expect(ask(agent, server, '/2')).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    expect(await agent.reload({ pins: pinning.pins })).toEqual({ changed: true });
    await ask(agent, server, '/3');
    expect([server.paths, server.connections]).toEqual([
      ['/1', '/3'],
      [false, false],
    ]);
  });

  it.each(
    (['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) => [
      ['an agent', version] as const,
      ['a fetch', version] as const,
    ]),
  )('of %s over %s is judged by the pins that have come during its handshake', async (way, version) => {
    const server = await start(version);
    const agent = agentOf({ ...pinning, keepAlive: false });
    const own = fetchOf(pinning);
    const url = `https://127.0.0.1:${server.port}`;
    const [client, request] =
      way === 'an agent'
        ? [agent, (path: string) => ask(agent, server, path)]
        : [own, async (path: string) => (await own(url + path)).text()];
    await request('/1');
    server.hold = true;
    // The agent keeps none.
    const answers = way === 'a fetch' ? await occupy(server, request) : [];
    const isReused = jest.spyOn(TLSSocket.prototype, 'isSessionReused');
    const connected = server.whenConnected();
    const refused = Promise.allSettled([request('/2')]);
    await connected;
    await client.reload(otherPins);
    expect(await refused).toMatchObject([{ status: 'rejected', reason: { code: 'PIN_MISMATCH' } }]);
    expect(isReused.mock.results.map(({ value }) => value)).toContain(true);
    expect(server.paths).not.toContain('/2');
    server.release();
    await Promise.all(answers.map(({ answer }) => answer));
  });

  it('is none once the server has another certificate', async () => {
    const server = await start();
    const agent = agentOf({ ...trusting, keepAlive: false });
    await ask(agent, server, '/1');
    server.show(other);
    await expect(ask(agent, server, '/2')).rejects.toMatchObject({ reason: 'ISSUER_UNKNOWN' });
    expect(server.paths).toEqual(['/1']);
  });

  it('belongs to one agent, and one host', async () => {
    const server = await start();
    const agent = agentOf({ ...trusting, keepAlive: false });
    await ask(agent, server, '/1');
    await ask(agentOf({ ...trusting, keepAlive: false }), server, '/2');
    await answered(get({ host: 'localhost', family: 4, port: server.port, path: '/3', agent }));
    expect(server.connections).toEqual([false, false, false]);
  });
});

describe('a connection in the pool', () => {
  it('is used again', async () => {
    const server = await start();
    const agent = agentOf(pinning);
    await ask(agent, server, '/1');
    await ask(agent, server, '/2');
    expect(server.connections).toHaveLength(1);
  });

  it.each([
    [
      'agent',
      async (server: Server): Promise<unknown> => {
        const agent = agentOf(pinning);
        await ask(agent, server, '/1');
        jest.spyOn(Date, 'now').mockReturnValue(ahead(2).getTime());
        return ask(agent, server, '/2');
      },
    ],
    [
      'fetch',
      async (server: Server): Promise<unknown> => {
        const own = fetchOf(pinning);
        await (await own(`https://127.0.0.1:${server.port}/1`)).text();
        jest.spyOn(Date, 'now').mockReturnValue(ahead(2).getTime());
        return own(`https://127.0.0.1:${server.port}/2`);
      },
    ],
  ])('is not used by %s once its certificate has run out', async (_way, use) => {
    const server = await start();
    await expect(use(server)).rejects.toMatchObject({ reason: 'CERTIFICATE_EXPIRED' });
    expect(server.paths).toEqual(['/1']);
  });

  it('is closed by a reload that changes something, and by no other', async () => {
    const server = await start();
    const agent = agentOf(pinning);
    await ask(agent, server, '/1');
    expect(await agent.reload()).toEqual({ changed: false });
    await ask(agent, server, '/2');
    expect(server.connections).toHaveLength(1);
    await agent.reload(otherPins);
    await server.allClosed();
    await expect(ask(agent, server, '/3')).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    expect(server.paths).toEqual(['/1', '/2']);
  });

  it('is closed when another client certificate comes', async () => {
    const server = await start();
    const agent = agentOf(trusting);
    await ask(agent, server, '/1');
    const { key, certificate } = clientCertificate;
    await agent.reload({ key, cert: certificate });
    await ask(agent, server, '/2');
    expect(server.connections).toEqual([false, false]);
  });
});

describe('a request under way', () => {
  it('ends where it has begun, and leaves no connection to the one that waits for its place', async () => {
    const server = await start();
    const agent = agentOf({ ...pinning, maxSockets: 1 });
    server.hold = true;
    const first = answered(send(agent, server, '/1'));
    const second = answered(send(agent, server, '/2'));
    await isThere(server, '/1');
    await agent.reload(otherPins);
    server.release();
    expect(await first).toBe('in');
    await expect(second).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    expect(server.paths).toEqual(['/1']);
  });

  it('of a fetch ends where it has begun, too', async () => {
    const server = await start();
    const own = fetchOf(pinning);
    server.hold = true;
    const url = `https://127.0.0.1:${server.port}`;
    const first = own(`${url}/1`);
    await isThere(server, '/1');
    await own.reload(otherPins);
    await expect(own(`${url}/2`)).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    server.release();
    expect(await (await first).text()).toBe('in');
    await own.close();
    await expect(own(`${url}/3`)).rejects.toMatchObject({ name: 'TypeError' });
    expect(server.paths).toEqual(['/1']);
  });
});

const post = (own: TlsFetch, { port }: Server, path: string): Promise<Response> =>
  own(`https://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: new Blob(['whole']).stream(),
    duplex: 'half',
  } as RequestInit);

/** Once undici has it in its queue. */
async function queued(own: TlsFetch, server: Server, path: string): Promise<{ answer: Promise<Response> }> {
  const channel = 'undici:request:create';
  let stop = (): void => undefined;
  const isQueued = new Promise<void>((done) => {
    const listener = (message: unknown): void => {
      if ((message as { request: { path: string } }).request.path === path) done();
    };
    subscribe(channel, listener);
    stop = () => void unsubscribe(channel, listener);
  });
  const answer = post(own, server, path);
  answer.catch(() => undefined);
  await isQueued;
  stop();
  return { answer };
}

describe('a request that waits for its turn', () => {
  it.each([
    ['another configuration', (own: TlsFetch) => own.reload(otherPins), { code: 'PIN_MISMATCH' }],
    [
      'another day',
      () => void jest.spyOn(Date, 'now').mockReturnValue(ahead(2).getTime()),
      { reason: 'CERTIFICATE_EXPIRED' },
    ],
  ])('does not go over a connection of %s', async (_other, change, refusal) => {
    const server = await start();
    const own = fetchOf({ ...pinning, connections: 1 });
    server.hold = true;
    const first = post(own, server, '/1');
    await isThere(server, '/1');
    const { answer } = await queued(own, server, '/2');
    await change(own);
    server.release();
    expect(await (await first).text()).toBe('in');
    await expect(answer).rejects.toMatchObject(refusal);
    await own.close();
    expect(server.paths).toEqual(['/1']);
  });

  it('goes over a new one, with its body', async () => {
    const server = await start();
    const own = fetchOf({ ...pinning, connections: 1 });
    server.hold = true;
    const first = post(own, server, '/1');
    await isThere(server, '/1');
    const { answer } = await queued(own, server, '/2');
    await own.reload({ pins: [pinOf(leaf), strangePin()] });
    server.release();
    await (await first).text();
    await isThere(server, '/2');
    server.release();
    expect(await (await answer).text()).toBe('in');
    expect(server.connections).toHaveLength(2);
  });
});

describe('close', () => {
  it('waits for what has waited for its turn when the configuration changed', async () => {
    const server = await start();
    const own = fetchOf({ ...pinning, connections: 1 });
    server.hold = true;
    const first = post(own, server, '/1');
    await isThere(server, '/1');
    const { answer } = await queued(own, server, '/2');
    await own.reload({ handshakeTimeout: 9_000 });
    const closing = own.close();
    await expect(own('https://127.0.0.1:9/')).rejects.toMatchObject({ name: 'TypeError' });
    server.release();
    await (await first).text();
    await isThere(server, '/2');
    server.release();
    expect(await (await answer).text()).toBe('in');
    await closing;
  });

  it.each([false, true])('ends what nobody reads, over HTTP/2: %s', async (http2) => {
    const server = createSecureServer(
      { key: leaf.key, cert: leaf.certificate, allowHTTP1: true },
      (_request, response) => void response.write('the beginning'),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const own = createFetch({ ...trusting, http2, connections: 1 });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const response = await own(url);
    const second = Promise.allSettled([own(url).then((later) => later.text())]);
    await own.close({ timeout: 1 });
    const outcomes = [...(await Promise.allSettled([response.text()])), ...(await second)];
    const ended = { status: 'rejected', reason: { name: 'TypeError' } };
    expect(outcomes).toMatchObject([ended, ended]);
    server.close();
    await expect(own.close({ timeout: '1' } as never)).rejects.toMatchObject({ path: 'close.timeout' });
  });
});

describe('files', () => {
  let folder: string;
  const put = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    return file;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-client-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are read anew when they change, and a bad one changes nothing', async () => {
    const server = await start();
    const file = put('ca.pem', root.certificate);
    const agent = agentOf({ ca: { file } });
    await ask(agent, server, '/1');
    put('ca.pem', otherRoot.certificate);
    // By the watcher: nobody else closes the connection in the pool.
    await server.allClosed();
    await expect(ask(agent, server, '/2')).rejects.toMatchObject({ reason: 'ISSUER_UNKNOWN' });
    put('ca.pem', 'nothing');
    await expect(agent.reload()).rejects.toMatchObject({ code: 'CA_INVALID', path: 'ca.file' });
    server.show(other);
    expect(await ask(agent, server, '/3')).toBe('in');
  });

  it('are read from then on, even where they say the same as what was given before', async () => {
    const { key, certificate: cert } = clientCertificate;
    const keyFile = put('moved.key', key);
    const certFile = put('moved.pem', cert);
    const server = await start();
    const agent = agentOf({ ...trusting, key, cert, watch: false });
    expect(await agent.reload({ certificate: { keyFile, certFile } })).toEqual({ changed: false });
    const next = clientNamed('moved');
    put('moved.key', next.key);
    put('moved.pem', next.certificate);
    expect(await agent.reload()).toEqual({ changed: true });
    await ask(agent, server, '/1');
    expect(server.clients).toEqual(['CN=moved']);
  });

  it('hold the client’s key', async () => {
    const keyFile = put('client.key', clientCertificate.key);
    const certFile = put('client.pem', clientCertificate.certificate);
    const server = await start();
    const agent = agentOf({ ...trusting, certificate: { keyFile, certFile }, watch: false });
    await ask(agent, server, '/1');
    expect(await agent.reload()).toEqual({ changed: false });
    await expect(agent.reload({ passphrase: 'x' })).rejects.toMatchObject({
      code: 'OPTION_CONFLICT',
      path: 'passphrase',
    });
    const next = clientNamed('next');
    put('client.key', next.key);
    put('client.pem', next.certificate);
    expect(await agent.reload()).toEqual({ changed: true });
    await ask(agent, server, '/2');
    expect(server.clients).toEqual(['CN=a client that wants to stay unknown', 'CN=next']);
    put('client.key', leaf.key);
    await expect(agent.reload()).rejects.toMatchObject({
      code: 'KEY_MISMATCH',
      path: 'certificate.certFile',
    });
  });
});

describe('reload()', () => {
  it('rejects, and never throws', async () => {
    const agent = agentOf(trusting);
    const changes = Object.defineProperty({}, 'pins', {
      enumerable: true,
      get: () => {
        throw new Error('not today');
      },
    });
    await expect(agent.reload(changes)).rejects.toThrow('not today');
  });
});

describe('the client’s certificate', () => {
  const [before, after] = [clientNamed('before'), clientNamed('after')];
  const pem = ({ key, certificate: cert }: OddCertificate) => ({ key, cert });
  const encrypted = ({ key, certificate: cert }: OddCertificate, passphrase: string) => ({
    key: createPrivateKey(key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString(),
    cert,
  });
  const pfxOf = ({ key, certificate }: OddCertificate, passphrase: string): Promise<Buffer> =>
    exportPkcs12({ key, certificate, passphrase, iterations: 2048 });

  /** Whom the server has seen, after each of the changes. */
  async function seen(
    options: TlsClientOptions,
    ...changes: ReadonlyArray<Partial<TlsClientOptions>>
  ): Promise<Server['clients']> {
    const server = await start();
    const agent = agentOf({ ...trusting, ...options });
    await ask(agent, server, '/0');
    for (const change of changes) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      expect(await agent.reload(change)).toEqual({ changed: true });
      // oxlint-disable-next-line no-await-in-loop -- one after another
      await ask(agent, server, '/');
    }
    return server.clients;
  }

  it('is that of a PFX, and of the next one with the same passphrase', async () => {
    const [pfx, next] = await Promise.all([pfxOf(before, 'same'), pfxOf(after, 'same')]);
    expect(await seen({ pfx, passphrase: 'same' }, { pfx: next })).toEqual(['CN=before', 'CN=after']);
  });

  it('goes from one way to another, and takes no passphrase along', async () => {
    const pfx = await pfxOf(before, 'first');
    const clients = await seen(
      { pfx, passphrase: 'first' },
      { ...encrypted(after, 'second'), passphrase: 'second' },
      encrypted(before, 'second'),
      pem(after),
      { key: undefined, cert: undefined },
    );
    expect(clients).toEqual(['CN=before', 'CN=after', 'CN=before', 'CN=after', undefined]);
  });

  it('stays where another option changes, though its key was wiped, or another way is left out by name', async () => {
    const key = Buffer.from(before.key);
    const options = { key, cert: before.certificate };
    const server = await start();
    const agent = agentOf({ ...trusting, ...options });
    key.fill(0);
    await agent.reload({ pins: pinning.pins });
    await ask(agent, server, '/1');
    await agent.reload({ ...pem(after), pfx: undefined, certificate: undefined });
    await ask(agent, server, '/2');
    expect(await agent.reload({ pfx: undefined })).toEqual({ changed: false });
    expect(server.clients).toEqual(['CN=before', 'CN=after']);
  });
});

describe('what was given', () => {
  it('is not what its owner makes of it later', async () => {
    const server = await start();
    const ca = Buffer.from(root.certificate);
    const pins = otherPins.pins.slice();
    const agent = agentOf({ ca, pins, keepAlive: false });
    pins.push(pinOf(leaf));
    ca.fill(0);
    expect(await agent.reload()).toEqual({ changed: false });
    const changes = { pins: otherPins.pins.slice(), handshakeTimeout: 9_000 };
    const reloaded = agent.reload(changes);
    changes.pins.push(pinOf(leaf));
    expect(await reloaded).toEqual({ changed: true });
    await expect(ask(agent, server, '/1')).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
  });
});

describe('an option that is refused', () => {
  it('leaves nothing that watches files', () => {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-client-'));
    const file = join(directory, 'ca.pem');
    writeFileSync(file, root.certificate);
    const after = jest.spyOn(systemClock, 'after');
    expect(() => createAgent({ ca: { file }, maxSockets: 0 })).toThrow('maxSockets');
    expect(() => createFetch({ ca: { file }, connections: 0 })).toThrow('connections');
    expect(after).not.toHaveBeenCalled();
    agentOf({ ca: { file } });
    expect(after).toHaveBeenCalled();
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['an unknown one', { pin: [] }, 'OPTION_UNKNOWN', 'pin'],
    ['one of the agent, for a fetch', { maxSockets: 1 }, 'OPTION_UNKNOWN', 'maxSockets'],
    ['ca, where a variable is misspelt', { ca: undefined }, 'CA_MISSING', 'ca'],
    ['an empty ca', { ca: [] }, 'CA_MISSING', 'ca'],
    ['garbage in ca', { ca: 'garbage' }, 'CA_INVALID', 'ca'],
    ['a leaf in ca', { ca: leaf.certificate }, 'CA_INVALID', 'ca'],
    ['pins, where a variable is misspelt', { pins: undefined }, 'PIN_INVALID', 'pins'],
    ['no pin', { pins: [] }, 'PIN_INVALID', 'pins'],
    ['a pin that is none', { pins: ['sha256/x'] }, 'PIN_INVALID', 'pins[0]'],
    ['pinsOn without pins', { pinsOn: 'chain' }, 'OPTION_CONFLICT', 'pinsOn'],
    ['a key without its certificate', { key: leaf.key }, 'CERTIFICATE_MISSING', 'cert'],
    ['another’s key', { key: leaf.key, cert: clientCertificate.certificate }, 'KEY_MISMATCH', 'cert'],
    [
      'two certificates',
      { key: leaf.key, certificate: { keyFile: 'a', certFile: 'b' } },
      'OPTION_CONFLICT',
      'key',
    ],
    ['a certificate that is no file', { certificate: {} }, 'OPTION_INVALID', 'certificate'],
    [
      'a weaker version than the profile’s',
      { profile: 'modern', minVersion: 'TLSv1.2' },
      'OPTION_WEAKENS',
      'minVersion',
    ],
    ['a version that nobody should speak', { minVersion: 'TLSv1.1' }, 'OPTION_INVALID', 'minVersion'],
    ['rejectUnauthorized', { rejectUnauthorized: false }, 'OPTION_WEAKENS', 'rejectUnauthorized'],
    ['checkServerIdentity', { checkServerIdentity: undefined }, 'OPTION_WEAKENS', 'checkServerIdentity'],
    ['maxCachedSessions', { maxCachedSessions: 0 }, 'OPTION_WEAKENS', 'maxCachedSessions'],
    ['a servername that is none', { servername: 'https://example.org' }, 'OPTION_INVALID', 'servername'],
    ['revocation without a list', { revocation: {} }, 'CRL_MISSING', 'crl'],
    ['revocation that fetches', { crl: [], revocation: { fetch: {} } }, 'OPTION_UNKNOWN', 'revocation.fetch'],
    ['watch, where there is no file', { watch: true }, 'OPTION_CONFLICT', 'watch'],
    ['a timeout of nothing', { handshakeTimeout: 0 }, 'OPTION_INVALID', 'handshakeTimeout'],
    ['something else than options', 'https://example.org', 'OPTION_INVALID', 'options'],
  ])('is %s', (_what, options, code, path) => {
    const refusal = expect.objectContaining({ name: 'ConfigError', code, path });
    expect(() => createFetch(options as object)).toThrow(refusal);
    if ('maxSockets' in Object(options)) return;
    expect(() => createAgent(options as object)).toThrow(refusal);
  });

  it.each([
    ['family', 5],
    ['lookup', 'dns'],
    ['localAddress', 'localhost'],
    ['maxSockets', 0],
    ['noDelay', 'yes'],
    ['timeout', -1],
  ])('is %s of an agent: %s', (name, value) => {
    const refusal = expect.objectContaining({ code: 'OPTION_INVALID', path: name });
    expect(() => createAgent({ [name]: value })).toThrow(refusal);
  });

  it('is none of what an https.Agent takes for the way, nor verification by name', () => {
    const way = {
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 250,
      family: 4,
      hints: 0,
      localAddress: '127.0.0.1',
      lookup: () => undefined,
      maxSockets: Infinity,
      noDelay: true,
      timeout: 0,
    } as const;
    expect(agentOf({ ...trusting, ...way, rejectUnauthorized: true }).options).toMatchObject(way);
  });

  it('is a dispatcher that does not verify, and a URL without TLS', async () => {
    const own = fetchOf(trusting);
    const dispatcher = {} as never;
    await expect(own('https://127.0.0.1:9/', { dispatcher } as object)).rejects.toMatchObject({
      code: 'OPTION_WEAKENS',
    });
    await expect(own('http://127.0.0.1:8080/')).rejects.toMatchObject({
      code: 'HANDSHAKE_FAILED',
      reason: 'NOT_HTTPS',
    });
    await expect(own('data:text/plain,hello')).rejects.toMatchObject({ reason: 'NOT_HTTPS', seen: 'data:' });
  });
});

it('warns of a single pin', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
  createAgent({ pins: strangePin() });
  createAgent({ pins: [strangePin(), strangePin()] });
  expect(warn.mock.calls.map(([, details]) => details)).toEqual([{ code: 'PORTCULLIS_NO_BACKUP_PIN' }]);
});
