import type { RequestListener } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, listen } from './harness.ts';
import { frameTypes, RawClient, request, requestFields } from './http2-frames.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

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

/** The status of an answer to pseudo-headers of all kinds. */
async function statusOf(port: number, method: string, path = '/', scheme = 'https'): Promise<number> {
  const session = await openSession(port);
  return (await overHttp2(session, { method, path, headers: { ':scheme': scheme } })).status;
}

describe('a method', () => {
  const app = (): RequestListener => {
    const guarded = express();
    guarded.use((incoming, response, next) => {
      if (incoming.method === 'DELETE') response.status(403).end();
      else next();
    });
    guarded.delete('/', (_incoming, response) => void response.status(204).end());
    return guarded;
  };

  it.each([
    ['DELETE', 403],
    ['delete', 501],
    ['Delete', 501],
    ['BREW', 501],
    ['__proto__', 501],
    ['QUUX_', 501],
  ])('%s gets %i, as a guard of the app can know only those that Node knows', async (method, status) => {
    const port = await listen(createServer(credentials, app()));
    expect(await statusOf(port, method)).toBe(status);
  });
});

it.each([
  ['GET', 'ftp', 'http://evil.test/', 400],
  ['GET', 'ftp', 'x', 400],
  ['GET', 'ftp', '*', 400],
  ['GET', 'ftp', '/x', 200],
  ['OPTIONS', 'ftp', '*', 200],
  ['OPTIONS', 'https', '*', 200],
])('the path of %s %s %s gets %i, whatever the scheme', async (method, scheme, path, status) => {
  const port = await listen(createServer(credentials, (_incoming, response) => response.end()));
  expect(await statusOf(port, method, path, scheme)).toBe(status);
});

describe('a request with Expect', () => {
  const seen: string[] = [];
  const port = async (): Promise<number> => {
    seen.length = 0;
    const clientAuth = { mode: 'optional', ca: pki.ca } as const;
    return listen(
      createServer({ ...credentials, clientAuth }, (incoming, response) => {
        seen.push(incoming.headers.host!);
        response.end();
      }),
    );
  };
  const ask = async (expectation: string, authority: string): Promise<[number, boolean]> => {
    const { key, certificate: cert } = pki.clients.good;
    const session = await openSession(await port(), { servername: 'example.org', key, cert });
    const headers = { ':authority': authority, expect: expectation };
    const { status, interim } = await overHttp2(session, { path: '/', method: 'POST', body: 'x', headers });
    return [status, interim.length > 0];
  };

  it.each([
    ['100-continue', 'example.org', 200, true],
    ['100-continue', 'other.example.org', 421, false],
    ['something', 'example.org', 417, false],
    ['something', 'other.example.org', 421, false],
  ])('%s for %s gets %i, and is told to continue: %s', async (expectation, authority, status, continues) => {
    expect(await ask(expectation, authority)).toEqual([status, continues]);
    expect(seen).toEqual(status === 200 ? [authority] : []);
  });
});

describe('an app that was written for HTTP/1.1', () => {
  it('sets what sockets have, and answers', async () => {
    const port = await listen(
      createServer(credentials, ({ socket }, response) => {
        const same = socket.setNoDelay(true) === socket && socket.setKeepAlive(true, 1_000) === socket;
        response.end(String(same && socket.setTimeout(0) === socket));
      }),
    );
    expect((await overHttp2(await openSession(port), { path: '/' })).body.toString()).toBe('true');
  });

  it('ends the socket of a request, and with it this stream alone', async () => {
    const port = await listen(
      createServer(credentials, ({ url, socket }, response) => {
        if (url === '/end') socket.end('HTTP/1.1 500 Too Late\r\n\r\n');
        else response.end('ok');
      }),
    );
    const session = await openSession(port);
    await expect(overHttp2(session, { path: '/end' })).rejects.toThrow(/reset|closed/);
    expect((await overHttp2(session, { path: '/' })).body.toString()).toBe('ok');
  });

  it('answers with several of a field that may stand once: the first of them', async () => {
    const port = await listen(
      createServer(credentials, (_incoming, response) => {
        response.setHeader('host', ['a', 'b']).setHeader('authorization', ['c', 'd']).end();
      }),
    );
    const { headers } = await overHttp2(await openSession(port), { path: '/' });
    expect(headers).toMatchObject({ host: 'a', authorization: 'c' });
  });
});

it('a request that is refused costs its session nothing', async () => {
  const client = await RawClient.open(
    await listen(createServer(credentials, (_incoming, response) => response.end())),
  );
  client.send(request(1, requestFields([], { method: 'get' }), true), request(3));
  expect(
    await client.next(({ type, stream }) => type === frameTypes.rstStream && stream === 1),
  ).toBeDefined();
  expect(await client.next(({ type, stream }) => type === frameTypes.headers && stream === 3)).toBeDefined();
});
