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
const agent = createAgent({ key, cert, ca });
// got's own `https` options would be passed over: the agent decides. Not with `http2: true`, where it is never asked.
// A redirect to http:// would go in plaintext: the agent, given for that as well, refuses it.
const http = got.extend({ agent: { https: agent, http: agent }, followRedirect: false });
console.log(await http(url).json());

const elsewhere = createAgent({ ca: stranger.ca });
await http(url, { agent: { https: elsewhere, http: elsewhere }, retry: { limit: 0 } }).catch(
  (error: unknown) => {
    // got wraps what has happened: it is the cause.
    const cause = error instanceof RequestError ? error.cause : error;
    if (cause instanceof CertificateVerificationError) console.log(cause.code, cause.reason);
    else throw error;
  },
);

agent.destroy();
elsewhere.destroy();
await server.shutdown({ timeout: 1_000 });
