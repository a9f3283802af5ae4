import type { AddressInfo } from 'node:net';
import { create, isAxiosError } from 'axios';
import express from 'express';
import { createServer, requireClientCertificate } from 'portcullis';
import { createAgent, createFetch, PinMismatchError } from 'portcullis/client';
import { createTestPki } from 'portcullis/testing';

// A server that asks for a certificate, and all certificates: yours come from files.
const pki = await createTestPki();
const app = express().use(requireClientCertificate(), (_req, res) => void res.json({ hello: 'axios' }));
const server = createServer(
  { ...pki.server, clientAuth: { mode: 'required', ca: pki.ca }, http2: true, logger: false },
  app,
);
await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const { key, cert, ca } = pki.clients.good;
const httpsAgent = createAgent({ key, cert, ca });
// A redirect to http:// would go by another agent: this one refuses it. A proxy would bring an agent of its own.
const http = create({ httpsAgent, httpAgent: httpsAgent, proxy: false, maxRedirects: 0 });
console.log((await http.get(url)).data);

await httpsAgent.reload({ pins: [`sha256/${'A'.repeat(43)}=`, `sha256/${'B'.repeat(42)}A=`] });
await http.get(url).catch((error: unknown) => {
  // axios wraps what has happened: it is the cause.
  const cause = isAxiosError(error) ? error.cause : error;
  if (cause instanceof PinMismatchError) console.log(cause.code, 'saw', cause.seen);
  else throw error;
});

// Over HTTP/2, of which an agent knows nothing.
const verifiedFetch = createFetch({ key, cert, ca, http2: true });
const modern = create({ adapter: 'fetch', env: { fetch: verifiedFetch } });
console.log((await modern.get(url)).data);

await verifiedFetch.close();
httpsAgent.destroy();
await server.shutdown({ timeout: 1_000 });
