import { createServer as createHttpServer } from 'node:http';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import { createServer, exposeTls } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { everywhere, listeners, listening, places, plainServer, whoAmI } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

describe.each(listeners)('exposeTls() on $name', ({ make, version }) => {
  it.each(places)('shows the facts of the connection at %s', async (place) => {
    const server = make(pki, everywhere(exposeTls()));
    const { body } = await request(server).as(pki.clients.good).get(place).expect(200);
    expect(body).toMatchObject({
      name: 'good',
      tls: { source: 'socket', protocol: version, resumed: false, clientCertificate: { chain: [{}] } },
    });
  });

  it('refuses nobody: a client without a certificate, and one whose certificate is not accepted', async () => {
    const server = await listening(make(pki, everywhere(exposeTls())));
    const nobody = await request(server, { ca: pki.ca }).get('/app').expect(200);
    expect(nobody.body.tls).not.toHaveProperty('clientCertificate');
    expect(nobody.body.tls).not.toHaveProperty('clientCertificateError');
    const stranger = await request(server).as(pki.clients.unknownCa).get('/app').expect(200);
    expect(stranger.body.tls).not.toHaveProperty('clientCertificate');
    expect(stranger.body.tls.clientCertificateError).toMatchObject({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
  });
});

it('shows nothing over plain HTTP, whatever a header or an earlier middleware claims', async () => {
  const app = express().set('trust proxy', true);
  app.use((incoming, _response, next) => {
    Object.assign(incoming, {
      tls: { protocol: 'TLSv1.3', clientCertificate: { subject: { CN: ['admin'] } } },
    });
    next();
  });
  app.get('/', exposeTls(), (incoming, response) => {
    response.json({ secure: incoming.secure, has: 'tls' in incoming });
  });
  const { body } = await request(createHttpServer(app))
    .get('/')
    .set('X-Forwarded-Proto', 'https')
    .expect(200);
  expect(body).toEqual({ secure: true, has: false });
});

it('overwrites an object that only looks like the facts', async () => {
  const app = express();
  app.use((incoming, _response, next) => {
    Object.assign(incoming, { tls: { clientCertificate: { subject: { CN: ['admin'] } } } });
    next();
  });
  app.get('/', exposeTls(), whoAmI);
  const { body } = await request(createServer({ ...pki.server }, app), { ca: pki.ca }).get('/');
  expect(body).toMatchObject({ tls: { source: 'socket' } });
  expect(body).not.toHaveProperty('name');
});

it('no longer shows a certificate that has expired during the connection, nor one that is not valid any more yet', async () => {
  const server = await listening(listeners[1]!.make(pki, everywhere(exposeTls())));
  const kept = request(server).as(pki.clients.good).keepAlive();
  const now = jest.spyOn(Date, 'now');
  try {
    const at = async (days: number): Promise<string | undefined> => {
      now.mockReturnValue(new Date().getTime() + days * 86_400_000);
      const { tls } = (await kept.get('/app')).body;
      return tls.clientCertificateError?.code ?? tls.clientCertificate.subject.CN[0];
    };
    expect(await at(0)).toBe('good');
    expect(await at(1000)).toBe('CLIENT_CERTIFICATE_EXPIRED');
    expect(await at(-100)).toBe('CLIENT_CERTIFICATE_NOT_YET_VALID');
    expect(await at(1)).toBe('good');
  } finally {
    now.mockRestore();
    kept.close();
  }
});

it('gives all requests of a connection the same object, and another connection another one', async () => {
  const seen: unknown[] = [];
  const app = express().get('/', exposeTls(), (incoming, response) => {
    seen.push(incoming.tls);
    response.end();
  });
  const server = await listening(plainServer(pki, app));
  const first = request(server).as(pki.clients.good).keepAlive();
  const second = first.keepAlive();
  await first.get('/');
  await first.get('/');
  await second.get('/');
  expect(seen[1]).toBe(seen[0]);
  expect(seen[2]).not.toBe(seen[0]);
  first.close();
  second.close();
});
