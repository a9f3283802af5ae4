import type { Duplex } from 'node:stream';

/** Raw connections that came before there was a certificate. A stream that is no socket has no time-out of its own. */
export class WaitingRoom {
  readonly #timers = new Map<Duplex, NodeJS.Timeout>();

  /** For `timeout` ms at most: then `onTimeout` says so, and it is ended. */
  hold(socket: Duplex, timeout: number, onTimeout: () => void): void {
    const end = (): void => {
      onTimeout();
      socket.destroy();
    };
    this.#timers.set(socket, setTimeout(end, timeout).unref());
    socket.once('close', () => this.#forget(socket));
    socket.on('error', () => socket.destroy());
  }

  #forget(socket: Duplex): void {
    clearTimeout(this.#timers.get(socket));
    this.#timers.delete(socket);
  }

  /** Gives on whoever is still there, in the order in which they came. */
  release(give: (socket: Duplex) => void): void {
    for (const socket of this.#timers.keys()) {
      this.#forget(socket);
      if (!socket.destroyed) give(socket);
    }
  }

  /** How many it ended. */
  clear(): number {
    const count = this.#timers.size;
    for (const socket of this.#timers.keys()) socket.destroy();
    return count;
  }
}
