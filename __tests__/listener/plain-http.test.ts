import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, exchange, handshake, listen, plain, Recording } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const serverOf = (): PortcullisServer =>
  createServer({ key: pki.server.key, cert: pki.server.cert }, (_request, response) => response.end('in'));

const get = 'GET /secret?token=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n';

async function serverFor(names: readonly string[]): Promise<PortcullisServer> {
  const { key, cert } = await pki.issueServer({ names });
  return createServer({ key, cert });
}

describe('plain HTTP on the TLS port is answered', () => {
  it.each<[string, string, readonly string[] | undefined]>([
    ['a GET', get, undefined],
    [
      'a POST with a body',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(1000)}`,
      undefined,
    ],
    ['a HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', undefined],
    ['a proxy’s CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', []],
    ['a GET where the certificate has only a wildcard and an address', get, ['*.a.test', '127.0.0.1']],
  ])('for %s, and nothing of it comes back', async (_what, octets, names) => {
    const errors = new Recording('portcullis:handshake-error');
    const server = names === undefined || names.length === 0 ? serverOf() : await serverFor(names);
    const port = await listen(server);
    const answer = await plain(port, octets);
    const [head, body] = answer.split('\r\n\r\n') as [string, string];
    expect(head.split('\r\n')).toEqual([
      ...(names === undefined
        ? ['HTTP/1.1 307 Temporary Redirect', `Location: https://localhost:${port}/`]
        : ['HTTP/1.1 400 Bad Request']),
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${body.length}`,
      'Cache-Control: no-store',
      'Connection: close',
    ]);
    expect(body).toBe('This port speaks HTTPS only: write https:// instead of http://.\n');
    expect((await errors.take()).code).toMatch(/^ERR_SSL_HTTPS?_(PROXY_)?REQUEST$/);
  });
});

it.each([
  ['garbage', 'garbage garbage garbage\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  [
    'a record of TLS with HTTP in it',
    Buffer.concat([Buffer.from([22, 3, 1, 0, 16]), Buffer.from('GET / HTTP/1.1\r\n')]),
  ],
])('%s gets none', async (_what, octets) => {
  expect(await plain(await listen(serverOf()), octets)).not.toContain('HTTP/1.1');
});

it('nothing is written among the records of a connection that speaks TLS', async () => {
  const port = await listen(serverOf());
  const socket = await handshake(port);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  // Beneath TLS: the server sees it where a record should begin.
  const raw = (socket as unknown as { _handle: { _parent: { writeLatin1String?: unknown } } })._handle
    ._parent;
  expect(raw).toBeDefined();
  const { WriteWrap } = (
    process as unknown as { binding(name: string): { WriteWrap: new () => object } }
  ).binding('stream_wrap');
  (raw as { writeLatin1String(request: object, text: string): number }).writeLatin1String(
    new WriteWrap(),
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await ended(socket);
  expect(text).toBe('');
});

it('a client that has gone before the answer harms nobody', async () => {
  const port = await listen(serverOf());
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', () => socket.resetAndDestroy());
      await ended(socket);
    }),
  );
  const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close'];
  expect(await exchange(port, lines)).toMatch(/^HTTP\/1\.1 200 /);
});
