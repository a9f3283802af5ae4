import { once } from 'node:events';
import * as http2 from 'node:http2';
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import supertest from 'supertest';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { constants } from '../../lib/listener/http2/node-http2.ts';
import { closeAll, exchange, failedHandshake, handshake, listen, received, Recording } from './harness.ts';
import { RawClient, request, requestFields } from './http2-frames.ts';
import { closeSessions, openSession, overHttp1, overHttp2 } from './http2-harness.ts';

let pki: TestPki;
let credentials: PortcullisOptions;
beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['example.org', 'other.example.org', '127.0.0.1'] });
  credentials = { key: pki.server.key, cert: pki.server.cert, http2: true, logger: false };
});
afterEach(async () => {
  closeSessions();
  await closeAll();
});

const serve = (app: RequestListener, options: PortcullisOptions = {}): PortcullisServer =>
  createServer({ ...credentials, ...options }, app);

describe('one port', () => {
  it('serves HTTP/2, HTTP/1.1 and a client without ALPN, by the same app', async () => {
    const port = await listen(serve((incoming, response) => response.end(incoming.httpVersion)));
    const get = ['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Connection: close'];
    expect((await overHttp2(await openSession(port), { path: '/' })).body.toString()).toBe('2.0');
    expect(await exchange(port, get, { ALPNProtocols: ['http/1.1'] })).toMatch(/1\.1$/);
    expect(await exchange(port, get)).toMatch(/1\.1$/);
  });

  it('refuses a client that speaks neither', async () => {
    const port = await listen(serve((_incoming, response) => response.end()));
    const events = new Recording('portcullis:handshake-error');
    expect(await failedHandshake(port, { ALPNProtocols: ['foo'] })).toMatch(
      /ERR_SSL_(TLSV1_ALERT_NO_APPLICATION_PROTOCOL|.*)|ECONNRESET/,
    );
    expect((await events.take()).code).toBe('ERR_SSL_NO_APPLICATION_PROTOCOL');
  });

  it('does not offer HTTP/2 without the option', async () => {
    const port = await listen(serve((_incoming, response) => response.end(), { http2: false }));
    const socket = await handshake(port, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
  });

  it('shows the connection to the listeners of the users', async () => {
    const server = serve((_incoming, response) => response.end());
    const shown = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    await openSession(await listen(server));
    expect((await shown)[0].alpnProtocol).toBe('h2');
  });

  it('upgrades HTTP/1.1 beside it', async () => {
    const server = serve((_incoming, response) => response.end('two'));
    server.on('upgrade', (_incoming, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nhello'));
    const port = await listen(server);
    const session = await openSession(port);
    const socket = await handshake(port, { ALPNProtocols: ['http/1.1'] });
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await received(socket)).toContain('hello');
    expect((await overHttp2(session, { path: '/' })).body.toString()).toBe('two');
  });

  it.each([
    ['http2 that is no flag', { http2: 'yes' }, 'OPTION_INVALID', 'http2'],
    ['protocols that are not served', { ALPNProtocols: ['h2', 'spdy'] }, 'OPTION_WEAKENS', 'ALPNProtocols'],
    ['protocols in one word', { ALPNProtocols: ['h2,http/1.1'] }, 'OPTION_WEAKENS', 'ALPNProtocols'],
    ['h2 without the option', { http2: false, ALPNProtocols: ['h2'] }, 'OPTION_WEAKENS', 'ALPNProtocols'],
  ])('is not made with %s', (_what, options, code, path) => {
    const make = (): unknown => createServer({ ...credentials, ...(options as object) });
    expect(make).toThrow(expect.objectContaining({ code, path }));
  });
});

describe('a request', () => {
  it('is of the classes and of the prototypes that the app expects, in a mounted app too', async () => {
    const [outer, inner] = [express(), express()];
    Object.assign(outer.request, { later: () => 'outer' });
    inner.get('/', (incoming, response) => {
      response.json({
        incoming: incoming instanceof IncomingMessage,
        outgoing: response instanceof ServerResponse,
        own:
          Object.getPrototypeOf(incoming) === inner.request &&
          Object.getPrototypeOf(response) === inner.response,
        linked: incoming.res === response && response.req === incoming,
        later: (incoming as unknown as { later(): unknown }).later() === 'outer',
      });
    });
    outer.use('/inner', inner);
    const { body } = await overHttp2(await openSession(await listen(serve(outer))), { path: '/inner' });
    expect(Object.values(JSON.parse(body.toString()) as object)).toEqual([true, true, true, true, true]);
  });

  it('has its host from :authority, its cookies in one line, and no pseudo-headers', async () => {
    const app = express().get('/', ({ hostname, headers, rawHeaders }, response) => {
      response.json({ hostname, headers, raw: rawHeaders.filter((name) => name.startsWith(':')) });
    });
    const client = await RawClient.open(await listen(serve(app)));
    client.send(
      request(
        1,
        requestFields(
          [
            ['cookie', 'a=1'],
            ['cookie', 'b=2'],
          ],
          { authority: 'example.org:8443' },
        ),
      ),
    );
    const data = await client.next(({ type, stream }) => type === 0 && stream === 1);
    expect(JSON.parse(data!.payload.toString())).toEqual({
      hostname: 'example.org',
      headers: { host: 'example.org:8443', cookie: 'a=1; b=2' },
      raw: [],
    });
  });

  it.each<[string, ReadonlyArray<readonly [string, string]>, string | false, string]>([
    ['the same Host beside :authority', [['host', 'example.org']], 'example.org', '200'],
    ['a Host without :authority', [['host', 'example.org']], false, '200'],
    ['another Host beside :authority', [['host', 'evil.test']], 'example.org', '400'],
    ['neither', [], false, 'reset'],
  ])('with %s is answered as it should be', async (_what, more, authority, outcome) => {
    const client = await RawClient.open(await listen(serve((_incoming, response) => response.end())));
    client.send(request(1, requestFields(more, { authority })));
    const answer = await client.next(({ type, stream }) => (type === 1 || type === 3) && stream === 1);
    const statuses: Record<number, string> = { 0x88: '200', 0x8c: '400' };
    expect(answer!.type === 3 ? 'reset' : statuses[answer!.payload[0]!]).toBe(outcome);
  });

  it('of CONNECT is refused', async () => {
    const session = await openSession(await listen(serve((_incoming, response) => response.end())));
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'example.org:443' });
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(405);
    stream.on('error', () => {}).destroy();
  });

  it('that awaits 100 goes to checkContinue where somebody listens', async () => {
    const server = serve((_incoming, response) => response.end('request'));
    server.on('checkContinue', (_incoming, response) => response.writeHead(417).end('no'));
    const session = await openSession(await listen(server));
    const got = await overHttp2(session, { path: '/', method: 'POST', headers: { expect: '100-continue' } });
    expect([got.status, got.interim]).toEqual([417, []]);
  });

  it('that is too large at 5 MB gets 413, and the session goes on', async () => {
    const app = express().post(
      '/',
      express.raw({ limit: '1mb' }),
      (_incoming, response) => void response.end(),
    );
    app.get('/', (_incoming, response) => void response.send('alive'));
    app.set('env', 'test');
    const session = await openSession(await listen(serve(app)));
    const type = { 'content-type': 'application/octet-stream' };
    const body = Buffer.alloc(5_000_000);
    expect((await overHttp2(session, { path: '/', method: 'POST', headers: type, body })).status).toBe(413);
    expect((await overHttp2(session, { path: '/' })).body.toString()).toBe('alive');
  });

  it('has a socket that tells the facts after the end, resets its stream alone, and writes nothing', async () => {
    const sockets: IncomingMessage['socket'][] = [];
    const server = serve((incoming, response) => {
      sockets.push(incoming.socket);
      if (incoming.url === '/cut') incoming.socket.destroy();
      else response.end();
    });
    const session = await openSession(await listen(server));
    await expect(overHttp2(session, { path: '/cut' })).rejects.toThrow(/reset|closed/);
    await overHttp2(session, { path: '/' });
    session.destroy();
    expect(sockets.map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.1', '127.0.0.1']);
    expect((sockets[1] as TLSSocket).encrypted).toBe(true);
    expect(() => sockets[1]!.write('x')).toThrow(
      expect.objectContaining({ code: 'ERR_HTTP2_NO_SOCKET_MANIPULATION' }),
    );
  });

  it('whose client goes away is aborted, and its answer closed', async () => {
    const server = serve((_incoming, response) => void response.write('begun'));
    const session = await openSession(await listen(server));
    const [stream, arrived] = [session.request({ ':path': '/' }), once(server, 'request')];
    const [incoming, response] = (await arrived) as [IncomingMessage, ServerResponse];
    incoming.on('error', () => {});
    const closed = Promise.all([
      new Promise((settle) => incoming.on('close', settle)),
      once(response, 'close'),
    ]);
    await once(stream, 'response');
    stream.on('error', () => {}).close(8);
    await closed;
    expect([incoming.destroyed, response.destroyed, response.writableFinished]).toEqual([true, true, false]);
    response.end('too late');
  });

  it('is one of 500 in parallel', async () => {
    const session = await openSession(
      await listen(serve((incoming, response) => response.end(incoming.url))),
    );
    const paths = Array.from({ length: 500 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => overHttp2(session, { path })));
    expect(answers.map(({ body }) => body.toString())).toEqual(paths);
  });

  it('of supertest is served', async () => {
    const app = express().get('/', (incoming, response) => void response.json({ alpn: incoming.tls?.alpn }));
    const agent = supertest.agent(serve(app), { http2: true, ca: pki.ca });
    const { body } = await agent.get('/').expect(200);
    expect(body).toEqual({ alpn: 'h2' });
  });
});

it('HTTP/1.1 keeps its keep-alive beside it', async () => {
  const port = await listen(serve((_incoming, response) => response.end('one')));
  expect((await overHttp1(port, { path: '/' })).body.toString()).toBe('one');
});

it('has the flags and error codes of node:http2, without loading it', () => {
  expect(http2.constants).toMatchObject(constants);
});
