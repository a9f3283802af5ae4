import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import {
  createServer,
  type PortcullisOptions,
  type PortcullisServer,
  requireClientCertificate,
  requirePin,
  requireTls,
} from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, handshake, listen, Recording } from './harness.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

let pki: TestPki;
let credentials: PortcullisOptions;
beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['example.org', 'other.example.org', '127.0.0.1'] });
  credentials = { key: pki.server.key, cert: pki.server.cert, http2: true, logger: false };
});
afterEach(async () => {
  closeSessions();
  await closeAll();
});

const serve = (app: RequestListener, options: PortcullisOptions = {}): PortcullisServer =>
  createServer({ ...credentials, ...options }, app);

describe('policies', () => {
  const secured = (): PortcullisServer => {
    const app = express();
    app.get(
      '/open',
      (incoming, response) => void response.json({ client: incoming.tls?.clientCertificate?.subject }),
    );
    app.use(
      '/mutual',
      requireTls({ minVersion: 'TLSv1.3' }),
      requireClientCertificate(),
      (_incoming, response) => void response.send('in'),
    );
    app.use(
      '/pinned',
      requirePin([
        `sha256/${Buffer.alloc(32).toString('base64')}`,
        `sha256/${Buffer.alloc(32, 1).toString('base64')}`,
      ]),
    );
    app.set('env', 'test');
    return serve(app, { clientAuth: { mode: 'optional', ca: pki.ca } });
  };

  it('judge each request of a session by itself', async () => {
    const port = await listen(secured());
    const { key, certificate: cert } = pki.clients.good;
    const statuses = async (options: object): Promise<number[]> => {
      const session = await openSession(port, options);
      const all = await Promise.all(
        ['/open', '/mutual', '/pinned'].map((path) => overHttp2(session, { path })),
      );
      return all.map(({ status }) => status);
    };
    expect(await statuses({ key, cert })).toEqual([200, 200, 403]);
    expect(await statuses({})).toEqual([200, 403, 403]);
  });

  it('answer a coalesced connection 421, and the session goes on', async () => {
    const port = await listen(secured());
    const session = await openSession(port, { servername: 'example.org' });
    const get = async (authority: string): Promise<number> =>
      (await overHttp2(session, { path: '/open', headers: { ':authority': authority } })).status;
    expect(await get('example.org')).toBe(200);
    expect(await get('other.example.org')).toBe(421);
    expect(await get('example.org')).toBe(200);
  });

  it('end a session without a client certificate where one is required', async () => {
    const port = await listen(
      serve((_incoming, response) => response.end(), { clientAuth: { mode: 'required', ca: pki.ca } }),
    );
    const events = new Recording('portcullis:handshake-error');
    const socket = await handshake(port, { ALPNProtocols: ['h2'] }).catch(() => undefined);
    if (socket !== undefined) await ended(socket.resume());
    expect((await events.take()).code).toMatch(/CLIENT_CERTIFICATE_REQUIRED|DID_NOT_RETURN_A_CERTIFICATE/);
  });
});

describe('shutdown', () => {
  it('lets streams in flight finish, ends idle sessions, and counts both', async () => {
    const answers: ServerResponse[] = [];
    const server = serve((incoming, response) => {
      if (incoming.url === '/slow') answers.push(response);
      else response.end('quick');
    });
    const port = await listen(server);
    const [idle, busy] = [await openSession(port), await openSession(port)];
    await overHttp2(idle, { path: '/' });
    const arrived = [once(server, 'request')];
    const slow = overHttp2(busy, { path: '/slow' });
    await Promise.all(arrived);
    const closed = Promise.all([once(idle, 'close'), once(busy, 'goaway')]);
    const report = server.shutdown({ timeout: 20_000 });
    await closed;
    answers[0]!.end('finished');
    expect((await slow).body.toString()).toBe('finished');
    expect(await report).toMatchObject({ finished: 1, aborted: 0, sessions: 0 });
  });

  it('ends at the deadline what has not finished', async () => {
    const server = serve(() => {});
    const session = await openSession(await listen(server));
    const arrived = once(server, 'request');
    const stuck = overHttp2(session, { path: '/' }).catch(() => 'cut');
    await arrived;
    expect(await server.shutdown({ timeout: 30 })).toMatchObject({ aborted: 1, sessions: 1 });
    expect(await stuck).toBe('cut');
  });

  it('close() ends a session that nobody uses', async () => {
    const server = serve((_incoming, response) => response.end());
    const session = await openSession(await listen(server));
    await overHttp2(session, { path: '/' });
    const closed = Promise.all([once(server, 'close'), once(session, 'close')]);
    server.close();
    await closed;
    expect(server.listening).toBe(false);
  });
});
