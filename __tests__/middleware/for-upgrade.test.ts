import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectHttp2, type Settings } from 'node:http2';
import { createServer as createPlainServer } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express, { type RequestHandler, Router } from 'express';
import {
  type ClientCertificate,
  createServer,
  type Decision,
  denyList,
  forUpgrade,
  forwardedClientCertificate,
  type PortcullisServer,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  requireTls,
  rule,
  san,
  type TlsState,
} from 'portcullis';
import { type Authority, createAuthority } from 'portcullis/pki';
import { createTestPki, recordDecisions, type TestPki } from 'portcullis/testing';
import * as ws from 'ws';
import { runDocumented } from './documented.ts';
import { configErrorOf, listeners, listening, portOf } from './harness.ts';
import { type Answer, askUpgrade, echoOf, socketOf, type Stage, webSockets } from './upgrade-harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const operators = rule('example people', async ({ subject }: ClientCertificate) => {
  await Promise.resolve();
  return subject['O']?.includes('Example') === true;
});
const nobody: RequestHandler = (_request, response) => void response.status(404).end();
const pass: RequestHandler = (_request, _response, next) => next();

const hardened = (options: object = {}): PortcullisServer =>
  createServer(
    { ...pki.server, clientAuth: { mode: 'optional', ca: pki.ca }, logger: false, ...options },
    express(),
  );

const pinOf = ({ certificate }: { readonly certificate: string }): string => {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64')}`;
};

/** Every status that this file waits for is in the head of a whole answer. */
function refusal({ status, headers, body, socket }: Answer): object {
  expect(socket).toBeUndefined();
  expect(headers).toMatchObject({
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
  });
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect(problem).toMatchObject({ type: 'about:blank', status });
  return { status, code: problem['code'] };
}

describe.each(listeners)('a WebSocket behind policies on $name', ({ make }) => {
  let stage: Stage<ReturnType<typeof make>>;
  beforeAll(async () => {
    const { good, spiffe } = pki.clients;
    const policies = forUpgrade(requireTls({ forwardSecrecy: true }), requireMatchingHost(), [
      requireClientCertificate(operators),
      requirePin([pinOf(good), pinOf(spiffe)]),
    ]);
    stage = await webSockets(make(pki, express().use(nobody)), policies);
  });

  it('opens to whom all of them let pass, with its subprotocol and each message', async () => {
    const client = socketOf(stage.server, pki.clients.good, ['chat', 'superchat']);
    expect(await echoOf(client, 'first')).toBe('first');
    expect(await echoOf(client, 'second')).toBe('second');
    expect(client.protocol).toBe('superchat');
    client.terminate();
  });

  it.each([
    ['without a certificate', 'CLIENT_CERTIFICATE_REQUIRED', 403, () => ({ ca: pki.ca })],
    ['with an expired one', 'CLIENT_CERTIFICATE_EXPIRED', 403, () => pki.clients.expired],
    ['whom the rule denies', 'CLIENT_CERTIFICATE_DENIED', 403, () => pki.clients.spiffe],
    ['for another host', 'HOST_MISMATCH', 421, () => ({ ...pki.clients.good, headers: { Host: 'b' } })],
  ])('is closed to a client %s, who is told no more than that', async (_who, code, status, client) => {
    let answer: Answer | undefined;
    const before = stage.verdicts.length;
    const events = await recordDecisions(async () => {
      answer = await askUpgrade(stage.server, client());
    });
    expect(refusal(answer!)).toEqual({ status, code });
    expect(answer!.body).not.toMatch(/UNABLE_TO|SELF_SIGNED|CERT_|OpenSSL|X509|CN=|spiffe:/);
    expect(events.at(-1)).toMatchObject({ outcome: 'refuse', code, path: '/live', method: 'GET' });
    expect(await Promise.all(stage.verdicts.slice(before))).not.toContain(true);
  });

  it('gets what the client has sent with the request, and while a rule was waiting', async () => {
    const waiting = resolvers();
    const slow = requireClientCertificate(rule('slow', () => waiting.promise.then(() => true)));
    const own = await webSockets(stageServer(make), forUpgrade(slow));
    const socket = connect({
      port: portOf(own.server),
      host: '127.0.0.1',
      servername: 'localhost',
      ...pki.clients.good,
    });
    socket.on('error', () => {});
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    const head =
      'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    socket.write(Buffer.concat([Buffer.from(head), frame('early')]));
    await own.came();
    socket.write(frame('later'));
    // It has come when the server's side has it, whether or not anybody has read it.
    while ((own.sockets[0] as Socket).bytesRead < head.length + frame('early').length + frame('later').length)
      await new Promise((settle) => setImmediate(settle));
    waiting.resolve();
    while (!Buffer.concat(received).includes('later')) await once(socket, 'data');
    expect(Buffer.concat(received).toString('latin1')).toMatch(/^HTTP\/1\.1 101 [^]*early[^]*later/);
    socket.destroy();
  });

  const stageServer = (build: typeof make): ReturnType<typeof make> => build(pki, express());
});

