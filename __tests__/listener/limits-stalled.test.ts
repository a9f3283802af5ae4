import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import { ConnectionEntry } from '../../lib/listener/connections/connection-entry.ts';
import { hasStalled } from '../../lib/listener/connections/stalled.ts';

interface Sending {
  /** Given by the app, and not yet taken by the kernel. */
  writableLength: number;
  /** Given by the app. */
  bytesWritten: number;
  /** Given to the kernel, and not yet taken by it. */
  readonly _handle: { writeQueueSize: number };
}

function entryWith(writableLength: number, queue: number): { entry: ConnectionEntry; socket: Sending } {
  const socket: Sending = {
    writableLength,
    bytesWritten: writableLength,
    _handle: { writeQueueSize: queue },
  };
  const stream = Object.defineProperties(new PassThrough(), {
    writableLength: { get: () => socket.writableLength },
    bytesWritten: { get: () => socket.bytesWritten },
    _handle: { value: socket._handle },
  });
  return { entry: new ConnectionEntry(stream, undefined, 0), socket };
}

it('a client that takes nothing for the time-out has stalled', () => {
  const { entry } = entryWith(1_000, 900);
  expect([10, 11, 109, 110].map((now) => hasStalled(entry, now, 100))).toEqual([false, false, false, true]);
});

it('a client that takes a little has not, even within one large write', () => {
  const { entry, socket } = entryWith(1_000, 900);
  const seen = [10, 100, 200, 300].map((now) => {
    socket._handle.writeQueueSize -= 1;
    return hasStalled(entry, now, 100);
  });
  expect(seen).toEqual([false, false, false, false]);
});

it('a client that takes write after write has not, though ever more waits for it', () => {
  const { entry, socket } = entryWith(1_000, 900);
  const seen = [10, 100, 200, 300].map((now) => {
    socket.bytesWritten += 500;
    socket.writableLength += 400;
    socket._handle.writeQueueSize += 400;
    return hasStalled(entry, now, 100);
  });
  expect(seen).toEqual([false, false, false, false]);
});

it('an app that writes on does not hide a client that takes nothing', () => {
  const { entry, socket } = entryWith(1_000, 900);
  const seen = [10, 60, 110].map((now) => {
    socket.bytesWritten += 500;
    socket.writableLength += 500;
    return hasStalled(entry, now, 100);
  });
  expect(seen).toEqual([false, false, true]);
});

it('a client for which nothing waits has not, and begins anew', () => {
  const { entry, socket } = entryWith(1_000, 900);
  expect(hasStalled(entry, 10, 100)).toBe(false);
  socket.writableLength = 0;
  expect(hasStalled(entry, 200, 100)).toBe(false);
  socket.writableLength = 1_000;
  expect([300, 399, 400].map((now) => hasStalled(entry, now, 100))).toEqual([false, false, true]);
});
