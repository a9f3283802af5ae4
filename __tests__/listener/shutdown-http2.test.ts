import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { createServer, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, handshake, listen, received } from './harness.ts';

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
): Promise<{ response: ServerResponse; answer: Promise<string> }> {
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const stream = session.request({ ':path': '/' });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  stream.on('error', () => {});
  const answer = new Promise<string>((settle) => stream.once('close', () => settle(text)));
  return { response: (await asked)[1], answer };
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
  await goaway;
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
