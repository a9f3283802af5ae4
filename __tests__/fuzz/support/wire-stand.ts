import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Socket,
} from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import express, { type Request, type Response } from 'express';
import { createServer, problemDetails, requireClientCertificate } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';

type Identity = Pick<ConnectionOptions, 'key' | 'cert'>;

/** A server with everything that a stranger's octets can reach. */
export interface Stand {
  readonly port: number;
  readonly redirectPort: number;
  readonly pki: TestPki;
  /** Sends octets without TLS; gives what came back until the end. */
  readonly raw: (port: number, octets: Buffer) => Promise<string>;
  /** The same within TLS, by a client without a certificate, or with one that nobody here trusts. */
  readonly asStranger: (octets: Buffer, protocol: 'h2' | 'http/1.1', identity?: Identity) => Promise<string>;
  /** The same by the good client. */
  readonly asGood: (octets: Buffer, protocol: 'h2' | 'http/1.1') => Promise<string>;
  /** What a new good client is told, over HTTP/1.1 and over HTTP/2. */
  readonly goodAnswers: () => Promise<readonly string[]>;
  /** What was wrong with those who came to a handler: a stranger behind the guard, or with a name. */
  readonly intruders: readonly string[];
  /** How many requests of strangers have come to a handler: sessions that get nowhere prove nothing. */
  readonly visitors: () => number;
  /** Ends when the last connection has: one that is left over holds it up. */
  readonly close: () => Promise<void>;
}

export async function makeStand(): Promise<Stand> {
  const pki = await createTestPki();
  const { key, cert } = await pki.issueServer({ names: ['localhost', 'a.test'] });
  const strangers = new Set<number>();
  const intruders: string[] = [];
  let visitors = 0;
  const judge = (request: Request, behindGuard: boolean): void => {
    const name = request.tls?.clientCertificate?.subject['CN']?.[0];
    if (!strangers.has(request.socket.remotePort!)) return;
    visitors++;
    if (behindGuard || name !== undefined) intruders.push(`${request.method} ${request.url} as ${name}`);
  };
  const guarded = (request: Request, response: Response): void => {
    judge(request, true);
    response.send(request.tls!.clientCertificate!.subject['CN']![0]);
  };
  const app = express()
    .use('/secret', requireClientCertificate(), guarded)
    .use((request, response) => {
      judge(request, false);
      response.send('anybody');
    })
    .use(problemDetails());
  const server = createServer(
    {
      key,
      cert,
      http2: true,
      redirect: { port: 0 },
      clientAuth: { mode: 'optional', ca: pki.ca },
      limits: { exemptAddresses: ['127.0.0.1'] },
      // A log of every refusal would be the longest part of the test.
      logger: { info: () => undefined, warn: () => undefined },
    },
    app,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirect = server.redirect!;
  if (!redirect.listening) await once(redirect, 'listening');
  const { port } = server.address() as AddressInfo;
  const { port: redirectPort } = redirect.address() as AddressInfo;

  const within = (
    octets: Buffer,
    protocol: string,
    identity: Identity,
    isStranger: boolean,
  ): Promise<string> => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: pki.ca,
      ALPNProtocols: [protocol],
      ...identity,
    });
    socket.once('secureConnect', () => {
      const { localPort = 0 } = socket;
      // Until it is closed: the next who has this port may be anybody.
      if (isStranger) socket.once('close', () => strangers.delete(localPort));
      if (isStranger) strangers.add(localPort);
      socket.end(octets);
    });
    return heard(socket);
  };
  const { good } = pki.clients;
  return {
    port,
    redirectPort,
    pki,
    intruders,
    visitors: () => visitors,
    raw: (to, octets) => {
      const socket = connectTcp(to, '127.0.0.1');
      socket.once('connect', () => socket.end(octets));
      return heard(socket);
    },
    asStranger: (octets, protocol, identity = {}) => within(octets, protocol, identity, true),
    asGood: (octets, protocol) => within(octets, protocol, good, false),
    goodAnswers: () => Promise.all([overHttp1(port, pki), overHttp2(port, pki)]),
    close: () => server.shutdown({ timeout: 20_000 }).then(() => undefined),
  };
}

/** What a socket has heard when it is closed, however it is. */
function heard(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  // Who waits for more than was sent is not waited for.
  socket.setTimeout(3_000, () => socket.destroy());
  return new Promise((settle) => socket.on('close', () => settle(Buffer.concat(chunks).toString('latin1'))));
}

async function overHttp1(port: number, { clients: { good } }: TestPki): Promise<string> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...good });
  const answer = heard(socket);
  socket.once('secureConnect', () => socket.write(goodRequest));
  return (await answer).split('\r\n\r\n')[1] ?? '';
}

/** The server closes when it has answered. */
export const goodRequest = 'GET /secret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

function overHttp2(port: number, { clients: { good } }: TestPki): Promise<string> {
  return new Promise((settle) => {
    const session = connectHttp2(`https://localhost:${port}`, {
      host: '127.0.0.1',
      ...good,
    } as ConnectionOptions);
    session.on('error', ({ message }) => settle(message));
    const stream = session.request({ ':path': '/secret' });
    let body = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    stream.on('error', ({ message }) => settle(message));
    stream.on('close', () => session.close(() => settle(body)));
  });
}

/** The first octets of a client of TLS: its hello. */
export async function recordHello(options: ConnectionOptions): Promise<Buffer> {
  const trap = createTcpServer();
  trap.listen(0, '127.0.0.1');
  await once(trap, 'listening');
  const { port } = trap.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
  client.on('error', () => {});
  const [socket] = (await once(trap, 'connection')) as [Socket];
  socket.on('error', () => {});
  const [octets] = (await once(socket, 'data')) as [Buffer];
  for (const one of [socket, client]) one.destroy();
  trap.close();
  await once(trap, 'close');
  return octets;
}

/** What Node's own client of HTTP/2 sends before it hears anything. */
export async function recordHttp2(headers: Readonly<Record<string, string>>, body: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const wire = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const session = connectHttp2('http://localhost', { createConnection: () => wire });
  session.on('error', () => {});
  const stream = session.request(headers, { endStream: body === '' });
  stream.on('error', () => {});
  if (body !== '') stream.end(body);
  // The frames are written in the turns of the loop that follow.
  for (let turn = 0; turn < 5; turn++) await new Promise((settle) => setImmediate(settle));
  session.destroy();
  return Buffer.concat(chunks);
}
