import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect } from 'node:http2';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { programEnvironment } from '../program.ts';
import type { Answer, Ask } from './client.ts';

interface Tunnelled {
  /** What it wrote to standard error. */
  readonly said: string;
  readonly answer: Pick<Answer, 'status' | 'body'> | undefined;
}

/**
 * HTTP/2 through a program that speaks TLS and knows nothing of HTTP: what is written to its standard input goes to the
 * server, what the server sends comes out of its standard output. Frames and HPACK are Node's.
 */
export async function http2Through(program: string, args: readonly string[], ask: Ask): Promise<Tunnelled> {
  const child = spawn(program, args, {
    env: programEnvironment(),
    stdio: 'pipe',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  const closed = once(child, 'close');
  // Where it cannot be run at all, that is known before anybody waits for its end.
  closed.catch(() => undefined);
  const said = text(child.stderr);
  const answer = await get(Duplex.from({ readable: child.stdout, writable: child.stdin }), ask);
  await closed;
  return { answer, said: await said };
}

async function get(wire: Duplex, { serverName, port, path }: Ask): Promise<Tunnelled['answer']> {
  const session = connect(`https://${serverName}:${port}`, { createConnection: () => wire });
  const ended = new Promise((settle) => session.once('close', settle));
  session.on('error', () => undefined);
  try {
    return await answerOf(session.request({ ':path': path }));
  } finally {
    session.close();
    await ended;
  }
}

/** Where the server refuses, the program ends, and the stream with it. */
async function answerOf(stream: ClientHttp2Stream): Promise<Tunnelled['answer']> {
  let status: number | undefined;
  stream.on('response', (headers) => (status = headers[':status'])).on('error', () => undefined);
  const body = text(stream).catch(() => '');
  await new Promise((settle) => stream.once('close', settle));
  return status === undefined ? undefined : { status, body: await body };
}
