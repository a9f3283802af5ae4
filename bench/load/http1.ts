/** Requests over connections of our own, so that no HTTP client's habits are measured. */
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { dial, inTurn, serverName } from './dial.ts';

const request = (connection: string): string =>
  `GET / HTTP/1.1\r\nHost: ${serverName()}\r\nConnection: ${connection}\r\n\r\n`;

/** A connection that is kept alive and has one request at a time. */
export interface KeptAlive {
  ask(): Promise<void>;
  close(): Promise<void>;
}

/** All answers are of one length, so that the first alone is parsed. */
export async function keepAlive(port: number): Promise<KeptAlive> {
  const socket = await dial(port);
  const text = request('keep-alive');
  let settle: (() => void) | undefined;
  let fail: ((error: Error) => void) | undefined;
  let received = '';
  let length = 0;
  let missing = 0;
  const give = (error: Error): void => {
    fail?.(error);
    socket.destroy();
  };
  socket.on('error', give).on('close', () => give(new Error('the server has closed the connection')));
  socket.on('data', (chunk: Buffer) => {
    if (length === 0) {
      received += chunk.toString('latin1');
      length = responseLength(received);
      if (length === 0) return;
      missing = length - received.length;
    } else {
      missing -= chunk.length;
    }
    if (missing < 0) return give(new Error('an answer is longer than the first one'));
    if (missing > 0) return;
    missing = length;
    settle?.();
  });
  const ask = (): Promise<void> =>
    new Promise((resolve, reject) => {
      settle = resolve;
      fail = reject;
      socket.write(text);
    });
  return { ask, close: () => closeQuietly(socket) };
}

async function closeQuietly(socket: TLSSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.end();
  await closed;
}

/** A new connection with one request. */
export const visit = (port: number) => (): (() => Promise<void>) => async () => {
  const socket = await dial(port);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.write(request('close'));
  await once(socket, 'close');
  if (responseLength(received) !== received.length) throw new Error(`an incomplete answer: ${received}`);
};

/** Over all of the connections, one request at a time on each. */
export function askAll(connections: readonly KeptAlive[], count: number): Promise<void> {
  const free = [...connections];
  return inTurn(count, connections.length, () => {
    const connection = free.pop()!;
    return () => connection.ask();
  });
}

/** 0 as long as the head is not complete. */
function responseLength(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return 0;
  const head = text.slice(0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head);
  if (!head.startsWith('HTTP/1.1 200 ') || length === null) throw new Error(`an unexpected answer: ${head}`);
  return end + 4 + Number(length[1]);
}
