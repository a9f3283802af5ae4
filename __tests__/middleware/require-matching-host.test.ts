import { createServer as createHttpServer } from 'node:http';
import { createServer as createPlainServer, type Server } from 'node:https';
import { beforeAll, describe, it } from '@jest/globals';
import express from 'express';
import { createServer, requireClientCertificate, requireMatchingHost } from 'portcullis';
import { createTestPki, request, type TestClient, type TestPki } from 'portcullis/testing';
import {
  configErrorOf,
  everywhere,
  listeners,
  listening,
  places,
  plainServer,
  sendRaw,
  whoAmI,
} from './harness.ts';
import { expect } from '../support/matchers.ts';

let pki: TestPki;
/** A plain server with the middleware on every path, which answers 200 or 421. */
let plain: Server;
/** A PortcullisServer whose app has no middleware: the listener does it by itself. */
let guarded: Server;

beforeAll(async () => {
  const names = ['localhost', '*.example.org', 'xn--bcher-kva.example', '127.0.0.1', '::1'];
  pki = await createTestPki({ serverNames: names });
  const open = express().use(whoAmI);
  plain = await listening(createPlainServer(pki.server, express().use(requireMatchingHost(), whoAmI)));
  guarded = await listening(
    createServer({ ...pki.server, clientAuth: { mode: 'optional', ca: pki.ca } }, open),
  );
});

async function statusOf(server: Server, serverName: string, head: string): Promise<number> {
  const answer = await sendRaw(server, `${head}\r\nConnection: close\r\n\r\n`, {
    ca: pki.ca,
    servername: serverName,
    checkServerIdentity: () => undefined,
  });
  return Number(answer.split(' ', 2)[1]);
}

const get = (...hosts: string[]): string =>
  ['GET / HTTP/1.1', ...hosts.map((host) => `Host: ${host}`)].join('\r\n');

/** SNI ('' = none), the request's head, and whether the request belongs there. */
const table: ReadonlyArray<[string, string, string, boolean]> = [
  ['the same name', 'a.example.org', get('a.example.org'), true],
  ['the same name with a port', 'a.example.org', get('a.example.org:8443'), true],
  ['an empty port', 'a.example.org', get('a.example.org:'), true],
  ['other letter case in Host', 'a.example.org', get('A.Example.ORG'), true],
  ['other letter case in SNI', 'A.EXAMPLE.org', get('a.example.org'), true],
  ['a trailing dot', 'a.example.org', get('a.example.org.'), true],
  ['a trailing dot and a port', 'a.example.org', get('a.example.org.:443'), true],
  ['an underscore', 'a_b.example.org', get('a_b.example.org'), true],
  ['punycode on both sides', 'xn--bcher-kva.example', get('xn--bcher-kva.example'), true],
  [
    'an absolute form of the same name',
    'a.example.org',
    'GET https://a.example.org/ HTTP/1.1\r\nHost: a.example.org',
    true,
  ],
  ['no SNI and an IPv4 address', '', get('127.0.0.1:8443'), true],
  ['no SNI and an IPv6 address', '', get('[::1]:8443'), true],
  ['no SNI and another address', '', get('192.0.2.7'), true],
  ['no SNI and HTTP/1.0 without Host', '', 'GET / HTTP/1.0', true],
  ['HTTP/1.0 with the same Host', 'a.example.org', 'GET / HTTP/1.0\r\nHost: a.example.org', true],
  ['another name', 'a.example.org', get('b.example.org'), false],
  ['another name that the same wildcard covers', 'a.example.org', get('other.example.org'), false],
  ['the wildcard itself', 'a.example.org', get('*.example.org'), false],
  ['a name below', 'a.example.org', get('x.a.example.org'), false],
  ['the name above', 'a.example.org', get('example.org'), false],
  ['a name that begins the same', 'a.example.org', get('a.example.org.evil.example'), false],
  ['two trailing dots', 'a.example.org', get('a.example.org..'), false],
  ['no SNI and a name', '', get('localhost'), false],
  ['no SNI and a number that resolvers take for an address', '', get('2130706433'), false],
  ['SNI and an address', 'a.example.org', get('127.0.0.1'), false],
  ['SNI and HTTP/1.0 without Host', 'a.example.org', 'GET / HTTP/1.0', false],
  ['an empty Host', 'a.example.org', get(''), false],
  ['an empty Host and no SNI', '', get(''), false],
  ['userinfo before the name', 'a.example.org', get('user@a.example.org'), false],
  ['the name as userinfo of another', 'a.example.org', get('a.example.org@b.example.org'), false],
  ['the name as userinfo with a password', 'a.example.org', get('a.example.org:8443@b.example.org'), false],
  ['a percent-encoded letter', 'a.example.org', get('%61.example.org'), false],
  ['a percent-encoded dot', 'a.example.org', get('a%2eexample.org'), false],
  ['a port that is no number', 'a.example.org', get('a.example.org:https'), false],
  ['two ports', 'a.example.org', get('a.example.org:1:2'), false],
  ['a list', 'a.example.org', get('a.example.org, b.example.org'), false],
  ['a path in the Host', 'a.example.org', get('a.example.org/b'), false],
  ['a query in the Host', 'a.example.org', get('a.example.org?b'), false],
  ['a backslash', 'a.example.org', get('b.example.org\\@a.example.org'), false],
  [
    'UTF-8 for punycode',
    'xn--bcher-kva.example',
    get(Buffer.from('bücher.example').toString('latin1')),
    false,
  ],
  ['brackets around a name', 'a.example.org', get('[a.example.org]'), false],
  ['IPv6 without brackets', '', get('::1'), false],
  ['an IPv6 zone', '', get('[fe80::1%25eth0]'), false],
  [
    'an absolute form of another name',
    'a.example.org',
    'GET https://b.example.org/ HTTP/1.1\r\nHost: a.example.org',
    false,
  ],
  [
    'an absolute form with another Host',
    'a.example.org',
    'GET https://a.example.org/ HTTP/1.1\r\nHost: b.example.org',
    false,
  ],
  [
    'an absolute form with userinfo',
    'a.example.org',
    'GET https://b.example.org@a.example.org/ HTTP/1.1\r\nHost: a.example.org',
    false,
  ],
];

