import express from 'express';
import {
  createServer,
  type DenyListEntry,
  type PortcullisOptions,
  requireClientCertificate,
} from 'portcullis';
import { type SecureVersion, TLSSocket } from 'node:tls';
import { jest } from '@jest/globals';
import type { IssuedCertificate } from 'portcullis/pki';
import type { TestPki } from 'portcullis/testing';
import type { PortcullisServer } from '../../lib/listener/server.ts';
import type { CertificateInputs } from '../../lib/trust/anchors.ts';
import type { RevocationListInputs } from '../../lib/trust/revocation/crl-input.ts';
import { listen, open, speaking, type Wire } from '../support/attacks.ts';

/** `/in` lets in who is verified, `/route` who is verified to `routeCa`; errors are told by their code. */
export function appOf(routeCa?: string): express.Express {
  const app = express();
  app.get('/open', (_request, response) => void response.send('open'));
  const enter: express.RequestHandler = (request, response) =>
    void response.send(`in: ${request.tls!.clientCertificate!.subject['CN']?.join() ?? 'nameless'}`);
  app.get('/in', requireClientCertificate(), enter);
  if (routeCa !== undefined) app.get('/route', requireClientCertificate({ ca: routeCa }), enter);
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

export interface ClientAuth {
  readonly mode?: 'optional' | 'required';
  readonly ca: CertificateInputs;
  readonly crl?: RevocationListInputs;
  readonly revocation?: object;
  readonly denyList?: readonly DenyListEntry[];
}

/** A server of the test's PKI, and a client's way to it. */
export async function start(
  pki: TestPki,
  clientAuth: ClientAuth,
  app: express.Express = appOf(),
  more: Pick<PortcullisOptions, 'logger' | 'watch'> = {},
): Promise<{
  readonly server: PortcullisServer;
  readonly connect: (
    client: Pick<IssuedCertificate, 'key' | 'chain'>,
    version: SecureVersion,
  ) => Promise<Wire>;
}> {
  const server = createServer(
    { ...pki.server, clientAuth: { mode: 'optional', ...clientAuth }, logger: false, ...more },
    app,
  );
  const port = await listen(server);
  return {
    server,
    connect: ({ key, chain }, version) => open(port, { ...speaking(version), ca: pki.ca, key, cert: chain }),
  };
}

/** What the client gets on a new connection, over both versions of TLS, which must be the same. */
export async function ask(
  pki: TestPki,
  clientAuth: ClientAuth,
  client: Pick<IssuedCertificate, 'key' | 'chain'>,
  path = '/in',
  app: express.Express = appOf(),
): Promise<string> {
  const { connect } = await start(pki, clientAuth, app);
  const wires = await Promise.all([connect(client, 'TLSv1.2'), connect(client, 'TLSv1.3')]);
  const answers = await Promise.all(wires.map((wire) => wire.ask(path)));
  const told = new Set(answers.map(({ status, body }) => (status === 'closed' ? 'closed' : body)));
  return [...told].join(' | ');
}

/** Node 24.21 tells nothing of what clients of the server sent; here every Node, until the mocks are restored. */
export function hideIntermediates(server: PortcullisServer): void {
  const { port } = server.address() as { port: number };
  const real = Object.getOwnPropertyDescriptor(TLSSocket.prototype, 'getPeerCertificate')!.value as (
    this: TLSSocket,
    detailed: boolean,
  ) => never;
  const realX509 = Object.getOwnPropertyDescriptor(TLSSocket.prototype, 'getPeerX509Certificate')!.value as (
    this: TLSSocket,
  ) => never;
  jest.spyOn(TLSSocket.prototype, 'getPeerCertificate').mockImplementation(function (this: TLSSocket) {
    return this.localPort === port ? ({} as never) : real.call(this, true);
  });
  jest.spyOn(TLSSocket.prototype, 'getPeerX509Certificate').mockImplementation(function (this: TLSSocket) {
    return this.localPort === port ? undefined : realX509.call(this);
  });
}
