/**
 * The server that is scanned: `node server.js DIRECTORY [client-auth | required] [modern] [http2] [ecdsa | rsa]`. Says
 * its port, and ends with its input. As `default` it is Node's own, with nothing but the certificates.
 */
import { readFileSync } from 'node:fs';
import { createServer as createDefaultServer } from 'node:https';
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

const [directory = '.', ...words] = process.argv.slice(2);
const has = (word: string): boolean => words.includes(word);
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

const keyTypes = ['ecdsa', 'rsa'].filter((type) => has(type) || !(has('ecdsa') || has('rsa')));
const pairs = {
  key: keyTypes.map((type) => read(`${type}.key`)),
  cert: keyTypes.map((type) => read(`${type}.pem`)),
};
const mode = has('required') ? 'required' : has('client-auth') && 'optional';

const server = has('default')
  ? createDefaultServer(pairs, app)
  : createServer(
      {
        ...pairs,
        logger: false,
        http2: has('http2'),
        profile: has('modern') ? 'modern' : 'intermediate',
        ...(mode !== false && { clientAuth: { mode, ca: read('ca.pem') } }),
      },
      app,
    );
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.stdin.resume().on('end', () => process.exit());
