import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Limits, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import type { ConnectionEntry } from '../../lib/listener/connections/connection-entry.ts';
import { hasStalled } from '../../lib/listener/connections/stalled.ts';
import { closeAll, ended, handshake, listen, plain, received, Recording } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const serverOf = (
  limits: Partial<Limits>,
  listener: Parameters<typeof createServer>[1],
  more: PortcullisOptions = {},
): PortcullisServer =>
  createServer(
    { key: pki.server.key, cert: pki.server.cert, limits, connectionsCheckingInterval: 20, ...more },
    listener,
  );
const whose = { remoteAddress: '127.0.0.1', remotePort: expect.any(Number) };

describe('a drop is published, once,', () => {
  it('for a handshake that does not end', async () => {
    const drops = new Recording('portcullis:drop');
    await plain(await listen(serverOf({ handshakeTimeout: 50 }, () => {})), '');
    expect(await drops.take()).toEqual({ reason: 'HANDSHAKE_TIMEOUT', ...whose });
    expect(drops.events).toHaveLength(1);
  });

  it('for one that waits for the certificate in vain', async () => {
    const drops = new Recording('portcullis:drop');
    const certificate = { load: () => new Promise<never>(() => {}) };
    await plain(
      await listen(createServer({ certificate, logger: false, limits: { handshakeTimeout: 50 } })),
      '',
    );
    expect(await drops.take()).toEqual({ reason: 'HANDSHAKE_TIMEOUT', ...whose });
    expect(drops.events).toHaveLength(1);
  });

  it('for a head that does not end', async () => {
    const drops = new Recording('portcullis:drop');
    const socket = await handshake(await listen(serverOf({ headersTimeout: 60 }, () => {})));
    socket.write('GET / HTTP/1.1\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 /);
    expect(drops.events).toEqual([{ reason: 'HEADERS_TIMEOUT', ...whose }]);
  });

  it('for a body that does not end', async () => {
    const drops = new Recording('portcullis:drop');
    const port = await listen(
      serverOf({ requestTimeout: 60, headersTimeout: 60 }, (request) => request.resume()),
    );
    const socket = await handshake(port);
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 /);
    expect(drops.events).toEqual([{ reason: 'REQUEST_TIMEOUT', ...whose }]);
  });

  it('where a listener of the user’s ends the connection, too', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ headersTimeout: 60 }, () => {});
    server.on('clientError', (_error, socket) => socket.destroy());
    const socket = await handshake(await listen(server));
    socket.write('GET / HTTP/1.1\r\n');
    expect(await received(socket)).toBe('');
    expect(drops.events).toEqual([{ reason: 'HEADERS_TIMEOUT', ...whose }]);
  });

  describe('for the plain listener too,', () => {
    async function plainPort(limits: Partial<Limits>): Promise<{ port: number; redirect: Server }> {
      const server = serverOf(limits, () => {}, { redirect: { port: 0 } });
      await listen(server);
      const redirect = server.redirect!;
      if (!redirect.listening) await once(redirect, 'listening');
      return { port: (redirect.address() as { port: number }).port, redirect };
    }

    function from(localAddress: string, port: number): Socket {
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      socket.on('error', () => {});
      return socket;
    }

    it('where an address has too many connections', async () => {
      const drops = new Recording('portcullis:drop');
      const { port, redirect } = await plainPort({ connectionsPerAddress: 1 });
      const taken = once(redirect, 'connection');
      const first = from('127.0.0.2', port);
      await taken;
      await ended(from('127.0.0.2', port));
      expect(drops.events).toEqual([
        { ...whose, reason: 'CONNECTIONS_PER_ADDRESS', remoteAddress: '127.0.0.2' },
      ]);
      expect(first.closed).toBe(false);
      first.destroy();
    });

    it('where a head does not end', async () => {
      const drops = new Recording('portcullis:drop');
      const { port } = await plainPort({ headersTimeout: 60 });
      expect(await plain(port, 'GET / HTTP/1.1\r\n')).toMatch(/^HTTP\/1\.1 408 /);
      expect(drops.events).toEqual([{ ...whose, reason: 'HEADERS_TIMEOUT' }]);
    });
  });
});

describe('sendTimeout', () => {
  it('looks at the lowest socket, where TLS runs within TLS', () => {
    const tcp = { _handle: { writeQueueSize: 900 }, _parent: null };
    const raw = { _handle: { writeQueueSize: 1_000 }, _parent: tcp };
    const entry = { socket: { writableLength: 5, bytesWritten: 9 }, raw, sent: 0, queued: 0, sentAt: 0 };
    const hasStalledAt = (now: number): boolean => hasStalled(entry as unknown as ConnectionEntry, now, 100);
    expect(hasStalledAt(1_000)).toBe(false);
    tcp._handle.writeQueueSize = 800;
    expect(hasStalledAt(1_150)).toBe(false);
    expect(hasStalledAt(1_300)).toBe(true);
  });

  // More than the kernel takes, in one write.
  const large = Buffer.alloc(32 * 1024 * 1024);

  it('cuts a client that does not read its answer', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ sendTimeout: 100 }, (_request, response) => response.end(large));
    const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>;
    const socket = await handshake(await listen(server));
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [, response] = await asked;
    await once(response, 'close');
    expect(drops.events).toEqual([{ reason: 'SEND_TIMEOUT', ...whose }]);
  });

  it('does not cut an answer for which its app takes longer', async () => {
    const drops = new Recording('portcullis:drop');
    const server = serverOf({ sendTimeout: 40 }, (_request, response) => {
      response.write('a');
      setTimeout(() => response.end('b'), 200);
    });
    const socket = await handshake(await listen(server));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(await received(socket)).toMatch(/a[^]*b[^]*$/);
    expect(drops.events).toEqual([]);
  });
});
