import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Server, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { EventTypes } from 'portcullis';

const open: Server[] = [];
const sockets: Socket[] = [];
const recordings: Array<{ stop(): void }> = [];

/** Listens on a free port of 127.0.0.1 until `closeAll`. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  open.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** For `afterEach`: nothing that a test opened outlives it. */
export async function closeAll(): Promise<void> {
  for (const recording of recordings.splice(0)) recording.stop();
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(
    open.splice(0).map(async (server) => {
      if ('closeAllConnections' in server)
        (server as unknown as { closeAllConnections(): void }).closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    }),
  );
  // What failed by this is published two turns of the loop later, and is nobody's business in the next test.
  for (let turn = 0; turn < 3; turn++) await new Promise((settle) => setImmediate(settle));
}

/** A client's finished handshake. It trusts everybody: whom the client believes is not tested here. */
export async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return socket;
}

/** The code with which a client's handshake failed. */
export async function failedHandshake(port: number, options: ConnectionOptions = {}): Promise<string> {
  try {
    await handshake(port, options);
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  throw new Error('the handshake did not fail');
}

/** Sends octets without TLS, and what came back until the end. */
export async function plain(port: number, octets: Buffer | string): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(octets);
  return received(socket);
}

/** Everything that arrives until the other side closes. */
export async function received(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await ended(socket);
  return text;
}

/** Until the socket is closed, by whomever; unlike `once`, a reset is no failure. */
export async function ended(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((settle) => socket.once('close', () => settle()));
}

/** Sends lines of HTTP over a handshake of its own; gives the whole answer. */
export async function exchange(
  port: number,
  lines: readonly string[],
  options: ConnectionOptions = {},
): Promise<string> {
  const socket = await handshake(port, options);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return received(socket);
}

/** What is published on a channel from now on, until `closeAll`. */
export class Recording<Name extends keyof EventTypes> {
  readonly events: Array<EventTypes[Name]> = [];
  readonly #name: Name;
  #wake: () => void = () => {};

  constructor(name: Name) {
    this.#name = name;
    subscribe(name, this.#record);
    recordings.push(this);
  }

  readonly #record = (event: unknown): void => {
    this.events.push(event as EventTypes[Name]);
    this.#wake();
  };

  /** The `count`th event, when it is there. */
  async take(count = 1): Promise<EventTypes[Name]> {
    while (this.events.length < count) await new Promise<void>((wake) => (this.#wake = wake));
    return this.events[count - 1]!;
  }

  stop(): void {
    unsubscribe(this.#name, this.#record);
  }
}
