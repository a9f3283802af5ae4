import type { Server } from 'node:http';

/**
 * Starts and stops the plain listener together with the https one. Between `listen()` and 'listening' there is nothing
 * yet that could be closed: one that is stopped by then is closed as soon as it comes up.
 */
export class Companion {
  readonly #server: Server;
  #wanted = false;
  #starting = false;

  constructor(server: Server) {
    this.#server = server;
    // Before those of the users, who would see it listen where it must not.
    server.prependListener('listening', () => this.#onListening());
    server.on('error', () => (this.#starting = false));
  }

  /** Undefined `host`: all addresses. Nothing where it listens already, or is about to. */
  start(port: number, host: string | undefined): void {
    this.#wanted = true;
    if (this.#starting || this.#server.listening) return;
    this.#starting = true;
    this.#server.listen({ port, ...(host !== undefined && { host }) });
  }

  stop(): void {
    this.#wanted = false;
    if (!this.#server.listening) return;
    // Bound, but not told yet: Node does not emit 'listening' any more.
    this.#starting = false;
    this.#server.close();
  }

  #onListening(): void {
    this.#starting = false;
    if (!this.#wanted) this.#server.close();
  }
}
