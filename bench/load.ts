/** The clients' process: TLS 1.3 connections of its own, so that no HTTP client's habits are measured. */
import { once } from 'node:events';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { answerParent } from './messages.ts';

export interface Clients {
  /** The server's name. */
  readonly host: string;
  readonly ca: string;
  readonly key: string;
  /** Of the same key: each is another client. */
  readonly certificates: readonly string[];
}

export interface Run {
  readonly port: number;
  readonly operations: number;
  /** How many at once. */
  readonly concurrency: number;
}

let clients: Clients;
let contexts: SecureContext[] = [];
/** By port: every server sees every client once before it sees one again. */
let nextClient = new Map<number, number>();
let keptAlive: TLSSocket[] = [];

answerParent({
  prepare: (given: Clients): void => {
    clients = given;
    contexts = [];
    nextClient = new Map();
  },
  /** Opens the keep-alive connections; each has served a request when this is answered. */
  open: async ({ port, concurrency }: Run): Promise<void> => {
    keptAlive = await Promise.all(Array.from({ length: concurrency }, () => dial(port)));
    await Promise.all(keptAlive.map((socket) => repeat(socket, 1)));
  },
  requests: async ({ operations, concurrency }: Run): Promise<void> => {
    await Promise.all(keptAlive.map((socket) => repeat(socket, operations / concurrency)));
  },
  close: async (): Promise<void> => {
    await Promise.all(
      keptAlive.map((socket) => {
        socket.end();
        return once(socket, 'close');
      }),
    );
  },
  /** New connections with one request each. */
  connections: async ({ port, operations, concurrency }: Run): Promise<void> => {
    const visit = async (): Promise<void> => {
      for (let left = operations / concurrency; left > 0; left--) await visitOnce(port);
    };
    await Promise.all(Array.from({ length: concurrency }, visit));
  },
});

/** Every connection is that of the next client, in turn. */
function dial(port: number): Promise<TLSSocket> {
  const count = nextClient.get(port) ?? 0;
  nextClient.set(port, count + 1);
  const secureContext = contextOf(count % clients.certificates.length);
  const socket = connect({ host: '127.0.0.1', port, servername: clients.host, secureContext });
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });
}

/** Node 20 has no other group in common with 24: with this one all versions do the same work. */
const contextOf = (index: number): SecureContext =>
  (contexts[index] ??= createSecureContext({
    ca: clients.ca,
    key: clients.key,
    cert: clients.certificates[index]!,
    ecdhCurve: 'X25519',
    minVersion: 'TLSv1.3',
  }));

const request = (connection: string): string =>
  `GET / HTTP/1.1\r\nHost: ${clients.host}\r\nConnection: ${connection}\r\n\r\n`;

/** One request after the other. All answers are of one length, so that the first alone is parsed. */
function repeat(socket: TLSSocket, count: number): Promise<void> {
  const text = request('keep-alive');
  return new Promise((resolve, reject) => {
    let left = count;
    let received = '';
    let length = 0;
    let missing = 0;
    const finish = (error?: Error): void => {
      socket.off('data', onData).off('error', finish).off('close', onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onClose = (): void => finish(new Error('the server has closed the connection'));
    const onData = (chunk: Buffer): void => {
      if (length === 0) {
        received += chunk.toString('latin1');
        length = responseLength(received);
        if (length === 0) return;
        missing = length - received.length;
      } else {
        missing -= chunk.length;
      }
      if (missing > 0) return;
      if (missing < 0) return finish(new Error('an answer is longer than the first one'));
      if (--left === 0) return finish();
      missing = length;
      socket.write(text);
    };
    socket.on('data', onData).on('error', finish).on('close', onClose);
    socket.write(text);
  });
}

async function visitOnce(port: number): Promise<void> {
  const socket = await dial(port);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.write(request('close'));
  await once(socket, 'close');
  if (responseLength(received) !== received.length) throw new Error(`an incomplete answer: ${received}`);
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
