import { randomBytes, X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import {
  createServer,
  type EventTypes,
  type PortcullisOptions,
  requireClientCertificate,
  requirePin,
} from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { publish } from '../lib/events.ts';
import { closeAll, exchange, handshake, listen, plain, Recording } from './listener/harness.ts';

let pki: TestPki;
let credentials: PortcullisOptions;
beforeAll(async () => {
  pki = await createTestPki();
  credentials = { key: pki.server.key, cert: pki.server.cert };
});
afterEach(closeAll);

const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close'];
const localhost: ConnectionOptions = { servername: 'localhost' };
const answering = (options: PortcullisOptions = {}): ReturnType<typeof createServer> =>
  createServer({ ...credentials, ...options }, (_request, response) => response.end('in'));

describe('portcullis:handshake tells', () => {
  it('what was negotiated, and with whom', async () => {
    const handshakes = new Recording('portcullis:handshake');
    const socket = await handshake(await listen(answering()), {
      ...localhost,
      ecdhCurve: 'X25519',
      ALPNProtocols: ['http/1.1'],
    });
    const event = await handshakes.take();
    expect(event).toEqual({
      protocol: 'TLSv1.3',
      cipher: socket.getCipher().standardName,
      group: 'x25519',
      alpn: 'http/1.1',
      serverName: 'localhost',
      resumed: false,
      fingerprint256: undefined,
      clientCertificateError: undefined,
      remoteAddress: '127.0.0.1',
      remotePort: socket.localPort,
    });
    expect(Object.isFrozen(event)).toBe(true);
  });

  it('the client that was verified, or why one was not', async () => {
    const handshakes = new Recording('portcullis:handshake');
    const port = await listen(answering({ clientAuth: { mode: 'optional', ca: pki.ca } }));
    const { good, expired } = pki.clients;
    const socket = await handshake(port, { ...localhost, key: good.key, cert: good.cert });
    const { fingerprint256 } = socket.getX509Certificate()!;
    await handshake(port, { ...localhost, key: expired.key, cert: expired.cert });
    const events = [await handshakes.take(1), await handshakes.take(2)];
    expect(events).toMatchObject([
      { fingerprint256, clientCertificateError: undefined },
      {
        fingerprint256: undefined,
        clientCertificateError: {
          code: 'CLIENT_CERTIFICATE_EXPIRED',
          reason: expect.stringMatching(/expired|valid until/),
        },
      },
    ]);
  });
});

describe('portcullis:decision tells', () => {
  it('what a policy has let pass, refused, or only reported', async () => {
    const decisions = new Recording('portcullis:decision');
    const app = express();
    app.use('/admin', requireClientCertificate());
    app.use('/watched', requireClientCertificate({ reportOnly: true }));
    app.use((_request, response) => void response.end());
    const agent = request(answeringBy(app), { ca: pki.ca });
    await agent.as(pki.clients.good).get('/admin/users?token=secret').expect(200);
    await agent.get('/admin').expect(403);
    await agent.post('/watched').expect(200);
    const common = { policy: 'requireClientCertificate', remoteAddress: '127.0.0.1' };
    const refused = {
      ...common,
      outcome: 'refuse',
      code: 'CLIENT_CERTIFICATE_REQUIRED',
      detail: expect.any(String),
      fingerprint256: undefined,
    };
    expect(decisions.events).toEqual([
      {
        ...common,
        outcome: 'allow',
        enforced: true,
        code: undefined,
        detail: undefined,
        fingerprint256: new X509Certificate(pki.clients.good.certificate).fingerprint256,
        method: 'GET',
        path: '/admin/users',
        rule: undefined,
        route: '/admin',
        requestId: undefined,
      },
      { ...refused, enforced: true, method: 'GET', path: '/admin', route: '/admin' },
      { ...refused, enforced: false, method: 'POST', path: '/watched', route: '/watched' },
    ]);
  });
});

const answeringBy = (app: express.Express): ReturnType<typeof createServer> =>
  createServer({ ...credentials, clientAuth: { mode: 'optional', ca: pki.ca } }, app);

const payloads = (calls: ReadonlyArray<readonly unknown[]>): number =>
  calls.filter(([value]) => typeof value === 'object' && value !== null && 'remotePort' in value).length;

describe('a subscriber', () => {
  const names = ['portcullis:handshake', 'portcullis:handshake-error', 'portcullis:decision'] as const;
  const subscribed: Array<(event: unknown) => unknown> = [];
  const listening = (subscriber: (event: unknown) => unknown): void => {
    subscribed.push(subscriber);
    for (const name of names) subscribe(name, subscriber);
  };
  let warnings: string[] = [];
  beforeEach(() => {
    warnings = [];
    jest.spyOn(process, 'emitWarning').mockImplementation((warning, options) => {
      warnings.push(`${(options as { code: string }).code} ${String(warning)}`);
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const subscriber of subscribed.splice(0)) for (const name of names) unsubscribe(name, subscriber);
  });

  const nameless = Object.create(null) as Error;
  it.each<[string, () => unknown, RegExp]>([
    [
      'that throws',
      () => {
        throw new Error('disk full');
      },
      /has thrown: disk full/,
    ],
    [
      'that throws what has no text',
      () => {
        throw nameless;
      },
      /has thrown: something without a message/,
    ],
    ['that rejects later', () => Promise.reject(new Error('disk full')), /has thrown: disk full/],
  ])('%s harms no request and no other subscriber, and is told of', async (_what, subscriber, warning) => {
    listening(subscriber);
    const others = [
      new Recording('portcullis:handshake'),
      new Recording('portcullis:decision'),
      new Recording('portcullis:handshake-error'),
    ];
    const app = express();
    const pins = [randomBytes(32), randomBytes(32)].map((digest) => `sha256/${digest.toString('base64')}`);
    app.use(requirePin(pins, { reportOnly: true }));
    app.use((_request, response) => void response.end('in'));
    const server = answeringBy(app);
    const port = await listen(server);
    await plain(port, 'GET / HTTP/1.1\r\n\r\n');
    expect(await exchange(port, lines, localhost)).toMatch(/in$/);
    expect(others.map(({ events }) => events.length)).toEqual([1, 1, 1]);
    expect(warnings).toHaveLength(3);
    for (const text of warnings) {
      expect(text).toMatch(/^PORTCULLIS_SUBSCRIBER_THREW /);
      expect(text).toMatch(warning);
    }
  });

  it('that unsubscribes another one while it is told hurts nobody', () => {
    const told: string[] = [];
    const second = (): void => void told.push('second');
    listening(() => {
      told.push('first');
      unsubscribe('portcullis:decision', second);
    });
    subscribe('portcullis:decision', second);
    const event = {} as EventTypes['portcullis:decision'];
    publish('portcullis:decision', () => event);
    publish('portcullis:decision', () => event);
    expect(told).toEqual(['first', 'second', 'first']);
  });

  it('gets one frozen object, made once for all', () => {
    const seen: unknown[] = [];
    listening((event) => seen.push(event));
    listening((event) => seen.push(event));
    const make = jest.fn(() => ({}) as EventTypes['portcullis:decision']);
    publish('portcullis:decision', make);
    expect(make).toHaveBeenCalledTimes(1);
    expect(seen[0]).toBe(seen[1]);
    expect(Object.isFrozen(seen[0])).toBe(true);
  });

  it('that is not there costs no payload', async () => {
    const make = jest.fn(() => ({}) as EventTypes['portcullis:handshake']);
    publish('portcullis:handshake', make);
    expect(make).not.toHaveBeenCalled();
    const freeze = jest.spyOn(Object, 'freeze');
    const port = await listen(answering());
    const before = payloads(freeze.mock.calls);
    expect(await exchange(port, lines, localhost)).toMatch(/in$/);
    expect(payloads(freeze.mock.calls)).toBe(before);
    listening(() => {});
    await exchange(port, lines, localhost);
    expect(payloads(freeze.mock.calls)).toBe(before + 1);
  });
});
