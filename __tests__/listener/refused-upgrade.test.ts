import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, expect, it, jest } from '@jest/globals';
import { createServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, ended, handshake, listen } from './harness.ts';

afterEach(async () => {
  jest.useRealTimers();
  await closeAll();
});

it('a refused upgrade is answered, and its connection closed though the client neither reads nor closes', async () => {
  const { server: credentials } = await createTestPki();
  const server = createServer({ ...credentials, logger: false }, () => {});
  server.on('upgrade', () => {});
  const port = await listen(server);
  const taken = once(server, 'connection') as Promise<[Socket]>;
  // Half open: it hears that the server has ended, and leaves its own side as it is.
  const socket = await handshake(port, { allowHalfOpen: true } as object);
  const [raw] = await taken;
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await once(socket, 'end');
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  expect(raw.destroyed).toBe(false);
  jest.advanceTimersByTime(1_000);
  await ended(raw);
  expect(raw.destroyed).toBe(true);
});
