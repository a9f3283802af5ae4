import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer as createLaxServer, request } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import createApp from 'express';
import { createServer, exposeTls, securityHeaders } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { run } from './support/program.ts';
import {
  clientHello,
  protocolList,
  type RawHello,
  RawPeer,
  record,
  recordTypes,
  type Said,
} from './support/raw-hello.ts';
import { serverName, setUpStand, type Stand } from './support/stand.ts';

/**
 * The attacks on TLS that have a name, each by the octets that begin it, so that no client's own care stands in the
 * way. Beside most of them stands the same on a lax `https.Server`, where the attack begins well. What OpenSSL has no
 * code for any more (SSLv2, SSLv3, RC4, 3DES, export suites) is shown to be found by the scanners' control.
 */
let stand: Stand;
let ca: string;
const hardened: Record<string, number> = {};
let lax: number;
let pair: { readonly key: string; readonly cert: string };

const alerts = {
  unexpectedMessage: 10,
  handshakeFailure: 40,
  protocolVersion: 70,
  fallback: 86,
  noProtocol: 120,
};
const extensions = { heartbeat: 15, alpn: 16, sessionTicket: 35, renegotiationInfo: 0xff01 };
const suites = {
  good: [0xc02f, 0xc02b],
  fallback: 0x5600,
  rc4: [0x0004, 0x0005, 0xc007, 0xc011],
  tripleDes: [0x000a, 0x0016, 0xc008, 0xc012],
  cbc: [0xc009, 0xc00a, 0xc013, 0xc014, 0xc023, 0xc024, 0xc027, 0xc028],
  staticRsa: [0x002f, 0x0035, 0x003c, 0x003d, 0x009c, 0x009d],
  dhe: [0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x009f, 0xccaa],
  exportRsa: [0x0003, 0x0006, 0x0008],
  exportDhe: [0x0011, 0x0014],
} as const;

const app = (_request: unknown, response: { end(body: string): void }): void => response.end('in');

beforeAll(async () => {
  stand = setUpStand();
  const pki = await createTestPki();
  ca = pki.ca;
  const pairs = await Promise.all(
    (['ecdsa-p256', 'rsa-2048'] as const).map((keyType) => pki.issueServer({ keyType, names: [serverName] })),
  );
  pair = { key: pairs[0]!.key, cert: pairs[0]!.cert };
  const both = { key: pairs.map(({ key }) => key), cert: pairs.map(({ cert }) => cert) };
  const servers = {
    plain: createServer(both, app),
    http2: createServer({ ...both, http2: true }, app),
    'client authentication': createServer({ ...both, clientAuth: { mode: 'optional', ca } }, app),
  };
  for (const [name, server] of Object.entries(servers)) hardened[name] = await stand.listen(server);
  const open = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', dhparam: 'auto' } as const;
  lax = await stand.listen(createLaxServer({ ...both, ...open }, app));
});
afterAll(() => stand.close());

/** What a server answers to these octets, up to the end of its first flight. */
async function answer(port: number, octets: Buffer): Promise<Said> {
  const peer = await RawPeer.connect(port);
  try {
    peer.send(octets);
    return await peer.flight();
  } finally {
    peer.close();
  }
}
const greet = (port: number, hello: RawHello): Promise<Said> => answer(port, clientHello(serverName, hello));

const everyKind = ['plain', 'http2', 'client authentication'] as const;

test.each([0x0301, 0x0302])('a hello of version %d is answered by a lax server', async (version) => {
  const { serverHello } = await greet(lax, { version, suites: suites.cbc });
  expect(serverHello?.version).toBe(version);
});

test.each([
  ['CBC', suites.cbc],
  ['static RSA', suites.staticRsa],
  ['finite-field Diffie-Hellman', suites.dhe],
])('a hello with %s alone is answered by a lax server', async (_what, offered) => {
  expect(offered).toContain((await greet(lax, { suites: offered })).serverHello?.suite);
});

