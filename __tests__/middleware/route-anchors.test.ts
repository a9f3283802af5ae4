import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { requireClientCertificate, requirePin } from 'portcullis';
import { type Authority, createAuthority } from 'portcullis/pki';
import {
  createTestPki,
  recordDecisions,
  request,
  type RequestIdentity,
  type TestPki,
} from 'portcullis/testing';
import { issuerOf, oddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { generalName } from '../support/odd-names.ts';
import { everywhere, keptConnection, listeners, listening, places, plainServer, whoAmI } from './harness.ts';

let pki: TestPki;
let partners: Authority;
let partner: RequestIdentity;

beforeAll(async () => {
  pki = await createTestPki();
  partners = await createAuthority({ subject: 'Partners' });
  partner = await clientOf(partners, 'partner');
});

async function clientOf(authority: Authority, name: string): Promise<RequestIdentity> {
  const { key, chain } = await authority.issueClientCertificate({ subject: name });
  return { key, cert: chain, ca: pki.ca };
}

describe.each(listeners)("a route's own anchors on $name", ({ make }) => {
  it.each(places)(
    "let in at %s whom the listener does not know, and not the listener's clients",
    async (place) => {
      const server = await listening(make(pki, everywhere(requireClientCertificate({ ca: partners.root }))));
      const { body } = await request(server).as(partner).get(place).expect(200);
      expect(body).toMatchObject({ name: 'partner' });
      const events = await recordDecisions(() => request(server).as(pki.clients.good).get(place).expect(403));
      expect(events).toMatchObject([{ code: 'CLIENT_CERTIFICATE_UNTRUSTED' }]);
    },
  );

  it('tell each bad client by its own code', async () => {
    const app = everywhere(requireClientCertificate({ ca: pki.ca }));
    const server = await listening(make(pki, app));
    const { good, expired, notYetValid, wrongPurpose, unknownCa, selfSigned } = pki.clients;
    const events = await recordDecisions(async () => {
      for (const client of [good, expired, notYetValid, wrongPurpose, unknownCa, selfSigned])
        await request(server).as(client).get('/app');
      await request(server, { ca: pki.ca }).get('/app');
    });
    expect(events.map(({ code }) => code)).toEqual([
      undefined,
      'CLIENT_CERTIFICATE_EXPIRED',
      'CLIENT_CERTIFICATE_NOT_YET_VALID',
      'CLIENT_CERTIFICATE_PURPOSE',
      'CLIENT_CERTIFICATE_UNTRUSTED',
      'CLIENT_CERTIFICATE_UNTRUSTED',
      'CLIENT_CERTIFICATE_REQUIRED',
    ]);
  });
});

it('may be an intermediate: only its clients pass, not those of its root or of a sister', async () => {
  const [ours, theirs] = await Promise.all([
    pki.authority.issueIntermediate({ subject: 'Ours' }),
    pki.authority.issueIntermediate({ subject: 'Theirs' }),
  ]);
  const app = everywhere(requireClientCertificate({ ca: ours.certificate }));
  const server = await listening(plainServer(pki, app));
  const statuses: number[] = [];
  for (const client of [await clientOf(ours, 'ours'), await clientOf(theirs, 'theirs'), pki.clients.good])
    statuses.push((await request(server).as(client).get('/app')).status);
  expect(statuses).toEqual([200, 403, 403]);
});

it('are not deceived by a root of the same name', async () => {
  const impostor = await createAuthority({ subject: 'Partners' });
  const server = plainServer(pki, everywhere(requireClientCertificate({ ca: partners.root })));
  const events = await recordDecisions(async () =>
    request(server)
      .as(await clientOf(impostor, 'partner'))
      .get('/app')
      .expect(403),
  );
  expect(events).toMatchObject([{ code: 'CLIENT_CERTIFICATE_UNTRUSTED' }]);
});

it('judge name constraints', async () => {
  const constrained = await createAuthority({
    subject: 'Constrained',
    nameConstraints: { permitted: { dns: ['example.org'] } },
  });
  const { key, chain } = await constrained.issueClientCertificate({ names: { dns: ['a.example.org'] } });
  const outside = oddCertificate({
    issuer: issuerOf(constrained),
    extensions: { subjectAltName: extension.subjectAltName([generalName.dns('a.example.com')]) },
  });
  const server = plainServer(pki, everywhere(requireClientCertificate({ ca: constrained.root })));
  await request(server).as({ key, cert: chain, ca: pki.ca }).get('/app').expect(200);
  const events = await recordDecisions(() =>
    request(server).as({ key: outside.key, cert: outside.certificate, ca: pki.ca }).get('/app').expect(403),
  );
  expect(events).toMatchObject([
    { code: 'CLIENT_CERTIFICATE_UNTRUSTED', detail: expect.stringMatching(/name constraints/) },
  ]);
});

it('are asked again at each request: one route after the other on one connection', async () => {
  const app = express()
    .get('/partners', requireClientCertificate({ ca: partners.root }), whoAmI)
    .get('/ours', requireClientCertificate(), whoAmI)
    .get('/both', requireClientCertificate({ ca: [partners.root, pki.ca] }), whoAmI);
  const server = await listening(plainServer(pki, app));
  const { get, close } = keptConnection(server, partner);
  const statuses: number[] = [];
  for (const path of ['/partners', '/ours', '/both', '/ours', '/partners'])
    statuses.push((await get(path)).status);
  expect(statuses).toEqual([200, 403, 200, 403, 200]);
  close();
});

it('open nothing further on: a partner of one route is no client of the listener, and a pin goes by the route', async () => {
  const enter = requireClientCertificate({ ca: partners.root });
  const leaf = new X509Certificate(partner.cert);
  const app = express()
    .get('/then-certificate', enter, requireClientCertificate(), whoAmI)
    .get('/then-pin', enter, requirePin([leaf.fingerprint256, 'ab'.repeat(32)]), whoAmI);
  const server = await listening(plainServer(pki, app));
  await request(server).as(partner).get('/then-certificate').expect(403);
  await request(server).as(partner).get('/then-pin').expect(200);
});

it('open nothing where they only report: the next policy sees the client as the listener does', async () => {
  const report = requireClientCertificate({ ca: partners.root, reportOnly: true });
  const app = express()
    .get('/then-certificate', report, requireClientCertificate(), whoAmI)
    .get(
      '/then-pin',
      report,
      requirePin([`sha256/${Buffer.alloc(32).toString('base64')}`, 'ab'.repeat(32)]),
      whoAmI,
    )
    .get('/then-nothing', report, whoAmI);
  const server = await listening(plainServer(pki, app));
  const events = await recordDecisions(async () => {
    await request(server).as(partner).get('/then-certificate').expect(403);
    await request(server).as(partner).get('/then-pin').expect(403);
    const { body } = await request(server).as(partner).get('/then-nothing').expect(200);
    expect(body.tls).not.toHaveProperty('clientCertificate');
  });
  // The report itself tells whom it would have let in.
  expect(events.filter(({ enforced }) => !enforced)).toEqual(
    Array.from({ length: 3 }, () =>
      expect.objectContaining({
        outcome: 'allow',
        fingerprint256: expect.stringMatching(/^(?:[0-9A-F]{2}:){31}/),
      }),
    ),
  );
  expect(events.filter(({ enforced }) => enforced).map(({ code }) => code)).toEqual([
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ]);
});

it('leave no trace of a client whom the rule refuses', async () => {
  const app = express().get(
    '/',
    requireClientCertificate({
      ca: partners.root,
      allow: () => ({ allow: false, code: 'CLIENT_CERTIFICATE_DENIED', detail: 'not this one' }),
    }),
    whoAmI,
  );
  app.use(((_error, incoming, response, _next) => {
    response.json({ certificate: incoming.tls?.clientCertificate ?? null });
  }) as express.ErrorRequestHandler);
  const { body } = await request(plainServer(pki, app)).as(partner).get('/').expect(200);
  expect(body).toEqual({ certificate: null });
});
