import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import * as fc from 'fast-check';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { givenFields, keptFields, respond } from '../../lib/listener/http2/answer-fields.ts';
import { type Exchange, exchangeOf } from '../../lib/listener/http2/exchange.ts';
import { OpenExchanges } from '../../lib/listener/http2/open-exchanges.ts';
import { streamOf } from '../../lib/listener/http2/request.ts';
import { closeAll, listen } from './harness.ts';
import { frameTypes, RawClient, request, requestFields } from './http2-frames.ts';
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

/** A promise, and what fulfils it. */
function settled<Value>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void } {
  let resolve: (value: Value) => void;
  const promise = new Promise<Value>((fulfil) => (resolve = fulfil));
  return { promise, resolve: resolve! };
}

describe('a request that nobody reads', () => {
  it.each(['HTTP/2', 'HTTP/1.1'])('ends and closes over %s, and is not aborted', async (protocol) => {
    const ended = settled<object>();
    const listener: RequestListener = (incoming, response) => {
      const events: string[] = [];
      for (const name of ['aborted', 'end', 'error']) incoming.on(name, () => events.push(name));
      incoming.on('close', () =>
        ended.resolve({ events, aborted: incoming.aborted, ended: incoming.readableEnded }),
      );
      response.end('x');
    };
    const port = await listen(createServer(credentials, listener));
    if (protocol === 'HTTP/2') await overHttp2(await openSession(port), { path: '/' });
    else await overHttp1(port, { path: '/' });
    expect(await ended.promise).toEqual({ events: ['end'], aborted: false, ended: true });
  });
});

it('nothing of a request hangs on its stream once it is closed', async () => {
  const closed = settled<[boolean, boolean]>();
  const listener: RequestListener = (incoming, response) => {
    const stream = streamOf(incoming)!;
    const linked = exchangeOf(stream)?.request === incoming;
    // It runs after the server's own.
    stream.once('close', () => closed.resolve([linked, exchangeOf(stream) === undefined]));
    incoming.resume();
    incoming.on('end', () => response.end('x'));
  };
  const port = await listen(createServer(credentials, listener));
  await overHttp2(await openSession(port), { path: '/', method: 'POST', body: 'hello' });
  expect(await closed.promise).toEqual([true, true]);
});

it('the open exchanges of a session are those that a set would have, at each of 300 steps', () => {
  const exchanges = Array.from({ length: 12 }, () => ({ place: -1 }) as Exchange);
  const step = fc.record({ add: fc.boolean(), index: fc.nat({ max: 11 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 300, maxLength: 300 }), (steps) => {
      const open = new OpenExchanges();
      const model = new Set<Exchange>();
      for (const { add, index } of steps) {
        const exchange = exchanges[index]!;
        if (!add) open.delete(exchange);
        else if (!model.has(exchange)) open.add(exchange);
        if (add) model.add(exchange);
        else model.delete(exchange);
        expect(open.size).toBe(model.size);
        expect(exchanges.map((each) => open.has(each))).toEqual(exchanges.map((each) => model.has(each)));
      }
      expect(new Set(open)).toEqual(model);
    }),
    { numRuns: 10 },
  );
});

describe('the fields of an answer', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '\t', ',', 'é'), maxLength: 8 });
  const name = fc.constantFrom(
    'X-One',
    'etag',
    'Set-Cookie',
    'Connection',
    'TE',
    'Trailer',
    'Content-Length',
    '__proto__',
  );
  const value = fc.oneof(text, fc.integer(), fc.array(text, { maxLength: 3 }));
  const headers = fc.uniqueArray(fc.tuple(name, value), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 8,
  });

  it('are the same from what Node keeps as from what it gives', () => {
    fc.assert(
      fc.property(headers, (pairs) => {
        const response = new ServerResponse(new IncomingMessage(new Socket()));
        let kept: unknown;
        for (const [key, given] of pairs) response.setHeader(key, given);
        Object.assign(response, { _storeHeader: (_line: string, headersOf: unknown) => (kept = headersOf) });
        response.writeHead(200);
        const known = keptFields(200, kept);
        expect(known).toBeDefined();
        expect(known).toEqual(givenFields(200, response.getHeaders()));
      }),
    );
  });

  it('are not sent again where Node refuses them for another reason', () => {
    let calls = 0;
    const stream = {
      respond: (): void => {
        calls++;
        throw Object.assign(new RangeError(), { code: 'ERR_HTTP2_STATUS_INVALID' });
      },
    };
    expect(() => respond(stream as unknown as ServerHttp2Stream, [':status', 700], {})).toThrow(RangeError);
    expect(calls).toBe(1);
  });

  it('go as an object to a Node that takes no lists, and are the same ones', () => {
    const taken: unknown[] = [];
    const stream = {
      respond: (fields: unknown): void => {
        if (Array.isArray(fields)) throw Object.assign(new TypeError(), { code: 'ERR_INVALID_ARG_TYPE' });
        taken.push(fields);
      },
    };
    const { sent } = givenFields(200, {
      ETag: ' a\t',
      'set-cookie': ['b', 'c '],
      Connection: 'close',
      Age: [1, 2],
    });
    respond(stream as unknown as ServerHttp2Stream, sent, {});
    respond(stream as unknown as ServerHttp2Stream, sent, {});
    const fields = { ':status': 200, etag: 'a', 'set-cookie': ['b', 'c'], age: '1' };
    expect(taken.map((each) => Object.entries(each as object))).toEqual([
      Object.entries(fields),
      Object.entries(fields),
    ]);
  });
});
