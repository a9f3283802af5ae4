/** Express on Node's own server, as people do it. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:https';
import type { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { plainOptions } from './node-servers.ts';
import { answer, type ServerSettings } from './settings.ts';

export const addRoute = (app: Express): Express =>
  app.get('/', (_request, response) => void response.json(answer));

export const expressApp = (...middleware: RequestHandler[]): Express => {
  const app = express();
  for (const each of middleware) app.use(each);
  return addRoute(app);
};

export const onHttps = (settings: ServerSettings, ...middleware: RequestHandler[]): Server =>
  createServer(plainOptions(settings), expressApp(...middleware));

export const withHelmet = (settings: ServerSettings, ...middleware: RequestHandler[]): Server =>
  onHttps(settings, helmet(), ...middleware);

/** The peer of that name, with a callback that does next to nothing. */
export async function clientCertificateAuth(): Promise<RequestHandler> {
  const { default: make } = await import('client-certificate-auth');
  return make(({ subject }) => subject.O === 'Example');
}

/** A check as it is found in many a service: the certificate and its chain anew for every request, and their hash. */
export const naiveCheck: RequestHandler = (request, response, next) => {
  const socket = request.socket as TLSSocket;
  const { raw } = socket.getPeerCertificate(true);
  if (!socket.authorized || raw === undefined) {
    response.sendStatus(403);
    return;
  }
  response.locals['fingerprint'] = createHash('sha256').update(raw).digest('hex');
  next();
};
