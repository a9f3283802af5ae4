import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http';
import type { Server } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type Express } from 'express';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { closeAll } from './harness.ts';

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
    const { createServer: createPlain } = await import('node:https');
    const app = express().get('/', (incoming, outgoing) => void outgoing.json({ secure: incoming.secure }));
    createServer(credentials, app);
    const plain = createPlain({ key: pki.server.key, cert: pki.server.cert }, app);
    expect(await bodyOf(plain)).toBe('{"secure":true}');
  });
});
