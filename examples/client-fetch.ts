import type { AddressInfo } from 'node:net';
import express from 'express';
import { createServer, requireClientCertificate } from 'portcullis';
import { createFetch, HostnameMismatchError } from 'portcullis/client';
import { createTestPki } from 'portcullis/testing';

// A server that asks for a certificate, and all certificates: yours come from files.
const pki = await createTestPki();
const app = express().use(requireClientCertificate(), (_req, res) => void res.json({ hello: 'fetch' }));
const clientAuth = { mode: 'required', ca: pki.ca } as const;
const server = createServer({ ...pki.server, clientAuth, http2: true, logger: false }, app);
await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
const { port } = server.address() as AddressInfo;

const { key, cert, ca } = pki.clients.good;
const verifiedFetch = createFetch({ key, cert, ca, http2: true });
const response = await verifiedFetch(`https://127.0.0.1:${port}/`);
console.log(await response.json());

const strictFetch = createFetch({ key, cert, ca, servername: 'api.example.org' });
await strictFetch(`https://127.0.0.1:${port}/`).catch((error: unknown) => {
  if (error instanceof HostnameMismatchError) console.log(error.code, 'expected', error.expected);
  else throw error;
});

await Promise.all([verifiedFetch.close(), strictFetch.close()]);
await server.shutdown({ timeout: 1_000 });