describe.each(everyKind)('a listener (%s)', (kind) => {
  const port = (): number => hardened[kind]!;

  test('answers a good hello by hand, so that what it refuses is not the hand', async () => {
    const { serverHello, closed } = await greet(port(), { suites: suites.good });
    expect(suites.good).toContain(serverHello?.suite);
    expect(closed).toBe(false);
  });

  test('DROWN: says nothing of SSLv2 to its hello', async () => {
    // CLIENT-HELLO of SSL 0.2: RC4 with 40 bits, RC4, 3DES; no session; a challenge of 16 octets.
    const specs = Buffer.from('0200800100800700c0', 'hex');
    const body = Buffer.concat([
      Buffer.of(1, 0, 2, 0, specs.length, 0, 0, 0, 16),
      specs,
      Buffer.alloc(16, 9),
    ]);
    const said = await answer(port(), Buffer.concat([Buffer.of(0x80, body.length), body]));
    expect(said.closed).toBe(true);
    expect(said.serverHello).toBeUndefined();
    // Nothing, or an alert of TLS; a SERVER-HELLO would begin with a length and 4.
    expect([undefined, recordTypes.alert]).toContain(said.octets[0]);
  });

  test.each([
    // OpenSSL tells SSL 3.0 of no version, as that has no such alert.
    ['POODLE: SSL 3.0', 0x0300, alerts.handshakeFailure],
    ['BEAST: TLS 1.0', 0x0301, alerts.protocolVersion],
    ['Lucky 13: TLS 1.1', 0x0302, alerts.protocolVersion],
  ])('%s is refused, whatever comes with it', async (_what, version, alert) => {
    const hello = { version, suites: [...suites.good, ...suites.cbc, ...suites.staticRsa] };
    const said = await greet(port(), hello);
    expect(said).toMatchObject({ closed: true, serverHello: undefined, alerts: [alert] });
  });

  test.each([
    ['RC4', suites.rc4],
    ['SWEET32: 3DES', suites.tripleDes],
    ['Lucky 13: CBC', suites.cbc],
    ['ROBOT: static RSA', suites.staticRsa],
    ['Raccoon: finite-field Diffie-Hellman', suites.dhe],
    ['FREAK: export RSA', suites.exportRsa],
    ['Logjam: export Diffie-Hellman', suites.exportDhe],
  ])('%s is refused, and never preferred', async (_what, offered) => {
    const said = await greet(port(), { suites: offered });
    expect(said).toMatchObject({ closed: true, serverHello: undefined, alerts: [alerts.handshakeFailure] });
    const beside = await greet(port(), { suites: [...offered, ...suites.good] });
    expect(suites.good).toContain(beside.serverHello?.suite);
  });

  test('CRIME: no compression is chosen of those offered', async () => {
    const { serverHello } = await greet(port(), { suites: suites.good, compressions: [1, 64, 0] });
    expect(serverHello?.compression).toBe(0);
  });

  test('Heartbleed: no heartbeat is agreed on, and a lying one is answered by an alert', async () => {
    const peer = await RawPeer.connect(port());
    try {
      const asked = new Map([[extensions.heartbeat, Buffer.of(1)]]);
      peer.send(clientHello(serverName, { suites: suites.good, extensions: asked }));
      const { serverHello } = await peer.flight();
      expect(serverHello?.extensions.has(extensions.heartbeat)).toBe(false);
      // A request that says it has 16 KiB, and has none.
      peer.send(record(recordTypes.heartbeat, Buffer.of(1, 0x40, 0)));
      const said = await peer.end();
      expect(said.types).not.toContain(recordTypes.heartbeat);
      expect(said.alerts).toEqual([alerts.unexpectedMessage]);
    } finally {
      peer.close();
    }
  });

  const earlySpec = record(recordTypes.changeCipherSpec, Buffer.of(1));

  test('CCS injection: a ChangeCipherSpec before any hello is answered by an alert', async () => {
    const said = await answer(port(), earlySpec);
    expect(said).toMatchObject({ closed: true, types: [recordTypes.alert] });
  });

  test('CCS injection: a ChangeCipherSpec before the keys are agreed on ends the handshake', async () => {
    const peer = await RawPeer.connect(port());
    try {
      peer.send(clientHello(serverName, { suites: suites.good }));
      const { serverHello, types } = await peer.flight();
      expect([serverHello === undefined, types.at(-1)]).toEqual([false, recordTypes.handshake]);
      peer.send(earlySpec);
      const said = await peer.end();
      expect([said.alerts, said.types.at(-1)]).toEqual([[alerts.unexpectedMessage], recordTypes.alert]);
    } finally {
      peer.close();
    }
  });

  test('downgrade: TLS_FALLBACK_SCSV below the newest version is refused (RFC 7507)', async () => {
    const hello = { suites: [...suites.good, suites.fallback] };
    const said = await greet(port(), hello);
    expect(said).toMatchObject({ closed: true, serverHello: undefined, alerts: [alerts.fallback] });
  });

  test('downgrade: who is given TLS 1.2 is told that the server knows TLS 1.3 (RFC 8446 4.1.3)', async () => {
    const { serverHello } = await greet(port(), { suites: suites.good });
    expect(serverHello?.random.subarray(24)).toEqual(Buffer.from('DOWNGRD\x01', 'latin1'));
  });

  test('insecure renegotiation: the safe one is announced, and bound to no handshake before (RFC 5746)', async () => {
    const first = new Map([[extensions.renegotiationInfo, Buffer.of(0)]]);
    const { serverHello } = await greet(port(), { suites: suites.good, extensions: first });
    expect(serverHello?.extensions.get(extensions.renegotiationInfo)).toEqual(Buffer.of(0));
    const spliced = new Map([
      [extensions.renegotiationInfo, Buffer.concat([Buffer.of(12), Buffer.alloc(12, 1)])],
    ]);
    const said = await greet(port(), { suites: suites.good, extensions: spliced });
    expect(said).toMatchObject({ closed: true, serverHello: undefined, alerts: [alerts.handshakeFailure] });
  });

  test.each(['ftp', 'smtp', 'imap', 'pop3', 'http/1.1x'])(
    'ALPACA: a client of %s, by ALPN, is refused',
    async (protocol) => {
      const alpn = new Map([[extensions.alpn, protocolList(protocol)]]);
      const said = await greet(port(), { suites: suites.good, extensions: alpn });
      expect(said).toMatchObject({ closed: true, serverHello: undefined, alerts: [alerts.noProtocol] });
    },
  );
});

