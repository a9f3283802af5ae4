/** The whole stack with client certificates, as it is installed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express from 'express';
import {
  createServer,
  exposeTls,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  securityHeaders,
} from 'portcullis';
import { tellStarted } from './start.ts';

const folder = process.argv[2]!;
const pinOf = (byte: number): string => `sha256/${Buffer.alloc(32, byte).toString('base64')}`;
const app = express();
app.use(
  exposeTls(),
  securityHeaders(),
  requireMatchingHost(),
  requireClientCertificate(),
  requirePin([pinOf(1), pinOf(2)]),
);
app.get('/', (_request, response) => void response.json({ hello: 'world' }));
const key = readFileSync(join(folder, 'server.key'));
const cert = readFileSync(join(folder, 'server.pem'));
const ca = readFileSync(join(folder, 'ca.pem'));
createServer({ key, cert, clientAuth: { mode: 'optional', ca }, logger: false }, app).listen(
  0,
  '127.0.0.1',
  tellStarted,
);
