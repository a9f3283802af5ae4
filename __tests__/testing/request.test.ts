import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import {
  createTestPki,
  request,
  type RequestIdentity,
  type RequestOptions,
  type TestPki,
} from 'portcullis/testing';

let pki: TestPki;
const listening = new Set<Server>();

beforeAll(async () => {
  pki = await createTestPki();
});

afterEach(() => {
  for (const server of listening) server.close();
  listening.clear();
});

/** Answers with what the server knows of the client. */
function makeServer(): Server {
  const app = express();
  app.use((req, res, next) => {
    if (req.headers.cookie === undefined) res.cookie('seen', 'yes');
    next();
  });
  app.all('/', (req, res) => {
    const socket = req.socket as TLSSocket;
    res.json({
      authorized: socket.authorized,
      client: socket.getPeerX509Certificate()?.serialNumber ?? null,
      method: req.method,
      cookie: req.headers.cookie ?? null,
      port: socket.remotePort,
    });
  });
  return createServer({ ...pki.server, ca: pki.ca, requestCert: true, rejectUnauthorized: false }, app);
}

async function listen(server: Server): Promise<Server> {
  listening.add(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return server;
}

describe('request(server)', () => {
  it('comes as the client it was told, to a server that does not listen yet', async () => {
    const server = makeServer();
    const { serialNumber } = new X509Certificate(pki.clients.good.certificate);
    const { body } = await request(server).as(pki.clients.good).get('/').expect(200);
    expect(body).toMatchObject({ authorized: true, client: serialNumber });
    expect(server.listening).toBe(false);
  });

  it('comes as the client it was told, to a server that listens, and leaves it listening', async () => {
    const server = await listen(makeServer());
    const { body } = await request(server).as(pki.clients.spiffe).get('/').expect(200);
    expect(body).toMatchObject({ authorized: true, client: pki.clients.spiffe.serialNumber });
    expect(server.listening).toBe(true);
  });

  it('comes as one client after the other, each with its own certificate', async () => {
    const server = await listen(makeServer());
    const base = request(server, { ca: pki.ca });
    const [good, expired, nobody] = await Promise.all([
      base.as(pki.clients.good).get('/'),
      base.as(pki.clients.expired).get('/'),
      base.get('/'),
    ]);
    expect(good.body).toMatchObject({ authorized: true, client: pki.clients.good.serialNumber });
    expect(expired.body).toMatchObject({ authorized: false, client: pki.clients.expired.serialNumber });
    expect(nobody.body).toMatchObject({ authorized: false, client: null });
  });

  it('can change its mind as to whom it comes as', async () => {
    const { body } = await request(makeServer()).as(pki.clients.expired).as(pki.clients.good).get('/');
    expect(body).toMatchObject({ authorized: true, client: pki.clients.good.serialNumber });
  });

  it('goes on trusting whom it was told where a client trusts nobody', async () => {
    const { key, cert, serialNumber } = pki.clients.good;
    const { body } = await request(makeServer(), { ca: pki.ca }).as({ key, cert }).get('/');
    expect(body).toMatchObject({ authorized: true, client: serialNumber });
  });

  it('opens a new connection for each request', async () => {
    const server = await listen(makeServer());
    const agent = request(server).as(pki.clients.good);
    const first = await agent.get('/');
    const second = await agent.get('/');
    const ports = [first, second].map(({ body }) => (body as { port: number }).port);
    expect(ports[0]).not.toBe(ports[1]);
    expect(ports).not.toContain((server.address() as AddressInfo).port);
  });

  it('is supertest’s agent: it has methods, expectations and cookies of its own', async () => {
    const server = await listen(makeServer());
    const agent = request(server).as(pki.clients.good);
    const first = await agent.post('/').expect('Content-Type', /json/).expect(200);
    expect(first.body).toMatchObject({ method: 'POST', cookie: null });
    const second = await agent.delete('/').expect(200);
    expect(second.body).toMatchObject({ method: 'DELETE', cookie: 'seen=yes' });
    const other = await agent.as(pki.clients.good).get('/');
    expect(other.body).toMatchObject({ cookie: null });
    await expect(agent.get('/').expect(404)).rejects.toThrow('expected 404 "Not Found", got 200 "OK"');
  });

  it('verifies the server: without a CA, with another one, and for a name that it does not have', async () => {
    const other = await createTestPki();
    await expect(request(makeServer()).get('/')).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    await expect(request(makeServer(), { ca: other.ca }).get('/')).rejects.toMatchObject({
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
    });
    const elsewhere = createServer(await pki.issueServer({ names: ['api.example.org'] }));
    await expect(request(elsewhere, { ca: pki.ca }).get('/')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('refuses a client that is not there, as one misspelt', () => {
    const { gud } = pki.clients as unknown as { gud: RequestIdentity };
    expect(() => request(makeServer()).as(gud)).toThrow(/as: got undefined/);
  });

  it('refuses an option that it does not know', () => {
    expect(() => request(makeServer(), { cas: pki.ca } as RequestOptions)).toThrow(
      expect.objectContaining({ code: 'OPTION_UNKNOWN', remedy: "Did you mean 'ca'?" }),
    );
  });
});
