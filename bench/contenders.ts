import { createServer as createHttpsServer, type Server } from 'node:https';
import express, { type Express } from 'express';
import helmet from 'helmet';
import {
  type ClientAuthOptions,
  createServer,
  exposeTls,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  securityHeaders,
} from '../lib/index.ts';

/** What a server needs, in PEM; as a message to the child process. */
export interface Credentials {
  readonly key: string;
  readonly cert: string;
  /** The clients' root. */
  readonly ca: string;
  readonly pins: readonly string[];
  /** Of the clients' root, with 100,000 entries. */
  readonly crl: string;
}

export type ContenderName = 'express' | 'express + helmet' | 'portcullis' | 'portcullis + CRL';

/** The servers that are compared. All ask for a client certificate, and answer the same. */
export const contenders: Readonly<Record<ContenderName, (credentials: Credentials) => Server>> = {
  express: (credentials) => createHttpsServer(plainOptions(credentials), addRoute(express())),
  'express + helmet': (credentials) =>
    createHttpsServer(plainOptions(credentials), addRoute(express().use(helmet()))),
  portcullis: (credentials) => portcullis(credentials, {}),
  'portcullis + CRL': (credentials) => portcullis(credentials, { crl: credentials.crl }),
};

const portcullis = (
  { key, cert, ca, pins }: Credentials,
  revocation: Pick<ClientAuthOptions, 'crl'>,
): Server =>
  createServer(
    { key, cert, clientAuth: { mode: 'optional', ca, ...revocation } },
    addRoute(
      express().use(
        exposeTls(),
        securityHeaders(),
        requireMatchingHost(),
        requireClientCertificate(),
        requirePin(pins),
      ),
    ),
  );

/** mTLS per route, as Node alone does it: everyone is asked, and nobody refused by the handshake. */
const plainOptions = ({ key, cert, ca }: Credentials): object => ({
  key,
  cert,
  ca,
  requestCert: true,
  rejectUnauthorized: false,
});

const addRoute = (app: Express): Express =>
  app.get('/', (_request, response) => void response.json({ hello: 'world' }));
