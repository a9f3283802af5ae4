/** The server that is scanned: `node server.js DIRECTORY [client-auth]`. Says its port, and ends with its input. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import {
  createServer,
  exposeTls,
  problemDetails,
  requireClientCertificate,
  securityHeaders,
} from 'portcullis';

const [directory = '.', mode] = process.argv.slice(2);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

const app = express();
app.use(securityHeaders(), exposeTls());
app.get('/', (_request, response) => {
  response.type('html').send('<!doctype html><html lang="en"><title>Scanned</title><p>Scanned</p></html>');
});
app.get('/admin', requireClientCertificate(), (request, response) => {
  response.json(request.tls);
});
app.use(problemDetails());

const server = createServer(
  {
    logger: false,
    key: [read('ecdsa.key'), read('rsa.key')],
    cert: [read('ecdsa.pem'), read('rsa.pem')],
    ...(mode === 'client-auth' && { clientAuth: { mode: 'optional', ca: read('ca.pem') } }),
  },
  app,
);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.stdin.resume().on('end', () => process.exit());
