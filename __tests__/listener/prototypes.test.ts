import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http';
import { createServer as createPlain } from 'node:https';
import type { Server } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express, { type Express } from 'express';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { closeAll, handshake, listen } from './harness.ts';

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

/** What `check` sees of the objects of one request. */
async function seen<T>(
  app: RequestListener,
  options: PortcullisOptions,
  path: string,
  results: T[],
): Promise<T[]> {
  await bodyOf(createServer({ ...credentials, ...options }, app), path);
  return results;
}

const prototypes = (one: object, other: object): object[] => [
  Object.getPrototypeOf(one) as object,
  Object.getPrototypeOf(other) as object,
];

describe('request and response', () => {
  it('have the prototypes of the Express app before it touches them', async () => {
    const app = express().get('/', (_request, response) => void response.end());
    const born: object[][] = [];
    const server = createServer(credentials, app);
    server.prependListener('request', (incoming: object, outgoing: object) =>
      born.push(prototypes(incoming, outgoing)),
    );
    await bodyOf(server);
    expect(born[0]![0]).toBe(app.request);
    expect(born[0]![1]).toBe(app.response);
  });

  it('are a whole IncomingMessage and ServerResponse in an Express app', async () => {
    const app = express();
    const checks: unknown[] = [];
    app.get('/:id', (incoming, outgoing) => {
      checks.push(
        incoming instanceof IncomingMessage,
        outgoing instanceof ServerResponse,
        incoming.params.id,
        incoming.query['q'],
        incoming.hostname,
        incoming.secure,
        incoming.httpVersion,
        outgoing.req === incoming,
        incoming.res === outgoing,
        outgoing.statusCode,
      );
      outgoing.json({});
    });
    await expect(seen(app, {}, '/7?q=x', checks)).resolves.toEqual([
      true,
      true,
      '7',
      'x',
      '127.0.0.1',
      true,
      '1.1',
      true,
      true,
      200,
    ]);
  });

  it('carry a body both ways', async () => {
    const app = express();
    app.post('/', express.json(), (incoming, outgoing) => void outgoing.json(incoming.body));
    const body = { text: 'x'.repeat(50_000) };
    const answer = await request(createServer(credentials, app), { ca: pki.ca }).post('/').send(body);
    expect(answer.body).toEqual(body);
  });

  it('have the prototypes of a mounted app within it, and those of the outer one after it', async () => {
    const [outer, inner] = [express(), express()];
    const seenPrototypes: object[] = [];
    Object.defineProperty(inner.request, 'whose', { get: () => 'inner' });
    Object.defineProperty(outer.request, 'whose', { get: () => 'outer' });
    const note = (incoming: object): void => void seenPrototypes.push((incoming as { whose: object }).whose);
    inner.use((incoming, _outgoing, next) => {
      note(incoming);
      next();
    });
    outer.use((incoming, _outgoing, next) => {
      note(incoming);
      next();
    });
    outer.use('/inner', inner);
    outer.get('/inner', (incoming, outgoing) => {
      note(incoming);
      outgoing.end();
    });
    await expect(seen(outer, {}, '/inner', seenPrototypes)).resolves.toEqual(['outer', 'inner', 'outer']);
  });

  it('follow what is added to app.request after the start', async () => {
    const app = express();
    const server = createServer(credentials, app);
    Object.assign(app.request, { later: () => 'added' });
    Object.assign(app.response, {
      answer(this: express.Response) {
        return this.send('answered');
      },
    });
    app.get('/', (incoming, outgoing) => {
      expect((incoming as unknown as { later(): string }).later()).toBe('added');
      (outgoing as unknown as { answer(): void }).answer();
    });
    expect(await bodyOf(server)).toBe('answered');
  });

  it('follow an app.request that is replaced after the start', async () => {
    const app = express();
    const server = createServer(credentials, app);
    app.request = Object.create(app.request, { replaced: { value: true } }) as Express['request'];
    app.get('/', (incoming, outgoing) => {
      outgoing.json({ replaced: (incoming as unknown as { replaced?: boolean }).replaced });
    });
    expect(await bodyOf(server)).toBe('{"replaced":true}');
  });

  it('serve an app that is mounted in another one, and the other one as well', async () => {
    const shared = express().get('/', (_incoming, outgoing) => void outgoing.send('shared'));
    const other = express().use('/below', shared);
    expect(await bodyOf(createServer(credentials, shared))).toBe('shared');
    expect(await bodyOf(createServer(credentials, other), '/below')).toBe('shared');
  });

  it.each<[string, RequestListener]>([
    ['a function', (_incoming, outgoing) => outgoing.end()],
    [
      'an Express Router in a function',
      (incoming, outgoing) => express.Router()(incoming as never, outgoing as never, () => outgoing.end()),
    ],
    [
      'a function that looks like an app',
      Object.assign(((_incoming, outgoing) => outgoing.end()) as RequestListener, {
        handle: () => {},
        request: {},
        response: {},
      }),
    ],
  ])('are those of node:http for %s', async (_what, app) => {
    const server = createServer(credentials, app);
    const born: object[][] = [];
    server.prependListener('request', (incoming: object, outgoing: object) =>
      born.push(prototypes(incoming, outgoing)),
    );
    await bodyOf(server);
    expect(born[0]![0]).toBe(IncomingMessage.prototype);
    expect(born[0]![1]).toBe(ServerResponse.prototype);
  });

  it('are of the classes that the user gives, in an Express app too', async () => {
    class Incoming extends IncomingMessage {
      readonly mine = true;
    }
    class Outgoing extends ServerResponse<Incoming> {
      readonly mine = true;
    }
    const checks: unknown[] = [];
    const app = express().get('/', (incoming, outgoing) => {
      checks.push((incoming as unknown as Incoming).mine, (outgoing as unknown as Outgoing).mine);
      outgoing.end();
    });
    const options = { IncomingMessage: Incoming, ServerResponse: Outgoing } as unknown as PortcullisOptions;
    await expect(seen(app, options, '/', checks)).resolves.toEqual([true, true]);
  });

  it('of a plain https.Server with the same app stay as they were', async () => {
    const app = express().get('/', (incoming, outgoing) => void outgoing.json({ secure: incoming.secure }));
    createServer(credentials, app);
    const plain = createPlain({ key: pki.server.key, cert: pki.server.cert }, app);
    expect(await bodyOf(plain)).toBe('{"secure":true}');
  });
});

