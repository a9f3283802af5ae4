import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What becomes of what is said to Redis: it is passed on, and the answer too, or late; nobody answers; the answer is one
 * that Redis could give to another question; it is none of its protocol.
 */
export type FrontMode = 'pass' | 'slow' | 'silent' | 'wrong' | 'garbage';

const answers = { wrong: '$5\r\nhello\r\n', garbage: '\u0000\u00ff{"no":"redis"}\r\n\r\n' } as const;
/** Milliseconds, well below what anybody waits for. */
const lateness = 150;

/** Stands before a Redis, and does to it what networks, proxies and sick servers do. */
export class RedisFront {
  readonly #folder = mkdtempSync(join(tmpdir(), 'portcullis-front-'));
  readonly socket: string = join(this.#folder, 'front.sock');
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #mode: FrontMode = 'pass';

  constructor(redis: string) {
    this.#server = createServer((client) => {
      this.#keep(client);
      const mode = this.#mode;
      if (mode === 'silent') client.resume();
      else if (mode === 'pass' || mode === 'slow') this.#pass(client, connect(redis), mode === 'slow');
      else client.on('data', () => client.write(answers[mode], 'latin1'));
    });
  }

  #pass(client: Socket, upstream: Socket, isSlow: boolean): void {
    this.#keep(upstream);
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (isSlow) setTimeout(() => client.writable && client.write(chunk), lateness);
      else client.write(chunk);
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#open.delete(socket));
  }

  async start(mode: FrontMode): Promise<void> {
    this.#mode = mode;
    this.#server.listen(this.socket);
    await once(this.#server, 'listening');
  }

  /** For those who come from now on, after all have been cut. */
  turn(mode: FrontMode): void {
    this.#mode = mode;
    for (const socket of this.#open) socket.destroy();
  }

  async remove(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
