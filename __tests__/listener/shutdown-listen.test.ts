import { once } from 'node:events';
import { afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeAll, ended, handshake, listen } from './harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const serverOf = (options: PortcullisOptions = {}): PortcullisServer =>
  createServer({ ...pki.server, logger: false, ...options }, () => {});

it('a server cannot listen while a shutdown goes on, which ends as if nobody had tried, and then it can', async () => {
  const server = serverOf();
  const socket = await handshake(await listen(server));
  const asked = once(server, 'request');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await asked;
  const down = server.shutdown({ timeout: 50 });
  expect(() => server.listen(0, '127.0.0.1')).toThrow(
    expect.objectContaining({ name: 'ConfigError', code: 'OPTION_CONFLICT', path: 'listen' }),
  );
  expect(await down).toMatchObject({ aborted: 1 });
  await ended(socket);
  await handshake(await listen(server));
  expect(await server.shutdown({ timeout: 0 })).toMatchObject({ aborted: 0 });
});

it('a server that is shut down before it listens does not come up', async () => {
  const server = serverOf({ redirect: { port: 0 } });
  const listening = jest.fn();
  server.on('listening', listening);
  // A shutdown that has ended is none of the next listen().
  for (let time = 0; time < 2; time++) {
    // The address is looked up first, a numeric one too.
    server.listen(0, '127.0.0.1');
    expect(server.listening).toBe(false);
    const closed = once(server, 'close');
    await server.shutdown();
    await closed;
  }
  expect([server.listening, server.redirect!.listening]).toEqual([false, false]);
  expect(listening).not.toHaveBeenCalled();
  await handshake(await listen(server));
  expect(listening).toHaveBeenCalledTimes(1);
});

it.each<[string, (server: PortcullisServer) => unknown]>([
  ['shutdown()', (server) => server.shutdown()],
  ['close()', (server) => server.close()],
])('the plain listener does not outlive a %s that comes before it listens', async (_what, stop) => {
  const server = serverOf({ redirect: { port: 0 } });
  const redirect = server.redirect!;
  const closed = [server, redirect].map((one) => once(one, 'close'));
  let stopped: unknown;
  server.once('listening', () => (stopped = stop(server)));
  server.listen(0, '127.0.0.1');
  await Promise.all(closed);
  await stopped;
  expect([server.listening, redirect.listening]).toEqual([false, false]);
  const up = once(redirect, 'listening');
  await listen(server);
  await up;
  expect(redirect.listening).toBe(true);
});
