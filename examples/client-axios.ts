import type { AddressInfo } from 'node:net';
import { create, isAxiosError } from 'axios';
import express from 'express';
import { createServer, requireClientCertificate } from 'portcullis';
import { createAgent, PinMismatchError } from 'portcullis/client';
import { createTestPki } from 'portcullis/testing';

// A server that asks for a certificate, and all certificates: yours come from files.
const pki = await createTestPki();
const app = express().use(requireClientCertificate(), (_req, res) => void res.json({ hello: 'axios' }));
const server = createServer(
  { ...pki.server, clientAuth: { mode: 'required', ca: pki.ca }, logger: false },
  app,
);
await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const { key, cert, ca } = pki.clients.good;
const httpsAgent = createAgent({ key, cert, ca });
// A redirect to http:// would go by another agent.
const http = create({ httpsAgent, proxy: false, maxRedirects: 0 });
console.log((await http.get(url)).data);

await httpsAgent.reload({ pins: [`sha256/${'A'.repeat(43)}=`, `sha256/${'B'.repeat(42)}A=`] });
await http.get(url).catch((error: unknown) => {
  // axios wraps what has happened: it is the cause.
  const cause = isAxiosError(error) ? error.cause : error;
  if (cause instanceof PinMismatchError) console.log(cause.code, 'saw', cause.seen);
  else throw error;
});

httpsAgent.destroy();
await server.shutdown({ timeout: 1_000 });
