/** What Node has without us. */
import type { RequestListener } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { answer, type ServerSettings } from './settings.ts';

/** mTLS per route, as Node alone does it: everyone is asked, and nobody refused by the handshake. */
export const plainOptions = ({
  credentials: { key, cert, ca },
  mutual,
}: ServerSettings): SecureContextOptions & TlsOptions =>
  mutual ? { key, cert, ca, requestCert: true, rejectUnauthorized: false } : { key, cert };

const body = JSON.stringify(answer);

/** What a framework sends, without one. */
export const plainListener: RequestListener = (_request, response) => {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', body.length);
  response.end(body);
};

export const https = (settings: ServerSettings): Server =>
  createHttpsServer(plainOptions(settings), plainListener);

/** Its compatible API: requests and responses as of HTTP/1.1, which it serves as well. */
export const http2 = (settings: ServerSettings): Server =>
  createSecureServer(
    { ...plainOptions(settings), allowHTTP1: true },
    plainListener as unknown as Parameters<typeof createSecureServer>[1] & object,
  );

/** What stands behind nginx and Caddy. */
export const upstream = (listener: RequestListener): Server => createHttpServer(listener);