/** As Promise.withResolvers of Node 22. */
function resolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** RFC 6455 5.2: a whole text message, masked with zeroes. */
const frame = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

describe('middleware that is no policy', () => {
  const answer = async (...middleware: RequestHandler[]): Promise<Answer & { readonly verdict: boolean }> => {
    jest.spyOn(console, 'error').mockImplementation(() => {});
    const stage = await webSockets(
      createPlainServer(pki.server),
      forUpgrade(...middleware, { timeout: 60_000 }),
    );
    const given = await askUpgrade(stage.server, { ca: pki.ca });
    return { ...given, verdict: (await stage.verdicts[0])! };
  };
  const teapot = Object.assign(new Error('short and stout'), { status: 418, expose: true });
  const fail = (): never => {
    throw new Error('secret');
  };

  it.each<[string, number, RequestHandler[]]>([
    ['throws', 500, [() => fail()]],
    ['rejects', 500, [async () => Promise.reject(new Error('secret'))]],
    ['rejects with nothing', 500, [() => Promise.reject()]],
    ['gives an error', 418, [(_request, _response, next) => next(teapot)]],
    ['gives something false that is not nothing', 500, [(_request, _response, next) => next(0)]],
    ['passes on to another route', 404, [(_request, _response, next) => next('route')]],
    ['leaves the router', 404, [(_request, _response, next) => next('router')]],
    [
      'throws after next()',
      500,
      [
        (_request, _response, next) => {
          next();
          fail();
        },
      ],
    ],
    [
      'rejects after next()',
      500,
      [
        async (_request, _response, next) => {
          next();
          fail();
        },
      ],
    ],
    ['is followed by one that throws', 500, [pass, pass, () => fail()]],
  ])('and %s refuses with %s', async (_what, status, middleware) => {
    const { verdict, ...given } = await answer(...middleware);
    expect(refusal(given)).toEqual({ status, code: undefined });
    expect(given.body).not.toContain('secret');
    expect(verdict).toBe(false);
  });

  it.each<[string, number, string, RequestHandler]>([
    ['ends', 200, '', (_request, response) => void response.end()],
    ['sets a status', 401, 'no', (_request, response) => void response.status(401).send('no')],
    ['answers JSON', 200, '{"b":2}', (_request, response) => void response.json({ b: 2 })],
    ['redirects', 302, 'Found. Redirecting to /in', (_request, response) => response.redirect('/in')],
    ['answers later', 503, 'x', (_, response) => void setImmediate(() => response.status(503).send('x'))],
    [
      'writes, passes on and ends',
      200,
      'ab',
      (_request, response, next) => {
        response.write('a');
        next();
        response.end('b');
      },
    ],
    [
      'passes on and answers',
      403,
      'no',
      (_request, response, next) => {
        next();
        response.status(403).send('no');
      },
    ],
  ])('and %s is heard (%s), and nobody after it', async (_what, status, body, handler) => {
    const { verdict, ...given } = await answer(handler, pass);
    expect(given).toMatchObject({ status, body, headers: { connection: 'close' } });
    expect(verdict).toBe(false);
  });

  it('and calls next() twice is counted once', async () => {
    const after = jest.fn(pass);
    const twice: RequestHandler = (_request, _response, next) => {
      next();
      next();
      next(new Error('too late'));
    };
    const { verdict } = await answer(twice, after);
    expect(verdict).toBe(true);
    expect(after).toHaveBeenCalledTimes(1);
  });

  it('finds what Express gives to both, in a Router and an app as well', async () => {
    const seen: unknown[] = [];
    const look: RequestHandler = (request, response, next) => {
      seen.push(
        request.get('upgrade'),
        request.ip,
        request.query['secret'],
        request.originalUrl,
        request.res === response,
      );
      response.locals['user'] = 'me';
      next();
    };
    const { verdict } = await answer(Router().use(look), express().use(look));
    expect(verdict).toBe(true);
    expect(seen).toEqual(
      Array.from({ length: 2 }, () => ['websocket', '127.0.0.1', '1', '/live?secret=1', true]).flat(),
    );
  });

  it('sees the settings of the app that a PortcullisServer serves', async () => {
    const app = express().set('trust proxy', true).set('json spaces', 1);
    const tell: RequestHandler = (request, response) => void response.json([request.ip]);
    const stage = await webSockets(createServer({ ...pki.server, logger: false }, app), forUpgrade(tell));
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    const { body } = await askUpgrade(stage.server, { ca: pki.ca, headers });
    expect(body).toBe('[\n "192.0.2.1"\n]');
  });

  it('and never calls next() is answered with 503 once the time is over', async () => {
    jest.spyOn(console, 'error').mockImplementation(() => {});
    const stage = await webSockets(
      hardened(),
      forUpgrade(() => {}, { timeout: 1 }),
    );
    expect(refusal(await askUpgrade(stage.server, pki.clients.good))).toEqual({
      status: 503,
      code: undefined,
    });
    expect(await stage.verdicts[0]).toBe(false);
  });

  it('and begins an answer that it never ends is cut then', async () => {
    const begin: RequestHandler = (_request, response) => void response.write('a');
    const stage = await webSockets(hardened(), forUpgrade(begin, { timeout: 20 }));
    await askUpgrade(stage.server, pki.clients.good).catch(() => {});
    expect(await stage.verdicts[0]).toBe(false);
    expect(stage.sockets[0]!.destroyed).toBe(true);
  });
});

