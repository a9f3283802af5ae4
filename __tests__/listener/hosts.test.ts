import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, exchange, handshake, listen, received, Recording } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['example.org', '*.example.org', '127.0.0.1', '::1'] });
});
afterEach(closeAll);

const app = jest.fn((_request: IncomingMessage, response: ServerResponse) => void response.end('in'));
afterEach(() => void app.mockClear());

const serverOf = (options: Partial<PortcullisOptions> = {}): PortcullisServer =>
  createServer({ key: pki.server.key, cert: pki.server.cert, ...options }, app);
const withClientAuth = (): PortcullisServer => serverOf({ clientAuth: { mode: 'optional', ca: pki.ca } });

const sni = (servername: string): ConnectionOptions => ({ servername });
const get = (...more: string[]): string[] => ['GET /secret HTTP/1.1', ...more, 'Connection: close'];
const upgradeOf = (...more: string[]): string[] => [
  'GET /secret HTTP/1.1',
  ...more,
  'Connection: Upgrade',
  'Upgrade: websocket',
];

/** Status, and whether the app was asked. */
async function answer(
  server: PortcullisServer,
  lines: readonly string[],
  client: ConnectionOptions = {},
): Promise<[number, boolean]> {
  const text = await exchange(await listen(server), lines, client);
  return [Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]), app.mock.calls.length > 0];
}

describe.each([
  ['without', serverOf],
  ['with', withClientAuth],
])('%s clientAuth a listener answers 400 to', (_which, server) => {
  it.each<[string, string[]]>([
    ['two Host lines', get('Host: example.org', 'Host: evil.test')],
    ['two Host lines of the same value', get('Host: example.org', 'Host: example.org')],
    ['two Host lines in different case', get('host: example.org', 'HOST: example.org')],
    ['no Host in HTTP/1.1', get('Accept: */*')],
    // Node 20 drops what comes after the 1000th line, unless told otherwise; the others refuse so many at once.
    [
      'a second Host behind 1100 lines',
      get('Host: example.org', ...Array<string>(1100).fill('a:'), 'Host: evil.test'),
    ],
  ])('%s, and asks no app', async (_what, lines) => {
    await expect(answer(server(), lines, sni('example.org'))).resolves.toEqual([400, false]);
  });

  it('two Host lines of an upgrade, and asks no app', async () => {
    const upgrade = jest.fn();
    const watched = server().on('upgrade', upgrade);
    const lines = upgradeOf('Host: example.org', 'Host: evil.test');
    await expect(answer(watched, lines, sni('example.org'))).resolves.toEqual([400, false]);
    expect(upgrade).not.toHaveBeenCalled();
  });

  it('two Host lines of a request that expects 100, before its body', async () => {
    const text = await exchange(await listen(server()), [
      'POST / HTTP/1.1',
      'Host: a',
      'Host: b',
      'Content-Length: 5',
      'Expect: 100-continue',
    ]);
    expect(text).toMatch(/HTTP\/1\.1 400 /);
    expect(app).not.toHaveBeenCalled();
  });
});

describe('with clientAuth a listener lets in a request', () => {
  it.each<[string, string, string[]]>([
    ['for the host of its SNI', 'example.org', get('Host: example.org')],
    ['in another case', 'example.org', get('Host: EXAMPLE.org')],
    ['where the SNI is in another case', 'EXAMPLE.org', get('Host: example.org')],
    ['with a port', 'example.org', get('Host: example.org:8443')],
    ['with a port that is empty', 'example.org', get('Host: example.org:')],
    ['with a trailing dot', 'example.org', get('Host: example.org.')],
    ['with a trailing dot and a port', 'example.org', get('Host: example.org.:443')],
    ['for a name that a wildcard covers', 'a.example.org', get('Host: a.example.org')],
    [
      'in absolute form',
      'example.org',
      ['GET https://example.org/ HTTP/1.1', ...get('Host: example.org').slice(1)],
    ],
    [
      'of OPTIONS for the server',
      'example.org',
      ['OPTIONS * HTTP/1.1', ...get('Host: example.org').slice(1)],
    ],
    ['for an IPv4 address without SNI', '', get('Host: 127.0.0.1')],
    ['for an IPv4 address and port without SNI', '', get('Host: 127.0.0.1:8443')],
    ['for an IPv6 address without SNI', '', get('Host: [::1]:8443')],
    ['of HTTP/1.0 without Host and SNI', '', ['GET / HTTP/1.0']],
  ])('%s', async (_what, name, lines) => {
    await expect(answer(withClientAuth(), lines, sni(name))).resolves.toEqual([200, true]);
  });
});

