import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import {
  Agent,
  createServer as createPlainServer,
  request,
  type Server,
  type ServerOptions,
} from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, expect } from '@jest/globals';
import express, { type Express, type RequestHandler, Router } from 'express';
import { ConfigError, type ConfigErrorCode, createServer, type TlsState } from 'portcullis';
import type { TestPki } from 'portcullis/testing';

const opened: Array<Server | HttpServer> = [];

afterAll(() => {
  for (const server of opened) {
    server.close();
    server.closeAllConnections();
  }
});

/** Listens on a free port of 127.0.0.1 until the file's tests are over. */
export async function listening<S extends Server | HttpServer>(server: S): Promise<S> {
  opened.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export const portOf = (server: Server | HttpServer): number => (server.address() as AddressInfo).port;

/** A plain server that asks for certificates, admits whatever comes and leaves the rest to the routes. */
export const plainServer = (pki: TestPki, app: Express, options: ServerOptions = {}): Server =>
  createPlainServer(
    { ...pki.server, ca: pki.ca, requestCert: true, rejectUnauthorized: false, ...options },
    app,
  );

interface Listener {
  readonly name: string;
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly make: (pki: TestPki, app: Express) => Server;
}

/** Both servers in both versions, each asking for a certificate. */
export const listeners: readonly Listener[] = (['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) => [
  {
    name: `a PortcullisServer over ${version}`,
    version,
    make: (pki, app) =>
      createServer(
        {
          ...pki.server,
          clientAuth: { mode: 'optional', ca: pki.ca },
          ...(version === 'TLSv1.2' ? { dangerouslyMaxVersion: version } : { minVersion: version }),
        },
        app,
      ),
  },
  {
    name: `a plain https.Server over ${version}`,
    version,
    make: (pki, app) => plainServer(pki, app, { minVersion: version, maxVersion: version }),
  },
]);

/** The paths under which `everywhere` puts a middleware. */
export const places = ['/app', '/router/in/it', '/sub/in/it'] as const;

/** The same middleware in an app, in a Router and in a mounted sub-app. Who passes is told who he is. */
export function everywhere(middleware: RequestHandler): Express {
  const app = express();
  const router = Router();
  const sub = express();
  app.get('/app', middleware, whoAmI);
  router.get('/in/it', middleware, whoAmI);
  sub.use(middleware).get('/in/it', whoAmI);
  return app.use('/router', router).use('/sub', sub);
}

/** Answers with the facts, and with the name of the verified client. */
export const whoAmI: RequestHandler = (incoming, response) => {
  const { tls } = incoming;
  response.json({ passed: true, hasTls: tls !== undefined, name: nameOf(tls), tls });
};

const nameOf = (tls: TlsState | undefined): string | undefined =>
  tls?.clientCertificate?.subject['CN']?.join('+');

export interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export interface Client {
  readonly get: (path: string, headers?: Record<string, string>, method?: string) => Promise<Reply>;
  readonly close: () => void;
}

/** A client that keeps one connection for all its requests. */
export function keptConnection(server: Server, options: ConnectionOptions): Client {
  const agent = new Agent({ ...options, keepAlive: true, maxSockets: 1 });
  return {
    get: (path, headers = {}, method = 'GET') =>
      new Promise((settle, fail) => {
        const outgoing = request(
          { host: '127.0.0.1', port: portOf(server), method, path, headers, agent },
          (incoming) => {
            let body = '';
            incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
            incoming.on('end', () =>
              settle({ status: incoming.statusCode!, headers: incoming.headers, body }),
            );
          },
        );
        outgoing.on('error', fail);
        outgoing.end();
      }),
    close: () => agent.destroy(),
  };
}

/** Sends `text` as it is over TLS and gives all that comes back until the server closes. */
export async function sendRaw(
  server: Server,
  text: string,
  { onSession, ...options }: ConnectionOptions & { readonly onSession?: (ticket: Buffer) => void },
): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: portOf(server), ...options });
  if (onSession) socket.on('session', onSession);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

/** What `make` throws, which must be a ConfigError with a path and a remedy. */
export function configErrorOf(make: () => unknown): { code: ConfigErrorCode; path: string; remedy: string } {
  let thrown: unknown;
  try {
    make();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigError);
  const { code, path, remedy } = thrown as ConfigError;
  expect(remedy).toMatch(/\.$|\?$/);
  return { code, path, remedy };
}
