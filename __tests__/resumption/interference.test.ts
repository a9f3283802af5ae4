import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express, { type Express, type Request, type RequestHandler } from 'express';
import {
  exposeTls,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  type TlsState,
} from 'portcullis';
import {
  closeEverything,
  listen,
  open,
  openRaw,
  request as get,
  speaking,
  versions,
} from '../support/attacks.ts';
import { admitted, enter, everywhere, gatedApp, knock, tell } from '../support/attacks-gates.ts';
import { makeStage, plain, plainOptions, portcullis } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { a, b } = stage;
const gates = gatedApp({ ca: a.ca, pins: a.pins });
const listeners = [
  ['a PortcullisServer', (to: Express) => portcullis(stage, to, 'optional')],
  ['a plain server', (to: Express) => plain(stage, to)],
] as const;
const gate = (...before: RequestHandler[]): Express =>
  express()
    .get('/', ...before, requireClientCertificate(), requirePin(a.pins), enter)
    .use(tell);
const refuseAll = () => ({ allow: false, code: 'CLIENT_CERTIFICATE_DENIED', detail: 'nobody' }) as const;
const stranger = { ...speaking('TLSv1.3'), ...b.client };
const good = { ...speaking('TLSv1.3'), ...a.client };

afterEach(async () => {
  jest.restoreAllMocks();
  await closeEverything();
});