describe('with clientAuth a listener answers 421 to a request', () => {
  it.each<[string, string, string[]]>([
    ['for another host', 'example.org', get('Host: admin.example.org')],
    ['for another host that the wildcard covers too', 'a.example.org', get('Host: b.example.org')],
    ['for a host that begins like the SNI', 'example.org', get('Host: example.org.evil.test')],
    ['for a host that ends like the SNI', 'example.org', get('Host: evil-example.org')],
    ['with two trailing dots', 'example.org', get('Host: example.org..')],
    ['with user information', 'example.org', get('Host: evil@example.org')],
    ['with an empty Host', 'example.org', get('Host:')],
    ['for two hosts in one line', 'example.org', get('Host: example.org, evil.test')],
    ['for an address on a connection with SNI', 'example.org', get('Host: 127.0.0.1')],
    ['for a name on a connection without SNI', '', get('Host: example.org')],
    ['for a broken IPv6 address', '', get('Host: [::1')],
    ['for a number that some take for an address', '', get('Host: 2130706433')],
    [
      'in absolute form for another host',
      'example.org',
      ['GET https://evil.test/ HTTP/1.1', ...get('Host: example.org').slice(1)],
    ],
    [
      'in absolute form for another host, behind user information',
      'example.org',
      ['GET https://example.org@evil.test/ HTTP/1.1', ...get('Host: example.org').slice(1)],
    ],
    [
      'in absolute form without a host',
      'example.org',
      ['GET https:///x HTTP/1.1', ...get('Host: example.org').slice(1)],
    ],
    ['of HTTP/1.0 without Host on a connection with SNI', 'example.org', ['GET / HTTP/1.0']],
  ])('%s, and asks no app', async (_what, name, lines) => {
    await expect(answer(withClientAuth(), lines, sni(name))).resolves.toEqual([421, false]);
  });

  it('after a good one on the same connection', async () => {
    const socket = await handshake(await listen(withClientAuth()), sni('example.org'));
    socket.write('GET / HTTP/1.1\r\nHost: example.org\r\n\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n');
    const statuses = [...(await received(socket)).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(
      ([, status]) => status,
    );
    expect(statuses).toEqual(['200', '421']);
    expect(app).toHaveBeenCalledTimes(1);
  });

  it('that is an upgrade, and closes', async () => {
    const server = withClientAuth();
    const upgrade = jest.fn();
    server.on('upgrade', upgrade);
    const lines = upgradeOf('Host: evil.test');
    const text = await exchange(await listen(server), lines, sni('example.org'));
    expect(text).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n[\s\S]*\r\nConnection: close\r\n\r\n/);
    expect(upgrade).not.toHaveBeenCalled();
  });

  it('that is a CONNECT, and closes', async () => {
    const server = withClientAuth();
    const connect = jest.fn();
    server.on('connect', connect);
    const lines = ['CONNECT example.org:443 HTTP/1.1', 'Host: evil.test'];
    expect(await exchange(await listen(server), lines, sni('example.org'))).toMatch(/^HTTP\/1\.1 421 /);
    expect(connect).not.toHaveBeenCalled();
  });

  it('that expects 100 or something else', async () => {
    const server = withClientAuth();
    const asked = jest.fn();
    server.on('checkContinue', asked).on('checkExpectation', asked);
    const port = await listen(server);
    for (const expectation of ['100-continue', 'tea']) {
      const lines = get('Host: evil.test', `Expect: ${expectation}`);
      expect(await exchange(port, lines, sni('example.org'))).toMatch(/^HTTP\/1\.1 421 /);
    }
    expect(asked).not.toHaveBeenCalled();
  });

  it('and publishes why, with the client and without the query', async () => {
    const decisions = new Recording('portcullis:decision');
    const { key, cert } = pki.clients.good;
    const lines = ['GET /secret?token=x HTTP/1.1', 'Host: evil.test'];
    await exchange(await listen(withClientAuth()), lines, { ...sni('example.org'), key, cert });
    expect(decisions.events).toEqual([
      {
        policy: 'requireMatchingHost',
        outcome: 'refuse',
        enforced: true,
        code: 'HOST_MISMATCH',
        detail: "the request names 'evil.test', the connection was opened for 'example.org'",
        fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        remoteAddress: '127.0.0.1',
        method: 'GET',
        path: '/secret',
      },
    ]);
  });
});

describe('a listener lets a request for another host pass', () => {
  it.each<[string, () => PortcullisServer]>([
    ['without clientAuth', () => serverOf()],
    [
      'with dangerouslyAllowHostMismatch',
      () => serverOf({ clientAuth: { mode: 'optional', ca: pki.ca }, dangerouslyAllowHostMismatch: true }),
    ],
  ])('%s', async (_what, server) => {
    await expect(answer(server(), get('Host: evil.test'), sni('example.org'))).resolves.toEqual([200, true]);
  });
});

it('an upgrade for the right host reaches the app', async () => {
  const server = withClientAuth();
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
  );
  const lines = upgradeOf('Host: example.org');
  expect(await exchange(await listen(server), lines, sni('example.org'))).toMatch(/^HTTP\/1\.1 101 /);
});