describe('answers', () => {
  /** All ways to send something; an app of its own each time, as a server may change it. */
  function manyAnswers(): Express {
    const app = express();
    // As libraries do that look at an answer, or change it: on-headers, compression.
    app.use('/hooked', (_incoming, outgoing, next) => {
      type Method = (this: typeof outgoing, ...values: unknown[]) => unknown;
      const own = outgoing as unknown as Record<'writeHead' | 'end' | 'setHeader', Method>;
      const { writeHead, end, setHeader } = own;
      own.setHeader = function set(...values) {
        return setHeader.apply(this, values);
      };
      own.writeHead = function head(...values) {
        this.setHeader('X-Hooked', '1');
        return writeHead.apply(this, values);
      };
      own.end = function ended(...values) {
        return end.apply(this, values);
      };
      next();
    });
    app.all(['/json', '/hooked'], (_incoming, outgoing) => void outgoing.json({ text: 'Grüße ✓' }));
    app.get('/text', (_incoming, outgoing) => void outgoing.send('Grüße ✓'));
    app.get('/empty', (_incoming, outgoing) => void outgoing.send(''));
    app.get('/octets', (_incoming, outgoing) => void outgoing.send(Buffer.from([0, 128, 255, 13, 10])));
    app.get('/own-text', (_incoming, outgoing) => {
      const toString = (): string => 'abcHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
      outgoing.send(Object.assign(Buffer.from('abc'), { toString, latin1Slice: toString }));
    });
    app.get('/like-a-file', (_incoming, outgoing) => {
      const stats = { ctime: new Date(1), mtime: new Date(2), ino: 1, size: 3 };
      outgoing.send(Object.assign(Buffer.from('abc'), stats));
    });
    app.get('/latin1', (_incoming, outgoing) => {
      outgoing.setHeader('X-Name', 'Gr\u00fc\u00dfe');
      outgoing.end(Buffer.from([0, 128, 255]));
    });
    app.get('/view', (_incoming, outgoing) => void outgoing.end(new Uint8Array([0, 128, 255])));
    app.get(
      '/around/:length',
      (incoming, outgoing) => void outgoing.send(Buffer.alloc(Number(incoming.params.length), 200)),
    );
    app.get('/chunks', (_incoming, outgoing) => {
      outgoing.write(Buffer.from('one'));
      outgoing.write('two');
      outgoing.end(Buffer.from('three'));
    });
    app.get('/length', (_incoming, outgoing) => {
      outgoing.setHeader('Content-Length', 6);
      outgoing.write(Buffer.from('one'));
      outgoing.end(Buffer.from('two'));
    });
    app.get('/none', (_incoming, outgoing) => void outgoing.sendStatus(204));
    app.get('/later', (_incoming, outgoing) => void setImmediate(() => outgoing.send('later')));
    return app;
  }

  const asked = [
    'GET /json',
    'HEAD /json',
    'POST /json',
    'GET /hooked',
    'GET /text',
    'GET /empty',
    'GET /octets',
    'GET /own-text',
    'GET /like-a-file',
    'GET /latin1',
    'GET /view',
    ...[4095, 4096, 4097, 70_000].map((length) => `GET /around/${length}`),
    'GET /chunks',
    'GET /length',
    'GET /none',
    'GET /later',
    'GET /nowhere',
  ];

  const alone = ['GET /json', 'GET /hooked', 'GET /latin1', 'GET /around/4096', 'GET /chunks'];

  /** What the server sends, octet for octet, but for the time: to all requests at once, and to some by themselves. */
  async function sent(server: Server, extra = ''): Promise<string> {
    const port = await listen(server);
    const ask = async (lines: readonly string[]): Promise<string> => {
      const socket = await handshake(port);
      const last = lines.length - 1;
      const requests = lines.map(
        (line, index) =>
          `${line} HTTP/1.1\r\nHost: localhost\r\n${extra}Connection: ${index === last ? 'close' : 'keep-alive'}\r\n\r\n`,
      );
      socket.setEncoding('latin1').write(requests.join(''));
      return readAll(socket);
    };
    const answers = [await ask(asked), ...(await Promise.all(alone.map((line) => ask([line]))))];
    return answers
      .join('\n\n')
      .replace(/\r\nDate: [^\r]+/g, '')
      .replace(/\u00c8{100,}/g, (run) => `[${run.length}]`);
  }

  it.each([
    ['', 'weak'],
    ['', 'strong'],
    ['', false],
    ['If-None-Match: W/"1-Kq5sNclPz7QV2+lfQIuc6R7oRu0"\r\n', 'weak'],
  ])('are what Node sends without us, octet for octet (%j, etag %s)', async (extra, etag) => {
    const [ours, theirs] = [manyAnswers().set('etag', etag), manyAnswers().set('etag', etag)];
    const plain = createPlain({ key: pki.server.key, cert: pki.server.cert }, theirs);
    plain.keepAliveTimeout = 60_000;
    expect(await sent(createServer(credentials, ours), extra)).toBe(await sent(plain, extra));
  });

  it('are written with their head at once where they are short', async () => {
    const app = express();
    const first: string[] = [];
    app.get('/:length', (incoming, outgoing) => {
      const write = jest.spyOn(incoming.socket, 'write');
      outgoing.on('finish', () => first.push(String(write.mock.calls[0]![0])));
      outgoing.send(Buffer.alloc(Number(incoming.params.length), 'x'));
    });
    const server = createServer(credentials, app);
    for (const length of [1, 4096, 4097]) await request(server, { ca: pki.ca }).get(`/${length}`);
    expect(first.map((octets) => octets.split('\r\n\r\n')[1]!.length)).toEqual([1, 4096, 0]);
  });

  it('have an ETag of Express, by which a client is told that it has the answer already', async () => {
    const app = express().get('/', (_incoming, outgoing) => void outgoing.json({ hello: 'world' }));
    const client = request(createServer(credentials, app), { ca: pki.ca });
    // Another function of the same answers, with fewer steps.
    expect(app.get('etag fn')).not.toBe(express().get('etag fn'));
    const { headers } = await client.get('/');
    expect(headers['etag']).toBe('W/"11-IkjuL6CqqtmReFMfkkvwC0sKj04"');
    expect((await client.get('/').set('If-None-Match', String(headers['etag']))).status).toBe(304);
  });

  it("have the ETag of the app's own function, given before or after", async () => {
    const [before, after, bound] = [express(), express(), express()];
    const own = (): string => '"own"';
    before.set('etag', own);
    // Whoever wraps `app.set` may have bound it to the app.
    const set = bound.set.bind(bound) as (...values: unknown[]) => Express;
    bound.set = ((...values: unknown[]) => set(...values)) as typeof bound.set;
    bound.set('etag fn', own);
    for (const app of [before, after, bound]) {
      app.get('/', (_incoming, outgoing) => void outgoing.send('x'));
      const server = createServer(credentials, app);
      if (app === after) app.set('etag', own);
      const { headers } = await request(server, { ca: pki.ca }).get('/');
      expect(headers['etag']).toBe('"own"');
    }
  });

  it('have an ETag where the settings are frozen, too', async () => {
    const app = express().get('/', (_incoming, outgoing) => void outgoing.send('x'));
    Object.freeze((app as unknown as { settings: object }).settings);
    const { headers } = await request(createServer(credentials, app), { ca: pki.ca }).get('/');
    expect(headers['etag']).toMatch(/^W\/"1-.{27}"$/);
  });
});
