import type { AddressInfo } from 'node:net';
import express from 'express';
import { got, RequestError } from 'got';
import { createServer, requireClientCertificate } from 'portcullis';
import { CertificateVerificationError, createAgent } from 'portcullis/client';
import { createTestPki } from 'portcullis/testing';

// A server that asks for a certificate, and all certificates: yours come from files.
const [pki, stranger] = await Promise.all([createTestPki(), createTestPki()]);
const app = express().use(requireClientCertificate(), (_req, res) => void res.json({ hello: 'got' }));
const server = createServer(
  { ...pki.server, clientAuth: { mode: 'required', ca: pki.ca }, logger: false },
  app,
);
await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const { key, cert, ca } = pki.clients.good;
const https = createAgent({ key, cert, ca });
// got's own `https` options would be passed over: the agent decides.
console.log(await got(url, { agent: { https } }).json());

const elsewhere = createAgent({ ca: stranger.ca });
await got(url, { agent: { https: elsewhere }, retry: { limit: 0 } }).catch((error: unknown) => {
  // got wraps what has happened: it is the cause.
  const cause = error instanceof RequestError ? error.cause : error;
  if (cause instanceof CertificateVerificationError) console.log(cause.code, cause.reason);
  else throw error;
});

https.destroy();
elsewhere.destroy();
await server.shutdown({ timeout: 1_000 });