describe.each(listeners)('at %s', (_name, make) => {
  it('a req.tls that somebody made up opens nothing', async () => {
    const forged = { clientCertificate: { subject: { CN: ['admin'] }, pin: a.pins[0], chain: [] } };
    for (const tls of [
      forged,
      Object.freeze(forged),
      Object.create(forged),
      new Proxy(forged, {}),
      true,
      'x',
    ]) {
      const port = await listen(make(gate(assign(() => tls))));
      const wire = await open(port, stranger);
      expect(await wire.ask('/')).toEqual({ status: 403, body: 'CLIENT_CERTIFICATE_UNTRUSTED' });
    }
  });

  it('a req.tls that was copied or changed opens nothing', async () => {
    let kept: TlsState | undefined;
    const app = express();
    app.get('/keep', exposeTls(), (request, response) => {
      kept = request.tls;
      response.send('kept');
    });
    app.get(
      '/copy',
      assign(() => ({ ...kept })),
      requireClientCertificate(),
      enter,
    );
    app.get(
      '/clone',
      assign(() => structuredClone(JSON.parse(JSON.stringify(kept)))),
      requireClientCertificate(),
      enter,
    );
    app.get(
      '/child',
      assign(() => Object.create(kept!)),
      requireClientCertificate(),
      enter,
    );
    app.get(
      '/proxy',
      assign(() => new Proxy(kept!, {})),
      requireClientCertificate(),
      enter,
    );
    app.use(tell);
    const port = await listen(make(app));
    expect(await (await open(port, good)).ask('/keep')).toMatchObject({ status: 200 });
    const wire = await open(port, stranger);
    for (const path of ['/copy', '/clone', '/child', '/proxy']) {
      expect(await wire.ask(path)).toEqual({ status: 403, body: 'CLIENT_CERTIFICATE_UNTRUSTED' });
    }
  });

  it('the req.tls of another connection opens nothing', async () => {
    let kept: TlsState | undefined;
    const app = express();
    app.get('/keep', exposeTls(), (request, response) => {
      kept = request.tls;
      response.send('kept');
    });
    app.get(
      '/any',
      assign(() => kept),
      requireClientCertificate(),
      enter,
    );
    app.get(
      '/pin',
      assign(() => kept),
      requirePin(a.pins),
      enter,
    );
    app.get(
      '/facts',
      assign(() => kept),
      exposeTls(),
      enter,
    );
    app.use(tell);
    const port = await listen(make(app));
    expect(await (await open(port, good)).ask('/keep')).toMatchObject({ status: 200 });
    expect(kept?.clientCertificate?.subject['CN']).toEqual(['good']);
    const wire = await open(port, stranger);
    expect((await wire.ask('/any')).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect((await wire.ask('/pin')).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect((await wire.ask('/facts')).body).toBe('in: nobody');
  });

  it('a route in report-only mode does not widen the trust of what follows', async () => {
    const app = express();
    const forB = { ca: b.ca, reportOnly: true };
    app.get('/tried', requireClientCertificate(forB), requireClientCertificate(), enter);
    app.get('/pinned', requireClientCertificate(forB), requirePin([...a.pins, ...b.pins]), enter);
    app.use(tell);
    const wire = await open(await listen(make(app)), stranger);
    expect((await wire.ask('/tried')).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect((await wire.ask('/pinned')).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
  });

  it('a client whom a route has refused by its rule is not taken for verified by what follows', async () => {
    const app = express();
    app.use(requireClientCertificate({ ca: b.ca, allow: refuseAll }));
    app.use(((_error, _request, _response, next) => next()) as express.ErrorRequestHandler);
    app.get('/', requireClientCertificate(), enter);
    app.use(tell);
    const wire = await open(await listen(make(app)), stranger);
    expect((await wire.ask('/')).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
  });

  it('a Date of req.tls that somebody changes changes nothing', async () => {
    const app = express();
    app.get('/old', requireClientCertificate(), (request, response) => {
      request.tls?.authenticatedAt?.setTime(Date.now() + 1e9);
      request.tls?.clientCertificate?.notAfter.setTime(0);
      response.send('changed');
    });
    app.get('/fresh', requireClientCertificate({ maxAge: 60 }), enter);
    app.use(tell);
    const wire = await open(await listen(make(app)), good);
    expect((await wire.ask('/old')).body).toBe('changed');
    expect((await wire.ask('/fresh')).body).toBe('in: good');
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    expect((await wire.ask('/fresh')).body).toBe('AUTHENTICATION_TOO_OLD');
  });

  it('no header opens anything', async () => {
    const app = express().set('trust proxy', true);
    app.get('/', requireClientCertificate(), enter);
    app.use(tell);
    const wire = await open(await listen(make(app)), stranger);
    const claims = [
      'X-Forwarded-Proto: https',
      'X-Client-Verify: SUCCESS',
      'X-SSL-Client-Verify: SUCCESS',
      'Client-Cert: :AAAA:',
    ];
    wire.send(`GET / HTTP/1.1\r\nHost: localhost\r\n${claims.join('\r\n')}\r\n\r\n`);
    expect((await wire.answer()).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
  });

  it('a listener that users put before all others changes no verdict', async () => {
    const server = make(gates);
    const seen: boolean[] = [];
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      // What 20 and 22 forget by it is the chain.
      socket.getPeerX509Certificate();
      socket.authorized = true;
      seen.push(socket.authorized);
    });
    server.prependListener('request', (request) => {
      Object.assign(request, { tls: { clientCertificate: { subject: { CN: ['admin'] } } } });
    });
    const port = await listen(server);
    expect(await knock(await open(port, { ...speaking('TLSv1.3'), ca: a.ca }))).toEqual(
      everywhere('CLIENT_CERTIFICATE_REQUIRED'),
    );
    expect(await knock(await open(port, stranger))).toEqual(everywhere('CLIENT_CERTIFICATE_UNTRUSTED'));
    expect(await knock(await open(port, good))).toEqual(everywhere('in: good'));
    expect(seen).toEqual([true, true, true]);
  });

  it('req.tls tells the same after the socket has closed', async () => {
    let before: TlsState | undefined;
    let facts: string | undefined;
    const request = await closedRequest(make, exposeTls(), (early, _response, next) => {
      before = early.tls;
      facts = JSON.stringify(before);
      next();
    });
    exposeTls()(request, {} as never, () => {});
    expect(request.tls).toBe(before);
    expect(JSON.stringify(request.tls)).toBe(facts);
    expect(request.tls?.clientCertificate?.subject['CN']).toEqual(['good']);
    expect(() => request.tls?.channelBinding()).toThrow(/./);
  });
});

describe('a socket that nobody looked at before it closed', () => {
  it('is let in nowhere by a plain server', async () => {
    const request = await closedRequest((to) => plain(stage, to));
    const refusals: unknown[] = [];
    for (const middleware of [requireClientCertificate(), requirePin(a.pins), requireMatchingHost()]) {
      middleware(request, {} as never, (refusal?: unknown) =>
        refusals.push((refusal as { code?: string })?.code),
      );
    }
    expect(refusals).toEqual(['TLS_REQUIRED', 'TLS_REQUIRED', 'TLS_REQUIRED']);
  });
});

describe('a server that is no https.Server', () => {
  it.each(versions)('lets good clients in and nobody else, over TLS of its own (%s)', async (version) => {
    const inner = createHttpServer(gates);
    const outer = createTlsServer(plainOptions(stage), (socket) => inner.emit('connection', socket));
    const port = await listen(outer);
    const speak = speaking(version);
    const first = await open(port, { ...speak, ...a.client });
    expect(await knock(first)).toEqual(everywhere('in: good'));
    const resumed = await open(port, { ...speak, ...a.client, session: first.ticket });
    // Node's HTTP server takes the place of `socket.server`, so that nobody can tell whether there is a CRL.
    expect(await knock(resumed)).toEqual(everywhere('CLIENT_CERTIFICATE_UNTRUSTED'));
    const nobody = await open(port, { ...speak, ca: a.ca });
    expect(await knock(nobody)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
  });

  it('lets nobody in who changes its identity by renegotiation', async () => {
    const inner = createHttpServer(gates);
    const outer = createTlsServer(plainOptions(stage), (socket) => inner.emit('connection', socket));
    const wire = await openRaw(await listen(outer));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.handshake(stage.impostor)).toBe(true);
    expect(admitted(await knock(wire))).toEqual([]);
  });
});

/** A good client's request, once its connection is closed; `before` sees it while it is open. */
async function closedRequest(make: (app: Express) => Server, ...before: RequestHandler[]): Promise<Request> {
  const arrivals = new EventEmitter();
  const arrival = once(arrivals, 'request') as Promise<[Request]>;
  const app = express().get('/', ...before, (request) => void arrivals.emit('request', request));
  const wire = await open(await listen(make(app)), good);
  wire.send(get('/'));
  const [request] = await arrival;
  const closed = once(request.socket, 'close');
  wire.close();
  await closed;
  return request;
}

const assign =
  (make: () => unknown): RequestHandler =>
  (request, _response, next) => {
    Object.assign(request, { tls: make() });
    next();
  };
