import type { Server } from 'node:net';
import { connect, type ConnectionOptions, type SecureVersion, type TLSSocket } from 'node:tls';
import { RawClient } from './attacks-raw-client.ts';
import { type Answer, Inbox, type Question, request } from './attacks-inbox.ts';

export { type Answer, type Question, request } from './attacks-inbox.ts';
export type { Credentials } from './attacks-raw-client.ts';

export const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

const servers = new Set<Server>();
const wires = new Set<{ close(): void }>();

/** Listens on a free port of this machine; `closeEverything` ends it. */
export async function listen(server: Server): Promise<number> {
  servers.add(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as { port: number }).port;
}

/** For `afterEach`: ends the servers that listen here, and the connections of this side. */
export async function closeEverything(): Promise<void> {
  for (const wire of wires) wire.close();
  wires.clear();
  const ending = [...servers];
  servers.clear();
  await Promise.all(
    ending.map(async (server) => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) (server.closeAllConnections as () => void).call(server);
      });
    }),
  );
}

/**
 * One TLS connection of a client, kept alive, on which a test decides what happens between the requests: what
 * http.Agent hides, as a request that fails is repeated there and a renegotiation is not for users.
 */
export class Wire {
  readonly socket: TLSSocket;
  readonly #inbox = new Inbox();
  #closed = false;
  #ticket: Buffer | undefined;
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    this.socket = socket;
    wires.add(this);
    // TLS 1.3 sends tickets after the handshake, two of them.
    socket.on('session', (ticket) => {
      this.#ticket = ticket;
    });
    socket.on('data', (octets) => {
      this.#inbox.put(octets);
      this.#wake();
    });
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
  }

  /** What resumes this session. Ask for it after the first answer, as by then it has arrived. */
  get ticket(): Buffer {
    const ticket = this.#ticket ?? this.socket.getSession();
    if (ticket === undefined) throw new Error('the server gave no session');
    return ticket;
  }

  get resumed(): boolean {
    return this.socket.isSessionReused();
  }

  /** Writes octets as they are. */
  send(octets: string): void {
    if (!this.#closed) this.socket.write(octets);
  }

  /** One request, and its answer. */
  ask(path: string, question: Question = {}): Promise<Answer> {
    this.send(request(path, question));
    return this.answer();
  }

  /** The next answer. */
  async answer(): Promise<Answer> {
    for (;;) {
      const answer = this.#inbox.take();
      if (answer !== undefined) return answer;
      if (this.#closed) return { status: 'closed', body: '' };
      // oxlint-disable-next-line no-await-in-loop -- octets come one after another
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** A handshake in the connection (TLS 1.2), as the same client; whether it came to an end. */
  renegotiate(): Promise<boolean> {
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve(false));
      try {
        this.socket.renegotiate({}, (error) => resolve(error === null));
      } catch {
        resolve(false);
      }
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** Until the server has ended the connection. */
  async closed(): Promise<void> {
    while ((await this.answer()).status !== 'closed');
  }

  #end(): void {
    this.#closed = true;
    this.#wake();
  }
}

/** A connection whose handshake is over on this side: over TLS 1.3 the server may still refuse the client. */
export function open(port: number, options: ConnectionOptions): Promise<Wire> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
    const wire = new Wire(socket);
    socket.once('secureConnect', () => resolve(wire));
    // A refusal by TLS 1.2 comes before: then the wire is a closed one.
    socket.once('close', () => resolve(wire));
  });
}

/** The same for a client by hand, before any handshake. */
export async function openRaw(port: number): Promise<RawClient> {
  const wire = await RawClient.connect(port);
  wires.add(wire);
  return wire;
}

/** The connection options of a client that speaks one version only. */
export const speaking = (version: SecureVersion): ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
});
