import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer, type Server, type ServerOptions } from 'node:https';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { createServer, type PortcullisOptions, type TlsState } from 'portcullis';
import type { TestPki } from 'portcullis/testing';
import { connectionOf } from '../../lib/connection/index.ts';

const opened: Server[] = [];

afterAll(() => {
  for (const server of opened) {
    server.close();
    server.closeAllConnections();
  }
});

/** Both ends of one connection, over which one request was made. */
export interface Ends {
  readonly facts: TlsState;
  readonly peer: TLSSocket;
  readonly client: TLSSocket;
  /** A ticket that came, to resume by. */
  readonly ticket: Buffer | undefined;
}

export interface Endpoint {
  readonly server: Server;
  readonly connect: (options: ConnectionOptions) => Promise<Ends>;
}

export const guarded = (pki: TestPki, options: PortcullisOptions): Promise<Endpoint> =>
  endpoint((listener) => createServer({ ...pki.server, ...options }, listener));

export const plain = (pki: TestPki, options: ServerOptions): Promise<Endpoint> =>
  endpoint((listener) => createPlainServer({ ...pki.server, ...options }, listener));

async function endpoint(make: (listener: RequestListener) => Server): Promise<Endpoint> {
  const seen: Array<(taken: [TlsState, TLSSocket]) => void> = [];
  const server = make((incoming, response) => {
    const facts = connectionOf(incoming.socket, Date.now())!.stateAt(Date.now());
    response.end('ok');
    seen.shift()?.([facts, incoming.socket as TLSSocket]);
  });
  opened.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    connect: async (options) => {
      const client = connect({ host: '127.0.0.1', port, ALPNProtocols: ['http/1.1'], ...options });
      let ticket: Buffer | undefined;
      client.on('session', (session) => (ticket = session));
      const taken = new Promise<[TlsState, TLSSocket]>((settle) => seen.push(settle));
      const answered = once(client, 'data');
      client.write(`GET / HTTP/1.1\r\nHost: ${options.servername ?? '127.0.0.1'}\r\n\r\n`);
      const [[facts, peer]] = await Promise.all([taken, answered]);
      return { facts, peer, client, ticket };
    },
  };
}
