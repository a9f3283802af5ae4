import type { Socket } from 'node:net';

/** Raw connections that came before there was a certificate. */
export class WaitingRoom {
  readonly #sockets = new Set<Socket>();

  /** For `timeout` ms at most. */
  hold(socket: Socket, timeout: number): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(timeout, () => socket.destroy());
  }

  /** Gives on whoever is still there, in the order in which they came. */
  release(give: (socket: Socket) => void): void {
    for (const socket of this.#sockets) {
      this.#sockets.delete(socket);
      if (socket.destroyed) continue;
      socket.setTimeout(0);
      give(socket);
    }
  }

  /** How many it ended. */
  clear(): number {
    const count = this.#sockets.size;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }
}