describe.each([
  ['the middleware on a plain server', () => plain],
  ['a PortcullisServer with clientAuth, by itself', () => guarded],
])('%s', (_name, server) => {
  it.each(table)('judges %s (SNI %j)', async (_what, serverName, head, belongs) => {
    const status = await statusOf(server(), serverName, head);
    // Node's parser has refused some of the strangest before.
    expect(status === 400 && !belongs ? 421 : status).toBe(belongs ? 200 : 421);
  });
});

it.each(['A.example.org', 'a.example.org.'])(
  'answers 421 where contexts have clients of their own, and Node may not have found that of the SNI %s',
  async (serverName) => {
    const app = express().use(requireMatchingHost(), requireClientCertificate(), whoAmI);
    const namePki = await createTestPki();
    const server = plainServer(pki, app);
    server.addContext('a.example.org', { ...pki.server, ca: namePki.ca });
    const ask = (name: string, { key, cert }: TestClient): Promise<string> =>
      sendRaw(server, `${get('a.example.org')}\r\nConnection: close\r\n\r\n`, {
        ca: pki.ca,
        servername: name,
        key,
        cert,
        checkServerIdentity: () => undefined,
      });
    await listening(server);
    expect(await ask('a.example.org', namePki.clients.good)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask('a.example.org', pki.clients.good)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask(serverName, pki.clients.good)).toMatch(/^HTTP\/1\.1 421 /);
  },
);

it('answers 421 to two Host lines, even equal ones, where the listener has not answered 400', async () => {
  const two = get('a.example.org', 'a.example.org');
  expect(await statusOf(plain, 'a.example.org', two)).toBe(421);
  expect(await statusOf(guarded, 'a.example.org', two)).toBe(400);
  expect(await statusOf(plain, 'a.example.org', get('a.example.org', 'b.example.org'))).toBe(421);
});

describe.each(listeners)('requireMatchingHost() on $name', ({ make }) => {
  it.each(places)('lets pass at %s what belongs there, and answers 421 to what does not', async (place) => {
    const server = await listening(make(pki, everywhere(requireMatchingHost())));
    const kept = request(server, { pki }).sni('localhost').keepAlive();
    await kept.get(place).set('Host', 'localhost:8443').expect(200);
    expect(await kept.get(place).set('Host', '127.0.0.1').expect(421)).toBeRefusedWith('HOST_MISMATCH');
    kept.close();
  });
});

it('refuses whoever resumes over TLS 1.2 and names a host, as nobody knows the name of the session', async () => {
  const app = express().use(requireMatchingHost(), whoAmI);
  const server = await listening(createPlainServer({ ...pki.server, maxVersion: 'TLSv1.2' }, app));
  const agent = request(server, { pki }).sni('a.example.org');
  await agent.get('/').expect(200);
  expect(await agent.resumed().get('/').expect(421)).toBeRefusedWith('HOST_MISMATCH');
});

it.each(places)('refuses plain HTTP at %s with 403', async (place) => {
  const server = createHttpServer(everywhere(requireMatchingHost()));
  const { decisions } = await request(server).get(place).expect(403);
  expect(decisions).toMatchObject([{ policy: 'requireMatchingHost', code: 'TLS_REQUIRED' }]);
});

it('publishes and lets pass with reportOnly', async () => {
  const app = everywhere(requireMatchingHost({ reportOnly: true }));
  const server = await listening(plainServer(pki, app));
  const agent = request(server, { pki }).sni('localhost');
  const { decisions } = await agent.get('/app').set('Host', 'example.org').expect(200);
  expect(decisions).toMatchObject([{ outcome: 'refuse', enforced: false, code: 'HOST_MISMATCH' }]);
});

it.each<[unknown, string, string]>([
  [{ reportonly: true }, 'OPTION_UNKNOWN', 'requireMatchingHost.reportonly'],
  [{ reportOnly: 0 }, 'OPTION_INVALID', 'requireMatchingHost.reportOnly'],
  [['localhost'], 'OPTION_INVALID', 'requireMatchingHost'],
])('does not take %j: %s at %s', (options, code, path) => {
  expect(configErrorOf(() => requireMatchingHost(options as never))).toMatchObject({ code, path });
});
