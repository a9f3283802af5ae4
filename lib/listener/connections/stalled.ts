import type { Socket } from 'node:net';
import type { ConnectionEntry } from './connection-entry.ts';

/**
 * Whether a client has taken nothing for `timeout` ms of what waits for it. One that takes a little, however slowly,
 * is not stalled, and neither is one for which nothing waits. To be asked now and then.
 */
export function hasStalled(entry: ConnectionEntry, now: number, timeout: number): boolean {
  const socket = entry.socket as Socket;
  const waiting = socket.writableLength;
  if (waiting === 0) {
    entry.sentAt = 0;
    return false;
  }
  const sent = socket.bytesWritten - waiting;
  const queued = queueOf(entry.raw as Socket);
  // One write may be as large as a whole answer: then only the kernel's queue tells that it moves.
  if (entry.sentAt === 0 || sent !== entry.sent || queued < entry.queued) {
    entry.sent = sent;
    entry.queued = queued;
    entry.sentAt = now;
    return false;
  }
  return now - entry.sentAt >= timeout;
}

interface Lower {
  readonly _parent?: (Lower & Socket) | null;
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * Node's own time-out for sockets looks at the same: at the lowest one, where TLS runs within TLS. A stream that is no
 * socket has its own queue only, and moves by whole writes.
 */
function queueOf(raw: Socket & Lower): number {
  let lowest = raw;
  while (lowest._parent) lowest = lowest._parent;
  return lowest._handle?.writeQueueSize ?? lowest.writableLength;
}