describe('an upgrade', () => {
  it('without TLS is refused', async () => {
    const stage = await webSockets(createHttpServer(), forUpgrade(requireTls()));
    const answer = await askUpgrade(stage.server, {}, true);
    expect(refusal(answer)).toEqual({ status: 403, code: 'TLS_REQUIRED' });
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'whose client leaves (%s) is none, and no error',
    async (how) => {
      let answer: (decision: Decision) => void = () => {};
      const waiting = requireClientCertificate(() => new Promise((give) => (answer = give)));
      const stage = await webSockets(hardened(), forUpgrade(waiting, { timeout: 600_000 }));
      const raw = connectTcp(portOf(stage.server), '127.0.0.1');
      raw.on('error', () => {});
      connectTo(stage, '', { socket: raw });
      await stage.came();
      raw[how]();
      expect(await stage.verdicts[0]).toBe(false);
      expect(stage.sockets[0]!.destroyed).toBe(true);
      // The event of a decision that is still out would reach another suite.
      answer({ allow: true });
    },
  );

  it('whose client has left before anybody asks is none', async () => {
    const server = hardened();
    const check = forUpgrade(pass);
    const verdict = new Promise<boolean>((settle) => {
      server.on('upgrade', (request, socket) => {
        socket.destroy();
        settle(check(request, socket));
      });
    });
    const stage = await webSockets(server, () => Promise.resolve(false));
    await askUpgrade(stage.server, pki.clients.good).catch(() => {});
    expect(await verdict).toBe(false);
  });

  it('in the middle of an answer to an earlier request is cut', async () => {
    const server = createServer(
      { ...pki.server, logger: false },
      (_request, response) => void response.write('a'),
    );
    const stage = await webSockets(server, forUpgrade(pass));
    const socket = connectTo(stage, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await stage.came();
    expect(await stage.verdicts[0]).toBe(false);
    await new Promise((settle) => socket.once('close', settle));
  });

  function connectTo(
    { server }: Stage<PortcullisServer>,
    before = '',
    options: ConnectionOptions = {},
  ): Socket {
    const socket = connect({
      port: portOf(server),
      host: '127.0.0.1',
      servername: 'localhost',
      ...pki.clients.good,
      ...options,
    });
    socket.on('error', () => {});
    socket.resume();
    socket.write(
      `${before}GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    return socket;
  }
});

describe('a change of trust', () => {
  it('refuses the next upgrade of whom it revokes, cuts his open one, and leaves the others', async () => {
    const stage = await webSockets(hardened(), forUpgrade(requireClientCertificate(operators)));
    const [revoked, good] = [
      socketOf(stage.server, pki.clients.revoked),
      socketOf(stage.server, pki.clients.good),
    ];
    expect([await echoOf(revoked, 'a'), await echoOf(good, 'b')]).toEqual(['a', 'b']);
    const events = await recordDecisions(async () => {
      const cut = once(revoked, 'close');
      await stage.server.reload({ clientAuth: { mode: 'optional', ca: pki.ca, crl: pki.crl } });
      await cut;
    });
    expect(events.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['refuse', 'CLIENT_CERTIFICATE_REVOKED'],
    ]);
    expect(stage.server.stats()).toMatchObject({ refusals: { byCode: { CLIENT_CERTIFICATE_REVOKED: 1 } } });
    expect(await echoOf(good, 'c')).toBe('c');
    const again = await askUpgrade(stage.server, pki.clients.revoked);
    expect(refusal(again)).toEqual({ status: 403, code: 'CLIENT_CERTIFICATE_REVOKED' });
    // They have come in any order.
    const names = (stage.requests as Array<{ tls?: TlsState }>).map(
      ({ tls }) => tls?.clientCertificate?.subject['CN']?.[0],
    );
    expect(names).toContain('good');
    good.terminate();
  });

  it.each([
    ['policies of the listener', () => requireClientCertificate()],
    ['a policy with anchors of its own', () => requireClientCertificate({ ca: pki.ca })],
  ])('counts for %s while middleware after it still waits', async (_whose, policy) => {
    for (const [who, status, body] of [
      ['revoked', 403, expect.stringContaining('CLIENT_CERTIFICATE_REVOKED')],
      ['good', 101, ''],
    ] as const) {
      const waiting = resolvers();
      const slow: RequestHandler = async (_request, _response, next) => {
        await waiting.promise;
        next();
      };
      const stage = await webSockets(hardened(), forUpgrade(policy(), slow));
      const answer = askUpgrade(stage.server, pki.clients[who]);
      await stage.came();
      await stage.server.reload({ clientAuth: { mode: 'optional', ca: pki.ca, crl: pki.crl } });
      waiting.resolve();
      const { socket, ...seen } = await answer;
      socket?.destroy();
      expect(seen).toMatchObject({ status, body });
      expect(await Promise.all(stage.verdicts)).toEqual([status === 101]);
    }
  });

  it('is asked about once more for each that comes before an upgrade is let in', async () => {
    const server = hardened();
    let asked = 0;
    const restless = rule('restless', async () => {
      asked += 1;
      const crl = asked % 2 === 1 ? { crl: pki.crl } : {};
      if (asked < 4) await server.reload({ clientAuth: { mode: 'optional', ca: pki.ca, ...crl } });
      return true;
    });
    const stage = await webSockets(server, forUpgrade(requireClientCertificate(restless), pass));
    const { status, socket } = await askUpgrade(stage.server, pki.clients.good);
    socket?.destroy();
    expect([status, asked]).toEqual([101, 4]);
  });

  it('leaves whom no policy has let in, and judges by each of several checks', async () => {
    const server = hardened();
    const [first, second] = [forUpgrade(pass), forUpgrade(pass, requireClientCertificate())];
    const both = await webSockets(server, async (request, socket) =>
      request.headers['x-open'] === undefined
        ? (await second(request, socket)) && first(request, socket)
        : first(request, socket),
    );
    const open = socketOf(both.server, { ...pki.clients.revoked, headers: { 'X-Open': '1' } });
    const closed = socketOf(both.server, pki.clients.revoked);
    expect([await echoOf(open, 'a'), await echoOf(closed, 'b')]).toEqual(['a', 'b']);
    const cut = once(closed, 'close');
    await server.reload({ clientAuth: { mode: 'optional', ca: pki.ca, crl: pki.crl } });
    await cut;
    expect(await echoOf(open, 'c')).toBe('c');
    open.terminate();
  });
});

describe('that a proxy has forwarded, by a rule on its certificate', () => {
  /** One of the proxy's and one of a client of its own, and the proxies' CA. */
  async function stageOfProxy(): Promise<{
    server: PortcullisServer;
    proxies: Authority;
    certificate: string;
    client: ws.WebSocket;
    direct: ws.WebSocket;
  }> {
    const proxies = await createAuthority({ subject: 'Proxies' });
    const names = { dns: ['proxy.internal'] };
    const { key, chain, certificate } = await proxies.issueClientCertificate({ subject: 'proxy', names });
    const server = hardened({ clientAuth: { mode: 'optional', ca: [pki.ca, proxies.root] } });
    await webSockets(
      server,
      forUpgrade(
        // Of another proxy, which is not concerned.
        forwardedClientCertificate({ format: 'nginx', trust: rule('another', () => false) }),
        forwardedClientCertificate({ format: 'rfc9440', trust: san.dns('proxy.internal') }),
        requireClientCertificate({ acceptForwarded: true }),
      ),
    );
    const der = new X509Certificate(pki.clients.good.certificate).raw.toString('base64');
    const proxy = { key, cert: chain, ca: pki.ca };
    const client = socketOf(server, { ...proxy, headers: { 'Client-Cert': `:${der}:` } });
    const direct = socketOf(server, { ...pki.clients.good });
    expect([await echoOf(client, 'a'), await echoOf(direct, 'a')]).toEqual(['a', 'a']);
    return { server, proxies, certificate, client, direct };
  }

  it('is cut when nobody trusts the CA of the proxy any more', async () => {
    const { server, client, direct } = await stageOfProxy();
    const cut = once(client, 'close');
    await server.reload({ clientAuth: { mode: 'optional', ca: pki.ca } });
    await cut;
    expect(await echoOf(direct, 'b')).toBe('b');
  });

  it('is cut when the proxy is revoked, and goes on while it is not', async () => {
    const { server, proxies, certificate, client, direct } = await stageOfProxy();
    const clientAuth = { mode: 'optional', ca: [pki.ca, proxies.root] } as const;
    await server.reload({ clientAuth: { ...clientAuth, crl: await proxies.crl({ revoked: [] }) } });
    expect([await echoOf(client, 'b'), await echoOf(direct, 'b')]).toEqual(['b', 'b']);
    const cut = once(client, 'close');
    await server.reload({
      clientAuth: { ...clientAuth, crl: await proxies.crl({ revoked: [{ certificate }] }) },
    });
    await cut;
    expect(await echoOf(direct, 'c')).toBe('c');
  });
});

it('is cut where the listener itself requires a client, and trusts it no longer', async () => {
  const mode = 'required';
  const server = hardened({ clientAuth: { mode, ca: pki.ca } });
  const stage = await webSockets(server, () => Promise.resolve(true));
  const [revoked, good] = [
    socketOf(stage.server, pki.clients.revoked),
    socketOf(stage.server, pki.clients.good),
  ];
  expect([await echoOf(revoked, 'a'), await echoOf(good, 'b')]).toEqual(['a', 'b']);
  const cut = once(revoked, 'close');
  await server.reload({ clientAuth: { mode, ca: pki.ca, crl: pki.crl } });
  await cut;
  expect(await echoOf(good, 'c')).toBe('c');
  good.terminate();
});

describe('a client before a proxy', () => {
  it('opens a WebSocket where that is accepted, until its certificate is denied', async () => {
    const list = denyList();
    const clientAuth = { mode: 'optional', ca: pki.ca, denyList: list } as const;
    const [accept, refuse] = [true, false].map((acceptForwarded) =>
      forUpgrade(
        forwardedClientCertificate({ format: 'rfc9440', trust: 'loopback' }),
        requireClientCertificate({ allow: operators, acceptForwarded }),
      ),
    );
    const server = hardened({ clientAuth });
    const stage = await webSockets(server, (request, socket) =>
      (request.headers['x-refuse'] === undefined ? accept : refuse)!(request, socket),
    );
    const { certificate } = pki.clients.good;
    const headers = { 'Client-Cert': `:${new X509Certificate(certificate).raw.toString('base64')}:` };
    const refused = await askUpgrade(server, { ca: pki.ca, headers: { ...headers, 'X-Refuse': '1' } });
    expect(refusal(refused)).toEqual({ status: 403, code: 'CLIENT_CERTIFICATE_REQUIRED' });
    const client = socketOf(server, { ca: pki.ca, headers });
    expect(await echoOf(client, 'a')).toBe('a');
    const stranger = await createAuthority({ subject: 'another root' });
    await server.reload({ clientAuth: { ...clientAuth, ca: [pki.ca, stranger.root] } });
    expect(await echoOf(client, 'b')).toBe('b');
    expect(stage.requests[1]).toMatchObject({ tls: { source: 'forwarded' } });
    list.add({ fingerprint256: new X509Certificate(stranger.root).fingerprint256 });
    expect(await echoOf(client, 'c')).toBe('c');
    const cut = once(client, 'close');
    list.add({ fingerprint256: new X509Certificate(certificate).fingerprint256 });
    await cut;
  });
});

it('is not offered over HTTP/2, where clients then take HTTP/1.1', async () => {
  const server = await listening(hardened({ http2: true }));
  const session = connectHttp2(`https://127.0.0.1:${portOf(server)}`, { ca: pki.ca });
  const [settings] = (await once(session, 'remoteSettings')) as [Settings];
  // RFC 8441 3: SETTINGS_ENABLE_CONNECT_PROTOCOL.
  expect(settings.enableConnectProtocol).toBe(false);
  session.destroy();
});

it('with a body that does not come is refused as well, and its connection ends', async () => {
  const stage = await webSockets(createPlainServer(pki.server), forUpgrade(requireClientCertificate()));
  const answer = await askUpgrade(stage.server, { ca: pki.ca, headers: { 'Content-Length': '5' } });
  expect(refusal(answer)).toEqual({ status: 403, code: 'CLIENT_CERTIFICATE_REQUIRED' });
  expect(await stage.verdicts[0]).toBe(false);
});

it('is guarded by the example of the documentation', async () => {
  const server = await runDocumented('upgrades', pki, { ws });
  const client = socketOf(server, pki.clients.good);
  const told = await askUpgrade(server, pki.clients.good);
  expect(refusal(told)).toEqual({ status: 403, code: 'CLIENT_CERTIFICATE_DENIED' });
  client.terminate();
  const subject = { CN: 'olga', OU: 'operators' };
  const olga = await pki.issueClient({ subject });
  const [greeting] = (await once(socketOf(server, olga), 'message')) as [Buffer];
  expect(greeting.toString()).toBe('hello olga');
});

describe('the audit', () => {
  it('tells of upgrades that come by, and of nothing else where a forUpgrade is there', async () => {
    const codes = (): string[] =>
      server
        .audit()
        .findings.map(({ code }) => code)
        .filter((code) => /UPGRADE/.test(code));
    const server = hardened();
    const check = forUpgrade(requireClientCertificate());
    let guarded = true;
    const stage = await webSockets(server, (request, socket) =>
      guarded ? check(request, socket) : Promise.resolve(true),
    );
    expect(codes()).toEqual([]);
    const [first, second] = [
      socketOf(stage.server, pki.clients.good),
      socketOf(stage.server, { ca: pki.ca }),
    ];
    await echoOf(first, 'a');
    expect(codes()).toEqual([]);
    guarded = false;
    second.terminate();
    const third = socketOf(stage.server, { ca: pki.ca });
    await echoOf(third, 'b');
    expect(codes()).toEqual(['UPGRADE_UNGUARDED']);
    expect(server.audit()).toMatchObject({ ok: false });
    first.terminate();
    third.terminate();
  });
});

it.each<[string, () => unknown, string, string]>([
  ['nothing', () => forUpgrade(), 'OPTION_INVALID', 'forUpgrade'],
  ['an empty list', () => forUpgrade([]), 'OPTION_INVALID', 'forUpgrade'],
  ['options alone', () => forUpgrade({ timeout: 5 }), 'OPTION_INVALID', 'forUpgrade'],
  ['no function', () => forUpgrade(pass, 'pass' as never), 'OPTION_INVALID', 'forUpgrade[1]'],
  ['nothing in a list', () => forUpgrade([pass, undefined as never]), 'OPTION_INVALID', 'forUpgrade[1]'],
  ['options first', () => forUpgrade({ timeout: 5 }, pass), 'OPTION_INVALID', 'forUpgrade[0]'],
  [
    'an error handler',
    () => forUpgrade(((_a, _b, _c, _d) => {}) as (...all: unknown[]) => void),
    'OPTION_INVALID',
    'forUpgrade[0]',
  ],
  ['a bad time', () => forUpgrade(pass, { timeout: 0 }), 'OPTION_INVALID', 'forUpgrade.timeout'],
  [
    'an unknown option',
    () => forUpgrade(pass, { timeOut: 5 } as object),
    'OPTION_UNKNOWN',
    'forUpgrade.timeOut',
  ],
])('%s is no middleware', (_what, make, code, path) => {
  expect(configErrorOf(make)).toMatchObject({ code, path });
});
