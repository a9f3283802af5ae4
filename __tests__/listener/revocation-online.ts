import express from 'express';
import {
  createServer,
  type PortcullisOptions,
  requireClientCertificate,
  type RevocationOptions,
} from 'portcullis';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { SecureVersion } from 'node:tls';
import type { PortcullisServer } from '../../lib/listener/server.ts';
import { listen, open, speaking } from '../support/attacks.ts';
import type { OddCertificate } from '../support/odd-certificates.ts';
import { ocspServer } from '../support/ocsp.ts';
import { overHttp2 } from './http2-harness.ts';

const server = ocspServer();

/** `/open` is for everybody, `/in` for verified clients; `/seen` tells what `req.tls` shows. Errors are told by their code. */
export function appOf(more: (app: express.Express) => void = () => {}): express.Express {
  const app = express();
  app.get('/open', (_request, response) => void response.send('open'));
  app.get('/in', requireClientCertificate(), (_request, response) => void response.send('in'));
  app.get('/seen', ({ tls }, response) => {
    response.send(tls!.clientCertificate?.subject['CN']?.join() ?? tls!.clientCertificateError?.code);
  });
  app.post('/in', requireClientCertificate(), express.text(), (request, response) => {
    response.send(`in: ${request.body}`);
  });
  more(app);
  app.use(
    (
      error: { status: number; code: string },
      _request: express.Request,
      response: express.Response,
      _next: express.NextFunction,
    ) => void response.status(error.status).send(error.code),
  );
  return app;
}

export interface Started {
  readonly server: PortcullisServer;
  readonly port: number;
  readonly options: PortcullisOptions;
}

/** A listener over both protocols, whose clients this CA issues. */
export async function start(
  ca: OddCertificate,
  revocation: RevocationOptions,
  mode: 'optional' | 'required' = 'optional',
  app: express.Express = appOf(),
  more: Partial<PortcullisOptions> = {},
): Promise<Started> {
  const options: PortcullisOptions = {
    key: server.key,
    cert: server.chain,
    http2: true,
    logger: false,
    clientAuth: { mode, ca: ca.certificate, revocation },
    ...more,
  };
  const listener = createServer(options, app);
  return { server: listener, port: await listen(listener), options };
}

/** What a client gets for a path on its open connection: the body, a code, or `closed`. */
export type Ask = (path: string) => Promise<string>;

/** One connection for each version of HTTP and TLS; kept open. */
export const ways: ReadonlyArray<readonly [http: 'h1' | 'h2', tls: SecureVersion]> = [
  ['h1', 'TLSv1.2'],
  ['h1', 'TLSv1.3'],
  ['h2', 'TLSv1.2'],
  ['h2', 'TLSv1.3'],
];

export async function connect(
  { port }: Started,
  client: OddCertificate,
  [http, tls]: (typeof ways)[number] = ways[1]!,
): Promise<Ask> {
  const options = {
    ...speaking(tls),
    key: client.key,
    cert: client.certificate,
    servername: 'localhost',
    rejectUnauthorized: false,
  };
  if (http === 'h1') {
    const wire = await open(port, options);
    return async (path) => textOf(await wire.ask(path));
  }
  const session = connectHttp2(`https://127.0.0.1:${port}`, options);
  sessions.push(session);
  session.on('error', () => {});
  // A client that is refused by the handshake never sees the settings.
  await new Promise<void>(
    (resolve) => void session.once('remoteSettings', () => resolve()).once('close', resolve),
  );
  return async (path) => {
    try {
      const { status, body } = await overHttp2(session, { path, headers: { ':authority': 'localhost' } });
      return textOf({ status, body: body.toString() });
    } catch {
      return 'closed';
    }
  };
}

const sessions: ClientHttp2Session[] = [];

/** For `afterEach`, before the servers are closed. */
export function closeWays(): void {
  for (const session of sessions.splice(0)) session.destroy();
}

/** A refusal by the listener itself is a problem document. */
function textOf({ status, body }: { status: number | 'closed'; body: string }): string {
  if (status === 'closed') return 'closed';
  return body.startsWith('{') ? (JSON.parse(body) as { code: string }).code : body;
}
