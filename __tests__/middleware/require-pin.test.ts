import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, it, jest } from '@jest/globals';
import express from 'express';
import {
  type ClientCertificate,
  createServer,
  exposeTls,
  requireClientCertificate,
  requirePin,
} from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { configErrorOf, everywhere, listeners, listening, places, plainServer, whoAmI } from './harness.ts';
import { expect } from '../support/matchers.ts';

const backup = `sha256/${Buffer.alloc(32, 7).toString('base64')}`;

let pki: TestPki;
/** The good client as the server sees it. */
let good: ClientCertificate;
let warnings: jest.SpiedFunction<typeof process.emitWarning>;

beforeAll(async () => {
  pki = await createTestPki();
  const { body } = await request(plainServer(pki, everywhere(exposeTls())))
    .as(pki.clients.good)
    .get('/app');
  good = body.tls.clientCertificate;
});

beforeEach(() => {
  warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => warnings.mockRestore());

describe.each(listeners)('requirePin() on $name', ({ make }) => {
  it.each(places)('lets the pinned client pass at %s, and nobody else', async (place) => {
    const server = await listening(make(pki, everywhere(requirePin([good.pin, backup]))));
    const { body } = await request(server).as(pki.clients.good).get(place).expect(200);
    expect(body).toMatchObject({ name: 'good' });
    expect(await request(server).as(pki.clients.spiffe).get(place).expect(403)).toBeRefusedWith(
      'PIN_MISMATCH',
    );
    expect(await request(server, { pki }).get(place).expect(403)).toBeRefusedWith(
      'CLIENT_CERTIFICATE_REQUIRED',
    );
  });
});

it.each(places)('refuses plain HTTP at %s', async (place) => {
  const { decisions } = await request(createHttpServer(everywhere(requirePin([good.pin, backup]))))
    .get(place)
    .expect(403);
  expect(decisions).toMatchObject([{ policy: 'requirePin', code: 'TLS_REQUIRED' }]);
});

it('takes the fingerprint of the certificate as well, in any of its spellings', async () => {
  const spellings = [
    good.fingerprint256,
    good.fingerprint256.toLowerCase(),
    good.fingerprint256.replaceAll(':', ''),
    `sha256:${good.fingerprint256.replaceAll(':', '').toLowerCase()}`,
  ];
  const app = express();
  spellings.forEach((spelling, index) => app.get(`/${index}`, requirePin([spelling, backup]), whoAmI));
  const server = await listening(plainServer(pki, app));
  const statuses = await Promise.all(
    spellings.map(async (_, index) => (await request(server).as(pki.clients.good).get(`/${index}`)).status),
  );
  expect(statuses).toEqual(spellings.map(() => 200));
});

it('lets a renewed certificate of the pinned key pass, where a fingerprint does not', async () => {
  const publicKey = createPublicKey(pki.clients.good.key).export({ type: 'spki', format: 'pem' }).toString();
  const renewed = await pki.authority.issueClientCertificate({ publicKey, subject: 'renewed' });
  const client = { key: pki.clients.good.key, cert: renewed.chain, ca: pki.ca };
  const app = express()
    .get('/key', requirePin([good.pin, backup]), whoAmI)
    .get('/certificate', requirePin([good.fingerprint256, backup]), whoAmI);
  const server = await listening(plainServer(pki, app));
  expect((await request(server).as(client).get('/key')).status).toBe(200);
  expect((await request(server).as(client).get('/certificate')).status).toBe(403);
});

it('narrows trust and never widens it: a pinned certificate that nobody vouches for is refused', async () => {
  const { certificate } = pki.clients.selfSigned;
  const app = everywhere(requirePin([pinOf(certificate), fingerprintOf(certificate)]));
  for (const { make } of listeners) {
    const answer = await request(make(pki, app)).as(pki.clients.selfSigned).get('/app').expect(403);
    expect(answer).toBeRefusedWith('CLIENT_CERTIFICATE_UNTRUSTED');
  }
});

describe('on the chain', () => {
  it("accepts the pin of any issuer of the verified path, which on the leaf's own counts for nothing", async () => {
    const intermediate = await pki.authority.issueIntermediate({ subject: 'Pinned intermediate' });
    const issued = await intermediate.issueClientCertificate({ subject: 'below' });
    const client = { key: issued.key, cert: issued.chain, ca: pki.ca };
    const app = express()
      .get('/root', requirePin([pinOf(pki.ca), backup], { on: 'chain' }), whoAmI)
      .get('/intermediate', requirePin([pinOf(intermediate.certificate), backup], { on: 'chain' }), whoAmI)
      .get('/leaf', requirePin([pinOf(issued.certificate), backup], { on: 'chain' }), whoAmI)
      .get('/root-on-leaf', requirePin([pinOf(pki.ca), backup], { on: 'leaf' }), whoAmI)
      .get('/by-default', requirePin([pinOf(pki.ca), backup]), whoAmI);
    // The intermediate is in `ca`, as Node 24.21 does not tell what the client sent.
    const server = await listening(plainServer(pki, app, { ca: [pki.ca, intermediate.certificate] }));
    const statuses: Record<string, number> = {};
    for (const path of ['root', 'intermediate', 'leaf', 'root-on-leaf', 'by-default'])
      statuses[path] = (await request(server).as(client).get(`/${path}`)).status;
    expect(statuses).toEqual({
      root: 200,
      intermediate: 200,
      leaf: 200,
      'root-on-leaf': 403,
      'by-default': 403,
    });
  });

  it.each(['createServer', 'plain'])(
    'does not count a pinned CA that the client merely sends along (%s)',
    async (kind) => {
      const other = await createAuthority({ subject: 'Another root' });
      const { key, chain } = await other.issueClientCertificate({ subject: 'liar' });
      const app = everywhere(requirePin([pinOf(pki.ca), backup], { on: 'chain' }));
      const ca = [pki.ca, other.root];
      const server =
        kind === 'plain'
          ? plainServer(pki, app, { ca })
          : createServer({ ...pki.server, clientAuth: { mode: 'optional', ca } }, app);
      const client = { key, cert: `${chain}${pki.ca}`, ca: pki.ca };
      expect(await request(server).as(client).get('/app').expect(403)).toBeRefusedWith('PIN_MISMATCH');
    },
  );
});

it("judges the client as the route's own anchors have verified it", async () => {
  const other = await createAuthority({ subject: 'Partner' });
  const { key, chain } = await other.issueClientCertificate({ subject: 'partner' });
  const pin = requirePin([pinOf(other.root), backup], { on: 'chain' });
  const app = express()
    .get('/partner', requireClientCertificate({ ca: other.root }), pin, whoAmI)
    .get('/alone', pin, whoAmI);
  const server = await listening(plainServer(pki, app));
  const client = { key, cert: chain, ca: pki.ca };
  const { body } = await request(server).as(client).get('/partner').expect(200);
  expect(body.name).toBe('partner');
  await request(server).as(client).get('/alone').expect(403);
});

it('publishes and lets pass with reportOnly', async () => {
  const server = plainServer(pki, everywhere(requirePin([backup, good.pin], { reportOnly: true })));
  const { decisions } = await request(server).as(pki.clients.spiffe).get('/app').expect(200);
  expect(decisions).toMatchObject([
    { policy: 'requirePin', outcome: 'refuse', enforced: false, code: 'PIN_MISMATCH' },
  ]);
});

it('warns where there is no backup pin, and only there', () => {
  requirePin([good.pin, backup]);
  expect(warnings).not.toHaveBeenCalled();
  requirePin(good.pin);
  requirePin([good.pin]);
  requirePin([good.pin, good.pin]);
  expect(warnings.mock.calls.map(([, options]) => options)).toEqual(
    Array.from({ length: 3 }, () => ({ code: 'PORTCULLIS_NO_BACKUP_PIN' })),
  );
});

it.each<[unknown[], string, string]>([
  [[[]], 'PIN_INVALID', 'requirePin.pins'],
  [[undefined], 'PIN_INVALID', 'requirePin.pins'],
  [[[backup, 'sha256/short=']], 'PIN_INVALID', 'requirePin.pins[1]'],
  [[[backup, undefined]], 'PIN_INVALID', 'requirePin.pins[1]'],
  [[[backup], { on: 'root' }], 'OPTION_INVALID', 'requirePin.on'],
  [[[backup], { On: 'leaf' }], 'OPTION_UNKNOWN', 'requirePin.On'],
  [[[backup], { reportOnly: 1 }], 'OPTION_INVALID', 'requirePin.reportOnly'],
  [[[backup], 'chain'], 'OPTION_INVALID', 'requirePin'],
])('does not take %j: %s at %s', (args, code, path) => {
  expect(configErrorOf(() => requirePin(...(args as [string])))).toMatchObject({ code, path });
});

/** By Node's own means, as a user would. */
function pinOf(pem: string): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;
