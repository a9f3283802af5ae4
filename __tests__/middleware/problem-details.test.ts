import { createServer as createHttpServer } from 'node:http';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express, { type Express, type RequestHandler, Router } from 'express';
import { createRequire } from 'node:module';
import { PolicyViolation, problemDetails, requireClientCertificate } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { listeners, listening, portOf } from './harness.ts';
import { connect } from 'node:net';
import { once } from 'node:events';

/** Express's own: no dependency of ours. */
const createError = createRequire(createRequire(import.meta.url).resolve('express'))('http-errors');

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

const failing = (thrown: unknown, before: RequestHandler = (_i, _r, next) => next()): Express =>
  express()
    .use(before, (_incoming, _response, next) => next(thrown))
    .use(problemDetails());

const ask = (app: Express): ReturnType<ReturnType<typeof request>['get']> =>
  request(createHttpServer(app)).get('/');

const plain500 = { type: 'about:blank', title: 'Internal Server Error', status: 500 };

describe.each(listeners)('problemDetails() on $name', ({ make }) => {
  it('answers a refusal in an app, a Router and a sub-app', async () => {
    const router = Router().use(requireClientCertificate());
    const sub = express().use(requireClientCertificate(), problemDetails());
    const app = express();
    app.use('/app', requireClientCertificate());
    app.use('/router', router).use('/sub', sub).use(problemDetails());
    const server = await listening(make(pki, app));
    for (const path of ['/app', '/router', '/sub']) {
      const { headers, body } = await request(server, { ca: pki.ca }).get(path).expect(403);
      expect(headers).toMatchObject({
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
      });
      expect(body).toEqual({
        type: 'about:blank',
        title: 'Client certificate required',
        status: 403,
        code: 'CLIENT_CERTIFICATE_REQUIRED',
      });
    }
  });
});

it.each<[string, unknown, object]>([
  [
    'a 404 that may be shown',
    createError(404, 'No such book'),
    { type: 'about:blank', title: 'Not Found', status: 404, detail: 'No such book' },
  ],
  [
    'a 503, whose message is not',
    createError(503, 'db-7 is down'),
    { title: 'Service Unavailable', status: 503 },
  ],
  ['a 500 that wants to be shown', createError(500, 'at db-7', { expose: true }), plain500],
  [
    'a 404 that is not to be shown',
    createError(404, 'at db-7', { expose: false }),
    { title: 'Not Found', status: 404 },
  ],
  ['a status without a name', { status: 499 }, { title: 'Error', status: 499 }],
  ['statusCode alone', { statusCode: 409 }, { title: 'Conflict', status: 409 }],
  [
    'a status that is none beside a statusCode',
    { status: 200, statusCode: 409 },
    { title: 'Conflict', status: 409 },
  ],
  [
    'a message that is no text',
    { status: 400, expose: true, message: { toJSON: () => 'x' } },
    { title: 'Bad Request', status: 400 },
  ],
])('tells of %s', async (_what, error, expected) => {
  const response = await ask(failing(error));
  expect(response.body).toEqual({ type: 'about:blank', ...expected });
  expect(response.status).toBe(response.body.status);
});

const trap = (): never => {
  throw new Error('do not look');
};

it.each<[string, unknown]>([
  ['an Error', new Error('secret')],
  ['a string', 'secret'],
  ['a number', 404],
  ['a symbol', Symbol('secret')],
  ['a function', () => 'secret'],
  ['a frozen object', Object.freeze({ message: 'secret' })],
  ['an object without a prototype', Object.create(null)],
  ['a frozen error', Object.freeze(new Error('secret'))],
  ['status 200', { status: 200, message: 'secret', expose: true }],
  ["status '403'", { status: '403', message: 'secret', expose: true }],
  ['status NaN', { status: Number.NaN }],
  ['status 403.5', { status: 403.5 }],
  ['status 399', { status: 399 }],
  ['status 600', { status: 600 }],
  ['status Infinity', { status: Infinity }],
  [
    'a status that throws',
    {
      get status(): never {
        return trap();
      },
    },
  ],
  [
    'a message that throws',
    {
      status: 400,
      expose: true,
      get message(): never {
        return trap();
      },
    },
  ],
  [
    'headers that throw',
    {
      status: 400,
      get headers(): never {
        return trap();
      },
    },
  ],
  [
    'a header that throws',
    {
      status: 400,
      headers: {
        get 'X-A'(): never {
          return trap();
        },
      },
    },
  ],
  [
    'a proxy that throws at everything',
    new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap }),
  ],
])('answers 500 and nothing else to %s', async (_what, thrown) => {
  const { status, body } = await ask(failing(thrown));
  expect([status, body]).toEqual([500, plain500]);
});

it('answers 500 to null, as Express itself never gives it', async () => {
  const app = express().get('/', (incoming, response, next) => {
    problemDetails()(null, incoming, response, next);
  });
  expect((await ask(app)).body).toEqual(plain500);
});

