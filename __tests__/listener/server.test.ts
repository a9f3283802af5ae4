import { once } from 'node:events';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import { createServer, type Logger, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { closeAll, ended, exchange, handshake, listen, plain, received, Recording } from './harness.ts';

let pki: TestPki;
let credentials: PortcullisOptions;
beforeAll(async () => {
  pki = await createTestPki();
  credentials = { key: pki.server.key, cert: pki.server.cert };
});
afterEach(closeAll);

/** The body of an answer of 200. */
async function bodyOf(server: Server, path = '/'): Promise<string> {
  const { status, text } = await request(server, { ca: pki.ca }).get(path);
  expect(status).toBe(200);
  return text;
}

const get = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close'];

/** The port of who hands each connection to the server as a stream that is no socket; `came`: it has been handed over. */
async function behindStreams(server: PortcullisServer, came: () => void = () => {}): Promise<number> {
  const front = createTcpServer((socket) => {
    socket.on('error', () => {});
    const stream = Duplex.from({ readable: socket, writable: socket });
    stream.once('close', () => socket.destroy());
    server.emit('connection', stream);
    came();
  });
  return listen(front);
}

describe('createServer makes', () => {
  it('an https.Server', () => {
    const server = createServer(credentials);
    expect(server).toBeInstanceOf(HttpsServer);
    expect(server).toBeInstanceOf(TlsServer);
  });

  it('one for an Express app', async () => {
    const app = express().get('/', (_request, response) => void response.json({ in: true }));
    expect(await bodyOf(createServer(credentials, app))).toBe('{"in":true}');
  });

  it('one for a function', async () => {
    const server = createServer(credentials, (_request, response) => response.end('in'));
    expect(await bodyOf(server)).toBe('in');
  });

  it('one without a listener, which takes some later', async () => {
    const server = createServer(credentials);
    server.on('request', (_request, response) => response.end('in'));
    expect(await bodyOf(server)).toBe('in');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'one that speaks %s over a stream that is no socket, and answers as over one',
    async (version) => {
      const app = express().get('/', (incoming, response) => void response.send(incoming.tls!.protocol));
      const server = createServer(credentials, app);
      await listen(server);
      const port = await behindStreams(server);
      const accepted = once(server, 'secureConnection') as Promise<[Socket]>;
      const socket = await handshake(port, { minVersion: version, maxVersion: version });
      socket.write(`${['GET / HTTP/1.1', 'Host: localhost'].join('\r\n')}\r\n\r\n`);
      const [octets] = (await once(socket, 'data')) as [Buffer];
      expect(octets.toString()).toMatch(new RegExp(`^HTTP/1\\.1 200 OK[^]*${version}$`));
      const [serverSide] = await accepted;
      expect(server.stats().connections.open).toBe(1);
      server.closeAllConnections();
      await Promise.all([ended(socket), ended(serverSide)]);
      expect(server.stats().connections.open).toBe(0);
    },
  );

  it('one that lets a stream that is no socket wait for the certificate', async () => {
    let bring: (material: { key: string; cert: string }) => void = () => {};
    const material = new Promise<{ key: string; cert: string }>((settle) => (bring = settle));
    const server = createServer({ certificate: { load: () => material } }, (_request, response) => {
      response.end('in');
    });
    await listen(server);
    const port = await behindStreams(server, () => bring({ key: pki.server.key, cert: pki.server.cert }));
    await expect(exchange(port, get)).resolves.toMatch(/^HTTP\/1\.1 200 /);
  });

  it('one that ends a stream that is no socket, and is no client, as it would a socket', async () => {
    const drops = new Recording('portcullis:drop');
    const server = createServer({ ...credentials, limits: { handshakeTimeout: 20 } });
    await listen(server);
    const port = await behindStreams(server);
    await expect(plain(port, '')).resolves.toBe('');
    expect(await drops.take()).toMatchObject({ reason: 'HANDSHAKE_TIMEOUT' });
  });

  it('several that do not disturb one another', async () => {
    const [modern, common] = [
      createServer({ ...credentials, profile: 'modern' }),
      createServer(credentials, (_request, response) => response.end('common')),
    ];
    await listen(modern);
    const port = await listen(common);
    expect(await exchange(port, get, { maxVersion: 'TLSv1.2' })).toMatch(/common$/);
  });

  it('one that listens on IPv6 and takes the whole of listen()', async () => {
    const server = createServer(credentials, (_request, response) => response.end('in'));
    const port = await listen(server, '::1');
    expect(await exchange(port, get, { host: '::1' })).toMatch(/in$/);
  });
});

describe('a listener', () => {
  it('closes when its last connection has ended', async () => {
    const server = createServer(credentials, (_request, response) => response.end('in'));
    const port = await listen(server);
    const socket = await handshake(port);
    const closed = once(server, 'close');
    server.close();
    socket.write(`${get.join('\r\n')}\r\n\r\n`);
    expect(await received(socket)).toMatch(/in$/);
    await closed;
    await expect(handshake(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('drops idle connections by closeIdleConnections, as node:https does', async () => {
    const server = createServer(credentials, (_request, response) => response.end('in'));
    const socket = await handshake(await listen(server));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    server.closeIdleConnections();
    await once(socket, 'close');
    expect(server.listening).toBe(true);
  });

  it('answers a request that is no HTTP with 400', async () => {
    const socket = await handshake(await listen(createServer(credentials)));
    socket.write('nonsense\r\n\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('leaves a request that is no HTTP to its user’s clientError listener', async () => {
    const server = createServer(credentials);
    server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 418 Teapot\r\n\r\n'));
    const socket = await handshake(await listen(server));
    socket.write('nonsense\r\n\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 418 /);
  });

  it('answers an error of the app as Express does, and serves on', async () => {
    const app = express();
    app.get('/sync', () => {
      throw new Error('sync');
    });
    app.get('/async', () => Promise.reject(new Error('async')));
    app.get('/', (_request, response) => void response.send('in'));
    app.use(
      (_error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
        response.status(500).send('failed');
      },
    );
    const agent = request(createServer(credentials, app), { ca: pki.ca });
    const answers = [];
    for (const path of ['/sync', '/async', '/', '/none']) {
      const { status, text } = await agent.get(path);
      answers.push([status, status === 404 ? '' : text]);
    }
    expect(answers).toEqual([
      [500, 'failed'],
      [500, 'failed'],
      [200, 'in'],
      [404, ''],
    ]);
  });

  it('sends plain HTTP to https', async () => {
    const port = await listen(createServer(credentials, (_request, response) => response.end('in')));
    const asked = plainRequest({ host: '127.0.0.1', port });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    expect([answer.statusCode, answer.headers.location]).toEqual([307, `https://localhost:${port}/`]);
  });

  const day = 86_400_000;
  it('warns at the start where its certificate is not valid yet', async () => {
    const { key, cert } = await pki.issueServer({
      notBefore: new Date(Date.now() + day),
      notAfter: new Date(Date.now() + 2 * day),
    });
    const logger = { info: jest.fn<Logger['info']>(), warn: jest.fn<Logger['warn']>() };
    createServer({ key, cert, logger });
    expect(logger.warn.mock.calls).toEqual([
      [expect.stringMatching(/server certificate [0-9A-F:]+ is not valid yet\.$/)],
    ]);
    expect(logger.info).not.toHaveBeenCalled();
  });

  it('warns at the start of a client CA that is not valid yet', async () => {
    const old = await createAuthority({
      notBefore: new Date(Date.now() + day),
      notAfter: new Date(Date.now() + 400 * day),
    });
    const logger = { info: jest.fn<Logger['info']>(), warn: jest.fn<Logger['warn']>() };
    createServer({ ...credentials, logger, clientAuth: { mode: 'optional', ca: [pki.ca, old.root] } });
    expect(logger.warn.mock.calls).toEqual([
      [expect.stringMatching(/client CA [0-9A-F:]+ is not valid yet\.$/)],
    ]);
  });

  it('refuses options that stand after the app, where they would be lost', () => {
    const swapped = createServer as unknown as (app: () => void, options: object) => unknown;
    expect(() => swapped(() => undefined, credentials)).toThrow(/createServer\(options, app\)/);
  });

  it('refuses a certificate that was issued for clients', async () => {
    const { key, cert } = await pki.issueClient({ subject: 'alice' });
    expect(() => createServer({ key, cert, logger: false })).toThrow(
      /cert: its extended key usage lacks serverAuth/,
    );
  });

  it('says nothing where all is well', () => {
    const logger = { info: jest.fn<Logger['info']>(), warn: jest.fn<Logger['warn']>() };
    createServer({ ...credentials, logger });
    expect([...logger.warn.mock.calls, ...logger.info.mock.calls]).toEqual([]);
  });

  it('lets nobody in without a certificate where one is required, and the app sees nothing', async () => {
    const app = jest.fn();
    const server = createServer({ ...credentials, clientAuth: { mode: 'required', ca: pki.ca } }, app);
    const connections = jest.fn();
    server.on('secureConnection', connections);
    const port = await listen(server);
    for (const client of [{}, pki.clients.unknownCa, pki.clients.expired, pki.clients.wrongPurpose]) {
      const { key, cert } = client as { key?: string; cert?: string };
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const text = await exchange(port, get, { maxVersion, ...(key && cert && { key, cert }) }).catch(
          () => '',
        );
        expect(text).toBe('');
      }
    }
    expect(connections).not.toHaveBeenCalled();
    expect(app).not.toHaveBeenCalled();
  });
});
