import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { request as httpsRequest, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll } from '@jest/globals';
import type { UpgradeCheck } from 'portcullis';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { listening, portOf } from './harness.ts';

const clients: WebSocket[] = [];
const services: WebSocketServer[] = [];

afterAll(() => {
  for (const client of clients) client.terminate();
  for (const service of services) {
    for (const client of service.clients) client.terminate();
    service.close();
  }
});

export interface Stage<S> {
  readonly server: S;
  /** What the check has resolved to, for each upgrade in turn. */
  readonly verdicts: Array<Promise<boolean>>;
  /** Once an upgrade has come. */
  readonly came: (count?: number) => Promise<void>;
  readonly sockets: Duplex[];
  readonly requests: IncomingMessage[];
}

/** A service of WebSockets behind `allowed`, which answers each message with the same and chooses the last protocol. */
export async function webSockets<S extends Server | HttpServer>(
  server: S,
  allowed: UpgradeCheck,
): Promise<Stage<S>> {
  const service = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => [...protocols].at(-1) ?? false,
  });
  services.push(service);
  service.on('connection', (client: WebSocket) => {
    client.on('error', () => {});
    client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
  });
  const stage = { server, verdicts: [] as Array<Promise<boolean>>, sockets: [] as Duplex[] };
  const requests: IncomingMessage[] = [];
  let wake = (): void => {};
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const verdict = allowed(incoming, socket, head);
    stage.verdicts.push(verdict);
    stage.sockets.push(socket);
    requests.push(incoming);
    wake();
    void (async () => {
      if (await verdict)
        service.handleUpgrade(incoming, socket, head, (ws) => service.emit('connection', ws, incoming));
    })();
  });
  const came = async (count = 1): Promise<void> => {
    while (stage.verdicts.length < count) await new Promise<void>((settle) => (wake = settle));
  };
  await listening(server);
  return { ...stage, came, requests };
}

/** A client of a WebSocket; `protocol` are those that it offers. */
export function socketOf(
  server: Server,
  options: ClientOptions & ConnectionOptions,
  protocols: string[] = [],
): WebSocket {
  const url = `wss://localhost:${portOf(server)}/live?secret=1`;
  const client = new WebSocket(url, protocols, { host: '127.0.0.1', servername: 'localhost', ...options });
  clients.push(client);
  client.on('error', () => {});
  return client;
}

/** What the service answers to a message. */
export async function echoOf(client: WebSocket, text: string): Promise<string> {
  if (client.readyState !== WebSocket.OPEN) await opened(client);
  const answer = once(client, 'message') as Promise<[Buffer]>;
  client.send(text);
  return (await answer)[0].toString();
}

function opened(client: WebSocket): Promise<void> {
  return new Promise((settle, fail) => {
    client.once('open', settle);
    client.once('close', () => fail(new Error('closed before it was open')));
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Of a 101. */
  readonly socket: TLSSocket | undefined;
}

const handshake = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Asks for an upgrade; gives the answer, and of a refusal only once the server has closed the connection. */
export function askUpgrade(
  server: Server | HttpServer,
  { headers, ...options }: ConnectionOptions & { readonly headers?: Record<string, string> },
  plain = false,
): Promise<Answer> {
  return new Promise((settle, fail) => {
    const ask = plain ? httpRequest : httpsRequest;
    const outgoing = ask({
      host: '127.0.0.1',
      port: portOf(server),
      path: '/live?secret=1',
      agent: false,
      servername: 'localhost',
      ...options,
      headers: { Host: 'localhost', ...handshake, ...headers },
    });
    outgoing.on('error', fail);
    outgoing.on('upgrade', (incoming, socket) => {
      socket.on('error', () => {});
      settle({ status: 101, headers: incoming.headers, body: '', socket: socket as TLSSocket });
    });
    outgoing.on('response', (incoming) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
      incoming.on('error', fail);
      const closed = new Promise((done) => incoming.socket.once('close', done));
      incoming.on('end', () => {
        void closed.then(() =>
          settle({ status: incoming.statusCode!, headers: incoming.headers, body, socket: undefined }),
        );
      });
    });
    outgoing.end();
  });
}
