import { createServer as createPlainServer, type Server, type ServerOptions } from 'node:https';
import { type SecureContextOptions, createSecureContext } from 'node:tls';
import type { Express } from 'express';
import { createServer, type PortcullisServer } from 'portcullis';
import { type Authority, createAuthority } from 'portcullis/pki';
import { createTestPki, type TestClient, type TestPki, type TestServer } from 'portcullis/testing';
import { Certificate } from '../../lib/x509/certificate.ts';
import { readPem } from '../../lib/x509/pem.ts';
import type { Credentials } from './attacks.ts';

/** Two worlds: a's clients are the good ones; b's are good at the virtual host b.test, and where a route trusts b. */
export interface Stage {
  readonly pki: TestPki;
  readonly server: TestServer;
  readonly a: Side;
  readonly b: Side;
  /** A self-signed certificate with the name of an administrator. */
  readonly impostor: TestClient;
}

export interface Side {
  readonly authority: Authority;
  readonly ca: string;
  readonly client: Credentials & { readonly ca: string };
  /** Pins of the client and of its root. */
  readonly pins: readonly string[];
}

/** Everything is made once for a file of tests. */
export async function makeStage(): Promise<Stage> {
  const pki = await createTestPki();
  const names = ['localhost', 'a.test', 'b.test', '127.0.0.1'];
  const [server, other] = await Promise.all([
    pki.issueServer({ names }),
    createAuthority({ subject: 'Root of b' }),
  ]);
  const client = await other.issueClientCertificate({ subject: 'b' });
  return {
    pki,
    server,
    a: {
      authority: pki.authority,
      ca: pki.ca,
      client: pki.clients.good,
      pins: [pinOf(pki.clients.good.certificate), pinOf(pki.ca)],
    },
    b: {
      authority: other,
      ca: other.root,
      client: { key: client.key, cert: client.chain, ca: pki.ca },
      pins: [pinOf(client.certificate), pinOf(other.root)],
    },
    impostor: pki.clients.selfSigned,
  };
}

/** The certificate in a PEM text. */
export const certificateOf = (pem: string): Certificate => new Certificate(readPem(pem)![0]!.der);
export const pinOf = (pem: string): string => certificateOf(pem).pin;

/** Anybody's ticket keys: those of a fleet, or of a server before and after its restart. */
export const ticketKeys: Buffer = Buffer.alloc(48, 7);

/** What a plain server has that leaves it to the routes whom they let in, and whose tickets outlive it. */
export const plainOptions = ({ server, a }: Stage): ServerOptions => ({
  key: server.key,
  cert: server.cert,
  ca: a.ca,
  requestCert: true,
  rejectUnauthorized: false,
  ticketKeys,
});

export const plain = (stage: Stage, app: Express, options: ServerOptions = {}): Server =>
  createPlainServer({ ...plainOptions(stage), ...options }, app);

export const portcullis = (
  { server, a }: Stage,
  app: Express,
  mode: 'optional' | 'required',
): PortcullisServer =>
  createServer({ key: server.key, cert: server.cert, clientAuth: { mode, ca: a.ca }, logger: false }, app);

/** A plain server whose virtual host b.test believes b, and all others a. */
export const virtualHosts: Readonly<
  Record<'addContext' | 'SNICallback', (stage: Stage, app: Express) => Server>
> = {
  addContext: (stage, app) => {
    const server = plain(stage, app);
    server.addContext('a.test', contextOf(stage, 'a'));
    server.addContext('b.test', contextOf(stage, 'b'));
    return server;
  },
  SNICallback: (stage, app) =>
    plain(stage, app, {
      SNICallback: (name, callback) => {
        callback(null, createSecureContext(contextOf(stage, name === 'b.test' ? 'b' : 'a')));
      },
    }),
};

export const contextOf = (stage: Stage, side: 'a' | 'b'): SecureContextOptions => ({
  key: stage.server.key,
  cert: stage.server.cert,
  ca: stage[side].ca,
});