/** A TLS 1.2 ticket of this server, as a client gets it. */
async function ticketOf(port: number): Promise<Buffer> {
  const options = { port, host: '127.0.0.1', servername: serverName, ca, maxVersion: 'TLSv1.2' } as const;
  const socket = connectTls({ ...options, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', ecdhCurve: 'P-256' });
  try {
    await once(socket, 'secureConnect');
    return socket.getTLSTicket() ?? Buffer.alloc(0);
  } finally {
    socket.destroy();
  }
}

test.each([1, 16, 31, 32])(
  'Ticketbleed: a resumed session has the %s octets of its id back, and none of anybody’s memory',
  async (length) => {
    const ticket = await ticketOf(hardened['plain']!);
    expect(ticket.length).toBeGreaterThan(100);
    const peer = await RawPeer.connect(hardened['plain']!);
    try {
      const sessionId = Buffer.alloc(length, 0xab);
      const extension = new Map([[extensions.sessionTicket, ticket]]);
      peer.send(clientHello(serverName, { suites: [0xc02f], sessionId, extensions: extension }));
      // A resumed handshake has no ServerHelloDone: an octet that is no record makes the server say its last word.
      peer.send(record(recordTypes.applicationData, Buffer.of(0)));
      const { serverHello } = await peer.end();
      expect(serverHello?.sessionId).toEqual(sessionId);
    } finally {
      peer.close();
    }
  },
);

test('Ticketbleed: with client authentication there is no ticket to try it with', async () => {
  expect(await ticketOf(hardened['client authentication']!)).toHaveLength(0);
});

test('0-RTT replay: no ticket allows early data', async () => {
  const port = hardened['plain']!;
  const args = [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    serverName,
    '-tls1_3',
    '-ign_eof',
  ];
  // s_client prints each ticket as it arrives, and ends with the answer.
  const input = `GET / HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`;
  const { stdout } = await run('openssl', args, { input });
  const allowed = [...stdout.matchAll(/^ *Max Early Data: (\d+)$/gm)].map(([, octets]) => octets);
  expect(allowed.length).toBeGreaterThan(0);
  expect(new Set(allowed)).toEqual(new Set(['0']));
});

/** The answer to a request that takes any compression. */
async function fetchFrom(port: number): Promise<{ encoding: string | undefined; body: string }> {
  const headers = { 'accept-encoding': 'gzip, deflate, br', host: serverName };
  const options = { port, host: '127.0.0.1', servername: serverName, ca, agent: false, headers } as const;
  const [response] = (await once(request(options).end(), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { encoding: response.headers['content-encoding'], body: Buffer.concat(chunks).toString() };
}

test('BREACH: the listener and its headers compress no answer; what an app does is its own', async () => {
  const secret = 'token=0123456789abcdef '.repeat(200);
  const express = createApp();
  express.use(securityHeaders(), exposeTls());
  express.get('/', (_request, response) => void response.send(secret));
  const port = await stand.listen(createServer(pair, express));
  expect(await fetchFrom(port)).toEqual({ encoding: undefined, body: secret });
});
