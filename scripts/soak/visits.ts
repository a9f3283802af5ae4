import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import type { TestClient, TestPki } from '../../lib/testing/index.ts';

/** What a client should be told, and what it was told. */
export interface Visit {
  readonly name: string;
  readonly expected: string;
  readonly run: (port: number) => Promise<string>;
}

type Identity = Pick<ConnectionOptions, 'ca' | 'key' | 'cert' | 'maxVersion'>;
const host = '127.0.0.1';

/** Over one connection, kept alive: what all answers have in common. */
export async function overHttp1(port: number, as: Identity, path: string, times: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...as });
  const answers = new Set<string>();
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (let count = 0; count < times; count++) answers.add(await askHttp1(port, agent, path));
  agent.destroy();
  return [...answers].join(' | ');
}

function askHttp1(port: number, agent: Agent, path: string): Promise<string> {
  return new Promise((settle) => {
    const asked = request({
      host,
      port,
      agent,
      path,
      servername: 'localhost',
      headers: { host: 'localhost' },
    });
    asked.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      answer.on('end', () => settle(answer.statusCode === 200 ? body : String(answer.statusCode)));
      answer.on('error', ({ message }) => settle(message));
    });
    asked.on('error', ({ message }) => settle(message));
    asked.end();
  });
}

async function overHttp2(port: number, as: Identity, path: string, times: number): Promise<string> {
  const session = connectHttp2(`https://${host}:${port}`, as);
  const failed = new Promise<string>((settle) => session.on('error', ({ message }) => settle(message)));
  const answers = Promise.all(Array.from({ length: times }, () => askHttp2(session, path)));
  const all = await Promise.race([answers.then((each) => [...new Set(each)].join(' | ')), failed]);
  const closed = new Promise<void>((settle) => session.once('close', () => settle()));
  session.close();
  if (!session.destroyed) await closed;
  return all;
}

function askHttp2(session: ClientHttp2Session, path: string): Promise<string> {
  return new Promise((settle) => {
    const stream = session.request({ ':path': path });
    let [status, body] = [0, ''];
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    stream.on('error', ({ message }) => settle(message));
    stream.on('close', () => settle(status === 200 ? body : String(status)));
  });
}

/** The status of an upgrade; where it is let in, what comes back of what is said over it. */
function upgraded(port: number, as: Identity): Promise<string> {
  return new Promise((settle) => {
    const socket = connect({ host, port, servername: 'localhost', ...as });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.endsWith('\r\n\r\n') && text.startsWith('HTTP/1.1 101')) socket.write('echo');
      if (text.endsWith('\r\n\r\necho')) socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => settle(text.endsWith('echo') ? 'echo' : text.slice(9, 12)));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  });
}

/** Octets that are no handshake; whether the server has ended it without an answer of HTTP. */
function broken(port: number, octets: string): Promise<string> {
  return new Promise((settle) => {
    const socket = connectPlain(port, host);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => settle(text.includes(' 200 ') ? text : 'closed'));
    socket.write(Buffer.from(octets, 'latin1'));
  });
}

/** Leaves by a reset in the midst of a request, or of the answer. */
function vanished(port: number, as: Identity): Promise<string> {
  return new Promise((settle) => {
    const raw = connectPlain(port, host);
    const socket = connect({ socket: raw, servername: 'localhost', ...as }, () => {
      socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf', () =>
        raw.resetAndDestroy(),
      );
    });
    socket.on('error', () => {});
    raw.on('error', () => {});
    raw.on('close', () => settle('gone'));
  });
}

/** Whether the server is up, beside what has come of a visit that ends without an answer in any case. */
const proven = (visit: Visit, good: Identity): Visit => ({
  ...visit,
  run: async (port) => {
    const told = await visit.run(port);
    const answer = await overHttp1(port, good, '/secret', 1);
    return answer === 'good' ? told : `${told}, and then to a good client: ${answer}`;
  },
});

export const identityOf = (ca: string, { key, chain }: TestClient): Identity => ({ ca, key, cert: chain });

/** One of each kind, good and bad, over both protocols. */
export function everyVisit({ ca, clients }: TestPki): Visit[] {
  const stranger: Identity = { ca };
  const as = (client: TestClient): Identity => identityOf(ca, client);
  const known: ReadonlyArray<readonly [string, Identity, string, string]> = [
    ['stranger', stranger, 'nobody', '403'],
    ['good', as(clients.good), 'good', 'good'],
    ['revoked', as(clients.revoked), 'CLIENT_CERTIFICATE_REVOKED', '403'],
    ['expired', as(clients.expired), 'CLIENT_CERTIFICATE_EXPIRED', '403'],
    ['not yet valid', as(clients.notYetValid), 'CLIENT_CERTIFICATE_NOT_YET_VALID', '403'],
    ['of an unknown CA', as(clients.unknownCa), 'CLIENT_CERTIFICATE_UNTRUSTED', '403'],
    ['self-signed', as(clients.selfSigned), 'CLIENT_CERTIFICATE_UNTRUSTED', '403'],
    ['of another purpose', as(clients.wrongPurpose), 'CLIENT_CERTIFICATE_PURPOSE', '403'],
  ];
  const asked = known.flatMap(([name, identity, open, secret]): Visit[] => [
    { name: `h1 ${name}`, expected: open, run: (port) => overHttp1(port, identity, '/', 3) },
    { name: `h1 ${name}, secret`, expected: secret, run: (port) => overHttp1(port, identity, '/secret', 2) },
    { name: `h2 ${name}`, expected: open, run: (port) => overHttp2(port, identity, '/', 3) },
    { name: `h2 ${name}, secret`, expected: secret, run: (port) => overHttp2(port, identity, '/secret', 2) },
  ]);
  const good = as(clients.good);
  return [
    ...asked,
    {
      name: 'TLS 1.2',
      expected: 'good',
      run: (port) => overHttp1(port, { ...good, maxVersion: 'TLSv1.2' }, '/secret', 2),
    },
    { name: 'upgrade', expected: 'echo', run: (port) => upgraded(port, good) },
    { name: 'upgrade of a stranger', expected: '403', run: (port) => upgraded(port, stranger) },
    ...unanswered(good).map((visit) => proven(visit, good)),
  ];
}

const unanswered = (good: Identity): Visit[] => [
  { name: 'garbage', expected: 'closed', run: (port) => broken(port, '\u0000\u00ff'.repeat(40)) },
  {
    name: 'plain HTTP',
    expected: 'closed',
    run: (port) => broken(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  },
  { name: 'half a request, and gone', expected: 'gone', run: (port) => vanished(port, good) },
];
