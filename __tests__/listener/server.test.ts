import { once } from 'node:events';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import { createServer, type Logger, type PortcullisOptions } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { closeAll, exchange, handshake, listen, received } from './harness.ts';

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
