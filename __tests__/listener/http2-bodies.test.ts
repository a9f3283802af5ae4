import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, listen } from './harness.ts';
import {
  flags,
  type Frame,
  frame,
  frameTypes,
  RawClient,
  request,
  requestFields,
  reset,
} from './http2-frames.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

let credentials: PortcullisOptions;
beforeAll(async () => {
  const { key, cert } = (await createTestPki()).server;
  credentials = { key, cert, http2: true, logger: false };
});
afterEach(async () => {
  closeSessions();
  await closeAll();
});

const upload = requestFields([['content-length', '110']], { method: 'POST' });
const some = frame(frameTypes.data, 0, 1, Buffer.alloc(100));
const rest = frame(frameTypes.data, flags.endStream, 1, Buffer.alloc(10));
const isData = ({ type, stream }: Frame): boolean => type === frameTypes.data && stream === 1;
const isHeaders = ({ type, stream }: Frame): boolean => type === frameTypes.headers && stream === 1;

/** What an app hears of one body: in turn, with how much has come. */
interface Heard {
  readonly events: string[];
  readonly closed: Promise<unknown>;
  readonly some: Promise<unknown>;
}

function hear(incoming: IncomingMessage): Heard {
  const events: string[] = [];
  let octets = 0;
  const arrived = new Promise<void>((settle) => {
    incoming.on('data', (chunk: Buffer) => {
      octets += chunk.length;
      settle();
    });
  });
  incoming.on('end', () => events.push(`end of ${octets}, complete: ${incoming.complete}`));
  incoming.on('aborted', () => events.push('aborted'));
  incoming.on('error', (error: NodeJS.ErrnoException) => events.push(error.code!));
  return { events, closed: new Promise((settle) => incoming.on('close', settle)), some: arrived };
}

/** A client that has sent the head and 100 octets of 110, all of which the app has read. */
async function begin(
  answer: (response: ServerResponse) => void,
  options: PortcullisOptions = {},
): Promise<{ client: RawClient; heard: Heard; response: ServerResponse }> {
  const server = createServer({ ...credentials, ...options });
  const arrived = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const listener: RequestListener = (incoming, response) => {
    heard = hear(incoming);
    answer(response);
  };
  let heard: Heard | undefined;
  server.on('request', listener);
  const client = await RawClient.open(await listen(server));
  client.send(request(1, upload, true), some);
  const [, response] = await arrived;
  await heard!.some;
  return { client, heard: heard!, response };
}

describe('a body is complete', () => {
  it('when the client says so', async () => {
    const { client, heard, response } = await begin(() => {});
    client.send(rest);
    response.end();
    await heard.closed;
    expect(heard.events).toEqual(['end of 110, complete: true']);
  });

  it('when the client says so after the answer, which does not cut it', async () => {
    const { client, heard } = await begin((response) => response.end('early'));
    await client.next((one) => isData(one) && (one.flags & flags.endStream) !== 0);
    client.send(rest);
    await heard.closed;
    expect(heard.events).toEqual(['end of 110, complete: true']);
    expect(client.frames.filter(({ type }) => type === frameTypes.rstStream)).toEqual([]);
  });

  it.each<[string, (response: ServerResponse) => void, number]>([
    ['when the client resets the stream without an error', () => {}, 0],
    ['when the client resets the stream', () => {}, 8],
    ['when the client resets the stream without an error after the answer', (response) => response.end(), 0],
  ])('but not %s', async (_what, answer, code) => {
    const { client, heard } = await begin(answer);
    client.send(reset(1, code));
    await heard.closed;
    expect(heard.events).toEqual(['aborted', 'ECONNRESET']);
  });

  it('but not when it has taken too long, and the answer was 408', async () => {
    const { client, heard } = await begin(() => {}, {
      limits: { requestTimeout: 60 },
      dangerouslyUnlimited: ['headersTimeout'],
    });
    await heard.closed;
    const headers = await client.next(isHeaders);
    expect(headers!.payload.toString('latin1')).toContain('408');
    expect(heard.events).toEqual(['aborted', 'ECONNRESET']);
  });
});