it('leaves an answer that has begun to Express, which cuts it off', async () => {
  const app = express().get('/', (_incoming, response, next) => {
    response.write('begun');
    next(new Error('too late'));
  });
  app.set('env', 'test').use(problemDetails());
  await expect(ask(app)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

it('has no body for HEAD, and its length', async () => {
  const { headers, text } = await request(createHttpServer(failing(createError(404))))
    .head('/')
    .expect(404);
  expect(text).toBeUndefined();
  expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'content-length': '76' });
});

const promised: RequestHandler = (_incoming, response, next) => {
  response.set({
    'Content-Length': '100000',
    'Content-Encoding': 'gzip',
    'Content-Disposition': 'attachment; filename=report.pdf',
    ETag: '"1"',
    'Last-Modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
    'X-Mine': 'stays',
  });
  next();
};

describe('headers', () => {
  it('come along from an error with a status: a challenge, an hour to come back, a length', async () => {
    const challenge = createError(401, { headers: { 'WWW-Authenticate': 'Bearer realm="a"' } });
    expect((await ask(failing(challenge))).headers['www-authenticate']).toBe('Bearer realm="a"');
    const challenges = createError(401, { headers: { 'WWW-Authenticate': ['Bearer', 'Basic realm="a"'] } });
    expect((await ask(failing(challenges))).headers['www-authenticate']).toBe('Bearer, Basic realm="a"');
    const later = createError(503, { headers: { 'Retry-After': 120 } });
    expect((await ask(failing(later))).headers['retry-after']).toBe('120');
    const range = createError(416, { headers: { 'Content-Range': 'bytes */5' } });
    expect((await ask(failing(range))).headers['content-range']).toBe('bytes */5');
  });

  it('do not come along from a fault, nor those of a foreign body or connection', async () => {
    const fault = Object.assign(new Error('upstream'), { headers: { 'X-Upstream': 'db-7' } });
    expect((await ask(failing(fault))).headers).not.toHaveProperty('x-upstream');
    const foreign = createError(502, {
      headers: {
        'Content-Length': '5',
        'transfer-encoding': 'chunked',
        'Content-Encoding': 'gzip',
        Connection: 'upgrade',
        Upgrade: 'h2c',
        ETag: '"1"',
        'Content-Type': 'text/html',
        'Cache-Control': 'public',
      },
    });
    const { headers, body } = await ask(failing(foreign)).expect(502);
    expect(body.status).toBe(502);
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    for (const name of ['content-encoding', 'transfer-encoding', 'upgrade', 'etag'])
      expect(headers).not.toHaveProperty(name);
  });

  it('that are none are left out, and the answer goes out all the same', async () => {
    const bad = createError(400, 'bad', {
      headers: { 'X-Split': 'a\r\nSet-Cookie: admin=1', 'not a name': 'x', 'X-Object': {}, 'X-Good': 'yes' },
    });
    const { headers, body } = await ask(failing(bad)).expect(400);
    expect(body.detail).toBe('bad');
    expect(headers['x-good']).toBe('yes');
    for (const name of ['x-split', 'set-cookie', 'x-object']) expect(headers).not.toHaveProperty(name);
  });

  it('of the body that a route did not come to send are taken back', async () => {
    const { headers, body } = await ask(failing(createError(410), promised)).expect(410);
    expect(body.title).toBe('Gone');
    expect(headers['x-mine']).toBe('stays');
    for (const name of ['content-encoding', 'content-disposition', 'etag', 'last-modified'])
      expect(headers).not.toHaveProperty(name);
  });
});

it('keeps a connection in step: the next request on it is answered', async () => {
  const app = express()
    .get('/bad', (_incoming, response, next) => {
      response.setHeader('Content-Length', 5);
      next(createError(400));
    })
    .get('/good', (_incoming, response) => void response.send('good'))
    .use(problemDetails());
  const server = await listening(createHttpServer(app));
  const socket = connect(portOf(server), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(
    'GET /bad HTTP/1.1\r\nHost: a\r\n\r\nGET /good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"detail":"Bad Request"\}HTTP\/1\.1 200 OK[\s\S]*good$/);
});

describe('a fault of the program', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    process.env['NODE_ENV'] = 'test';
  });

  /** What a handler writes to the console for an error, in this environment. */
  const written = async (error: unknown, environment: string): Promise<unknown[]> => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    process.env['NODE_ENV'] = environment;
    await request(createHttpServer(failing(error))).get('/');
    return log.mock.calls.flat();
  };

  it('is written to the console, as nobody else would tell of it', async () => {
    const fault = new Error('a bug');
    expect(await written(fault, 'development')).toEqual([fault]);
  });

  it('is not written in tests, and a refusal or a fault of the client never', async () => {
    expect(await written(new Error('a bug'), 'test')).toEqual([]);
    expect(await written(Object.assign(new Error('no'), { status: 404 }), 'production')).toEqual([]);
    expect(await written(new PolicyViolation('PIN_MISMATCH', 'private'), 'production')).toEqual([]);
  });
});
