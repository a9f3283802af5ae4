import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, type ListenerStats, requirePin, requireTls } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, exchange, failedHandshake, handshake, listen, plain, Recording } from './harness.ts';

const pki = await createTestPki();
const app = express();
app.get('/', (_request, response) => void response.send('in'));
app.get('/closed', requireTls({ groups: ['X448'] }), (_request, response) => void response.send('in'));
const pins = [1, 2].map((octet) => `sha256/${Buffer.alloc(32, octet).toString('base64')}`);
app.get(
  '/reported',
  requirePin(pins, { reportOnly: true }),
  (_request, response) => void response.send('in'),
);
const get = (path: string): string[] => [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close'];

afterEach(closeAll);

describe('stats() of a server', () => {
  it('counts connections by what they have negotiated, and those that are open', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    const first = await handshake(port, { maxVersion: 'TLSv1.2' });
    const second = await handshake(port, { ecdhCurve: 'prime256v1', ALPNProtocols: ['http/1.1'] });
    // The server ends its part of the handshake later than the client: an answer proves that it has.
    for (const socket of [first, second]) {
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
    }
    const { connections, handshakes } = server.stats();
    expect(connections).toMatchObject({
      open: 2,
      total: 2,
      byProtocol: { 'TLSv1.2': { open: 1, total: 1 }, 'TLSv1.3': { open: 1, total: 1 } },
      byAlpn: { none: { open: 1, total: 1 }, 'http/1.1': { open: 1, total: 1 } },
    });
    expect(connections.byGroup).toMatchObject({ secp256r1: { open: 1, total: 1 } });
    expect(handshakes).toMatchObject({ ok: 2, failed: 0 });
    await closeAll();
    expect(server.stats().connections).toMatchObject({ open: 0, total: 2 });
  });

  it('counts resumptions', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    const socket = await handshake(port, { maxVersion: 'TLSv1.2' });
    const session = socket.getSession()!;
    await exchange(port, get('/'), { maxVersion: 'TLSv1.2', session });
    expect(server.stats().handshakes).toMatchObject({ ok: 2, resumed: 1 });
  });

  it('counts failed handshakes by their reason', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const errors = new Recording('portcullis:handshake-error');
    const port = await listen(server);
    await failedHandshake(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' });
    await plain(port, 'GET / HTTP/1.1\r\n\r\n');
    await errors.take(2);
    expect(server.stats().handshakes).toMatchObject({
      ok: 0,
      failed: 2,
      byReason: { ERR_SSL_HTTP_REQUEST: 1 },
    });
  });

  it('counts a client that the listener refuses as a failed handshake', async () => {
    const clientAuth = { mode: 'required', ca: pki.ca } as const;
    const server = createServer({ ...pki.server, clientAuth, logger: false }, app);
    const errors = new Recording('portcullis:handshake-error');
    const port = await listen(server);
    const socket = await handshake(port).catch(() => undefined);
    socket?.on('error', () => {});
    const { code } = await errors.take();
    expect(server.stats().handshakes).toMatchObject({ ok: 0, failed: 1, byReason: { [code]: 1 } });
  });

  it('counts the refusals of policies and of the listener itself by their code', async () => {
    const clientAuth = { mode: 'optional', ca: pki.ca } as const;
    const server = createServer({ ...pki.server, clientAuth, logger: false }, app);
    const port = await listen(server);
    await exchange(port, get('/closed'), { servername: 'localhost' });
    await exchange(port, get('/closed'), { servername: 'localhost' });
    await exchange(port, get('/'), { servername: 'other.localhost' });
    await exchange(port, get('/reported'), { servername: 'localhost' });
    expect(server.stats().refusals).toEqual({ total: 3, byCode: { GROUP_REFUSED: 2, HOST_MISMATCH: 1 } });
  });

  it('counts the connections that were cut because of the limits', async () => {
    const limits = { connectionsPerAddress: 1 };
    const server = createServer({ ...pki.server, limits, logger: false }, app);
    const drops = new Recording('portcullis:drop');
    const port = await listen(server);
    await handshake(port);
    await failedHandshake(port);
    await drops.take();
    expect(server.stats().drops).toEqual({ total: 1, byReason: { CONNECTIONS_PER_ADDRESS: 1 } });
  });

  it('tells when the certificate ends that serves, and keeps its counts over a reload', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    await exchange(port, get('/'));
    const before: ListenerStats = server.stats();
    const { key, cert } = await pki.issueServer();
    await server.reload({ key, cert });
    const after = server.stats();
    expect(after).toMatchObject({ since: before.since, handshakes: before.handshakes });
    expect(after.certificates).toMatchObject([
      { names: expect.arrayContaining(['localhost']), daysLeft: expect.any(Number) },
    ]);
    expect(after.certificates[0]!.fingerprint256).not.toBe(before.certificates[0]!.fingerprint256);
  });
});
