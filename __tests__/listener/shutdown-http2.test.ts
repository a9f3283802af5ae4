import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { createServer, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, handshake, listen, received } from './harness.ts';
import { flags, frameTypes, RawClient, request, requestFields, reset } from './http2-frames.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const nothing = { finished: 0, aborted: 0, unanswered: 0, idle: 0, handshaking: 0, upgraded: 0, sessions: 0 };
const durationMs = expect.any(Number);

const serverOf = (): PortcullisServer =>
  createServer({ key: pki.server.key, cert: pki.server.cert, http2: true }, () => {});

async function sessionWith(port: number): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  await once(session, 'connect');
  return session;
}

/** Begins a request, which the server has in flight when this is done. */
async function begin(
  server: PortcullisServer,
  session: ClientHttp2Session,
): Promise<{ response: ServerResponse; stream: ClientHttp2Stream; answer: Promise<string> }> {
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const stream = session.request({ ':path': '/' });
  const answer = answerTo(stream);
  return { response: (await asked)[1], stream, answer };
}

/** Empty where there is none. */
function answerTo(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  stream.on('error', () => {});
  return new Promise((settle) => stream.once('close', () => settle(text)));
}

it('streams in flight finish on both protocols, and are counted', async () => {
  const server = serverOf();
  const port = await listen(server);
  const session = await sessionWith(port);
  const [one, two] = [await begin(server, session), await begin(server, session)];
  const socket = await handshake(port);
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [, third] = await asked;
  const goaway = once(session, 'goaway');
  const down = server.shutdown({ timeout: 60_000 });
  // The last that is served, and no other number: what comes behind it may be sent to another server (RFC 9113 6.8).
  expect((await goaway).slice(0, 2)).toEqual([constants.NGHTTP2_NO_ERROR, 3]);
  const rest = received(socket);
  for (const [index, response] of [one.response, two.response, third].entries())
    response.end(`answer ${index}`);
  expect(await Promise.all([one.answer, two.answer])).toEqual(['answer 0', 'answer 1']);
  expect(await rest).toContain('answer 2');
  expect(await down).toEqual({ ...nothing, finished: 3, durationMs });
});

it('the deadline cuts them', async () => {
  const server = serverOf();
  const session = await sessionWith(await listen(server));
  const { answer } = await begin(server, session);
  const closed = ended(session.socket);
  expect(await server.shutdown({ timeout: 50 })).toEqual({ ...nothing, aborted: 1, sessions: 1, durationMs });
  await closed;
  expect(await answer).toBe('');
});

it('requests that come after it has begun are answered, and counted', async () => {
  const server = serverOf();
  server.on('request', (_request, response: ServerResponse) => response.end('in'));
  const port = await listen(server);
  const session = await sessionWith(port);
  const ask = (): Promise<string> => answerTo(session.request({ ':path': '/' }));
  expect(await ask()).toBe('in');
  const down = server.shutdown({ timeout: 60_000 });
  // In the same tick, and then one by one, while its client has not been told to go.
  expect(await Promise.all([ask(), ask()])).toEqual(['in', 'in']);
  expect(await ask()).toBe('in');
  expect(await down).toEqual({ ...nothing, finished: 3, durationMs });
});

it('a session whose handshake was under way is served as well', async () => {
  const server = serverOf();
  server.on('request', (_request, response: ServerResponse) => response.end('in'));
  const port = await listen(server);
  const taken = once(server, 'connection');
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  const answer = answerTo(session.request({ ':path': '/' }));
  await taken;
  const down = server.shutdown({ timeout: 60_000 });
  expect(await answer).toBe('in');
  session.close();
  expect(await down).toEqual({ ...nothing, finished: 1, durationMs });
});

it('a request counts as aborted that its client has reset, or whose client has gone', async () => {
  const server = serverOf();
  const port = await listen(server);
  const [session, other] = [await sessionWith(port), await sessionWith(port)];
  const { stream } = await begin(server, session);
  await begin(server, other);
  const down = server.shutdown({ timeout: 60_000 });
  stream.close(constants.NGHTTP2_CANCEL);
  await once(stream, 'close');
  session.close();
  other.destroy();
  expect(await down).toEqual({ ...nothing, aborted: 2, durationMs });
});

it('so does one whose client has taken the answer, and broken off its own body', async () => {
  const server = serverOf();
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    incoming.on('error', () => {}).resume();
    response.end('early');
  });
  const client = await RawClient.open(await listen(server));
  client.send(request(1, requestFields([], { method: 'POST' }), true));
  await client.next(({ type, flags: bits }) => type === frameTypes.data && (bits & flags.endStream) !== 0);
  const down = server.shutdown({ timeout: 60_000 });
  client.send(reset(1));
  client.socket.end();
  expect(await down).toEqual({ ...nothing, aborted: 1, durationMs });
});
