import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, jest } from '@jest/globals';
import { type Limits, readLimits } from '../../lib/listener/connections/limits.ts';
import { createRedirect, type RedirectedListener } from '../../lib/listener/redirect/redirect.ts';
import { readRedirect, type RedirectOptions } from '../../lib/listener/redirect/redirect-options.ts';
import { closeAll, listen, plain } from './harness.ts';

const sockets: Socket[] = [];

/** What the redirects have logged since the last `closeRedirects`. */
export const warn: jest.Mock<(message: string) => void> = jest.fn<(message: string) => void>();

/** For `afterEach`. */
export async function closeRedirects(): Promise<void> {
  jest.useRealTimers();
  warn.mockReset();
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeAll();
}

/** Time stands still from now on, but for what sockets and promises need. */
export const stopTime = (): void => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
};

export interface Setting extends Partial<RedirectOptions> {
  readonly names?: RedirectedListener['names'];
  readonly listenerPort?: number | undefined;
  /** With some, slow clients are looked for every 10 ms. */
  readonly limits?: Partial<Limits>;
}

/** A redirect to a listener on 443 with a certificate of two names and two addresses. */
export function redirectOf(setting: Setting = {}): Server {
  const { names, listenerPort, limits, ...options } = { listenerPort: 443, ...setting };
  const certified = ['example.org', '*.example.org', '192.0.2.7', '2001:db8::1'];
  return createRedirect(readRedirect({ port: 0, ...options })!, {
    names: names ?? (() => certified),
    httpsPort: () => listenerPort,
    limits: readLimits({ limits }),
    logger: { info: () => undefined, warn },
    ...(limits === undefined ? {} : { connectionsCheckingInterval: 10 }),
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The only answer on a connection, and what is true of every one. */
export function parse(text: string): Answer {
  const [, status, lines, body] = /^HTTP\/1\.1 (\d{3}) [A-Za-z ]+\r\n([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(
    text,
  )!;
  const headers = Object.fromEntries(
    lines!.split('\r\n').map((line): [string, string] => {
      const [, name, value] = /^([A-Za-z-]+): ([\x20-\x7e]*)$/.exec(line)!;
      return [name!.toLowerCase(), value!];
    }),
  );
  expect(headers).toMatchObject({ connection: 'close', 'x-content-type-options': 'nosniff' });
  expect(headers['cache-control']).toBe(status === '308' ? undefined : 'no-store');
  for (const name of ['strict-transport-security', 'x-powered-by', 'server', 'set-cookie'])
    expect(headers).not.toHaveProperty(name);
  if (body !== '') expect(headers['content-length']).toBe(String(body!.length));
  return { status: Number(status), headers, body: body! };
}

export const portOf = async (server: Server): Promise<number> =>
  server.listening ? (server.address() as AddressInfo).port : listen(server);

/** Sends octets over a connection of their own, and waits for the other side to close it. */
export const ask = async (server: Server, octets: Buffer | string): Promise<Answer> =>
  parse(await plain(await portOf(server), octets));

/** Where a request is sent by a 308. */
export async function location(server: Server, octets: string): Promise<string | undefined> {
  const { status, headers } = await ask(server, octets);
  expect(status).toBe(308);
  return headers['location'];
}

/** A connection on which both sides wait. */
export async function open(server: Server): Promise<Socket> {
  const port = await portOf(server);
  const taken = once(server, 'connection');
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await Promise.all([once(socket, 'connect'), taken]);
  return socket;
}

export const request = (target: string, host = 'example.org', method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

export const badRequest: Partial<Answer> = { status: 400, body: 'Bad Request\n' };