describe('an answer', () => {
  it.each<[string, RequestListener]>([
    ['by Express', express().use(express.json(), (incoming, response) => void response.json(incoming.body))],
    ['of 1 MB', (incoming, response) => incoming.resume().on('end', () => response.end(Buffer.alloc(1e6)))],
  ])('%s to a body that has been read finishes, and then closes', async (_what, listener) => {
    const events: string[] = [];
    const server = createServer(credentials);
    const closed = new Promise<ServerResponse>((settle) => {
      server.on('request', (_incoming, response) => {
        response.on('finish', () => events.push('finish'));
        response.on('close', () => events.push('close') && settle(response));
      });
    });
    server.on('request', listener);
    const session = await openSession(await listen(server));
    const headers = { 'content-type': 'application/json' };
    await overHttp2(session, { path: '/', method: 'POST', headers, body: '{"a":1}' });
    expect([(await closed).writableFinished, events]).toEqual([true, ['finish', 'close']]);
  });

  it.each<[string, number, (response: ServerResponse) => unknown]>([
    ['205 and a body', 205, (response) => Object.assign(response, { statusCode: 205 }).end('xyz')],
    ['205 and a body in parts', 205, (response) => response.writeHead(205).write('x') && response.end('yz')],
    ['204 and a length', 204, (response) => response.writeHead(204, { 'Content-Length': 3 }).end('xyz')],
  ])('of %s is sent without them', async (_what, status, answer) => {
    const server = createServer(credentials, (_incoming, response) => void answer(response));
    const got = await overHttp2(await openSession(await listen(server)), { path: '/' });
    expect([got.status, got.headers['content-length'], got.body.length]).toEqual([status, undefined, 0]);
  });
});

it('a body that has come in full is read to its end, however early the answer', async () => {
  const readAll = async (incoming: IncomingMessage, response: ServerResponse): Promise<number> => {
    const closed = once(response, 'close');
    response.writeHead(202).end('early');
    let octets = 0;
    for await (const chunk of incoming) {
      octets += (chunk as Buffer).length;
      // What is left fits in what waits to be read: the client has sent its last, and the stream is gone.
      if (octets >= 40_000 - 16_384) await closed;
    }
    return octets;
  };
  const server = createServer(credentials);
  const read = once(server, 'request').then(async ([incoming, response]) => readAll(incoming, response));
  const session = await openSession(await listen(server));
  await overHttp2(session, { path: '/', method: 'POST', body: Buffer.alloc(40_000) });
  expect(await read).toBe(40_000);
});

it('a body that nobody reads is dropped once it is answered', async () => {
  const server = createServer(credentials, (_incoming, response) => response.end());
  const client = await RawClient.open(await listen(server));
  client.send(request(1, upload, true), some);
  const cut = await client.next(({ type, stream }) => type === frameTypes.rstStream && stream === 1);
  expect(cut!.payload.readUInt32BE(0)).toBe(0);
});

it('an app that answers after the 408 does so for nobody, and nothing breaks', async () => {
  const app = express();
  app.post('/', (incoming, response) => {
    incoming.on('error', () => {});
    response.on('close', () => {
      response.status(400).json({ closed: true });
      server.emit('answered', response);
    });
  });
  const limits = { requestTimeout: 60 };
  const server = createServer({ ...credentials, limits, dangerouslyUnlimited: ['headersTimeout'] }, app);
  const answered = once(server, 'answered') as unknown as Promise<[ServerResponse]>;
  const client = await RawClient.open(await listen(server));
  client.send(request(1, upload, true), some);
  const [response] = await answered;
  expect((await client.next(isHeaders))!.payload.toString('latin1')).toContain('408');
  expect([response.writableFinished, response.statusCode]).toEqual([false, 400]);
});
