import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type DropReason, publish } from '../../events.ts';

/** Publishes one `portcullis:drop`. */
export function publishDrop(
  reason: DropReason,
  { remoteAddress, remotePort }: { remoteAddress?: string | undefined; remotePort?: number | undefined },
): void {
  publish('portcullis:drop', () => ({ reason, remoteAddress, remotePort }));
}

/** Closes by a reset: no TIME_WAIT stays, and the kernel forgets what it had not sent yet. */
export function reset(socket: Duplex): void {
  // After end() libuv refuses to reset, and would leave the socket open.
  if (!(socket instanceof Socket) || socket.writableEnded || socket.destroyed) return void socket.destroy();
  try {
    socket.resetAndDestroy();
  } catch {
    // Only TCP knows a reset; a pipe does not.
    socket.destroy();
  }
}
