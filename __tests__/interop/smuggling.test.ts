import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { createServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { serverName, setUpStand, type Stand } from './support/stand.ts';

/**
 * Request smuggling: two that read the same octets see different requests in them. Each case holds a second request
 * where a proxy that reads the head otherwise would let it through; it must never reach the app.
 */
let stand: Stand;
let ca: string;
let port: number;
let http2Port: number;
let seen: string[];

beforeAll(async () => {
  stand = setUpStand();
  const pki = await createTestPki();
  ca = pki.ca;
  const { key, cert } = await pki.issueServer({ names: [serverName] });
  const app = express();
  app.use(express.text({ type: () => true }), (incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    response.send('in');
  });
  // Express' own words on a body that breaks off are of no interest here.
  app.use((_error: unknown, _request: unknown, response: express.Response, _next: unknown) => {
    response.status(400).end();
  });
  port = await stand.listen(createServer({ key, cert }, app));
  http2Port = await stand.listen(createServer({ key, cert, http2: true }, app));
});
afterAll(() => stand.close());

/** The statuses that come back until the server has ended the connection. */
function exchange(octets: string): Promise<string[]> {
  seen = [];
  return new Promise((resolve) => {
    const options = { port, host: '127.0.0.1', servername: serverName, ca } as const;
    const socket = connectTls(options, () => socket.write(Buffer.from(octets, 'latin1')));
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
    // A reset is an end as well.
    socket.on('error', () => undefined);
    socket.once('close', () =>
      resolve([...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status!)),
    );
  });
}

const head = (...lines: readonly string[]): string =>
  ['POST /outer HTTP/1.1', `Host: ${serverName}`, ...lines, '', ''].join('\r\n');
const smuggled = `GET /smuggled HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`;
const chunked = `0\r\n\r\n${smuggled}`;

test('request smuggling: what would be smuggled is answered where it is a request of its own', async () => {
  expect(await exchange(`${head('Content-Length: 2')}ab${smuggled}`)).toEqual(['200', '200']);
  // The body of the first is awaited meanwhile.
  expect(seen.toSorted()).toEqual(['GET /smuggled', 'POST /outer']);
});

describe('request smuggling is ended by a 400, and reaches no app, with', () => {
  test.each([
    [
      'Content-Length and Transfer-Encoding (CL.TE)',
      head('Content-Length: 4', 'Transfer-Encoding: chunked') + chunked,
    ],
    [
      'Transfer-Encoding and Content-Length (TE.CL)',
      head('Transfer-Encoding: chunked', 'Content-Length: 4') + chunked,
    ],
    ['two different Content-Lengths', head('Content-Length: 0', 'Content-Length: 90') + smuggled],
    ['two Content-Lengths in one line', head('Content-Length: 0, 90') + smuggled],
    ['a Content-Length with a sign', head('Content-Length: +0') + smuggled],
    ['a hexadecimal Content-Length', head('Content-Length: 0x5a') + smuggled],
    ['a space before the colon', head('Content-Length : 0') + smuggled],
    ['an encoding that is not chunked', head('Transfer-Encoding: xchunked') + chunked],
    ['chunked, and another encoding after it', head('Transfer-Encoding: chunked, identity') + chunked],
    ['chunked behind a vertical tab', head('Transfer-Encoding: \x0bchunked') + chunked],
    ['a field name with a NUL', head('Transfer-Encoding\0: chunked') + chunked],
    ['a line that is folded', head('X: a', ' Transfer-Encoding: chunked') + chunked],
    [
      'a line that ends in a bare LF',
      `POST /outer HTTP/1.1\nHost: ${serverName}\nContent-Length: 0\n\n${smuggled}`,
    ],
    ['a bare CR in a line', head('X: a\rTransfer-Encoding: chunked') + chunked],
    ['a chunk whose length has a sign', `${head('Transfer-Encoding: chunked')}-1\r\n\r\n${smuggled}`],
    ['a chunk whose length is 0x', `${head('Transfer-Encoding: chunked')}0x0\r\n\r\n${smuggled}`],
    ['a chunk that is longer than it says', `${head('Transfer-Encoding: chunked')}1\r\nabc\r\n${chunked}`],
    ['a chunk whose line ends in a bare LF', `${head('Transfer-Encoding: chunked')}1\na\n0\n\n${smuggled}`],
  ])('%s', async (_what, octets) => {
    const statuses = await exchange(octets);
    // Refused, or cut; and nothing after it.
    expect([['400'], []]).toContainEqual(statuses);
    expect(seen).toEqual([]);
  });
});

function requestOf(
  session: ClientHttp2Session,
  headers: Record<string, string>,
): ClientHttp2Stream | undefined {
  try {
    const outer = { ':method': 'POST', ':path': '/outer', ':authority': serverName };
    return session.request({ ...outer, ...headers });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_HTTP2_INVALID_CONNECTION_HEADERS') return undefined;
    throw error;
  }
}

describe('request smuggling over HTTP/2, for whoever passes it on as HTTP/1.1, is refused with', () => {
  test.each<[string, Record<string, string>]>([
    ['Transfer-Encoding', { 'transfer-encoding': 'chunked' }],
    ['Connection', { connection: 'transfer-encoding' }],
    ['a Content-Length that is not that of the data', { 'content-length': '4' }],
    ['another Host than :authority', { host: 'other.example.org' }],
  ])('%s', async (_what, headers) => {
    seen = [];
    const session = connectHttp2(`https://${serverName}:${http2Port}`, {
      ca,
      createConnection: () =>
        connectTls({ port: http2Port, host: '127.0.0.1', servername: serverName, ca, ALPNProtocols: ['h2'] }),
    });
    session.on('error', () => undefined);
    try {
      const status = await new Promise<number | 'refused'>((resolve) => {
        const stream = requestOf(session, headers);
        // Node's client keeps from sending some of them itself.
        if (stream === undefined) return resolve('refused');
        stream.on('response', (fields) => resolve(Number(fields[':status'])));
        stream.on('error', () => resolve('refused'));
        stream.on('close', () => resolve('refused'));
        stream.end('0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n');
      });
      expect([400, 421, 'refused']).toContain(status);
      expect(seen).toEqual([]);
    } finally {
      session.destroy();
    }
  });
});
