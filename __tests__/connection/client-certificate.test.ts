import { createHash, X509Certificate } from 'node:crypto';
import { beforeAll, expect, it } from '@jest/globals';
import type { ClientCertificate } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { isClientCertificate } from '../../lib/connection/index.ts';
import { guarded, plain } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

async function seenBy(make: typeof plain | typeof guarded, client: object): Promise<ClientCertificate> {
  const { connect } =
    make === guarded
      ? await guarded(pki, { clientAuth: { mode: 'optional', ca: pki.ca } })
      : await plain(pki, { ca: pki.ca, requestCert: true, rejectUnauthorized: false });
  const { facts, client: socket } = await connect(client);
  socket.destroy();
  return facts.clientCertificate!;
}

it.each([
  ['a PortcullisServer', guarded],
  ['a plain server', plain],
])('tells on %s what Node reads of the same certificate', async (_name, make) => {
  const seen = await seenBy(make, pki.clients.good);
  const x509 = new X509Certificate(pki.clients.good.certificate);
  const spki = x509.publicKey.export({ type: 'spki', format: 'der' });
  expect(seen).toMatchObject({
    subject: { O: ['Example'], CN: ['good'] },
    issuer: { O: ['Portcullis tests'], CN: ['Test root'] },
    serialNumber: x509.serialNumber,
    notBefore: new Date(x509.validFrom),
    notAfter: new Date(x509.validTo),
    subjectAltNames: { dns: [], uri: [], email: ['good@example.org'], ip: [] },
    spiffeId: undefined,
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    certificatePolicies: [],
    publicKey: { type: 'ec', bits: 256, curve: 'prime256v1' },
    fingerprint256: x509.fingerprint256,
    pin: `sha256/${createHash('sha256').update(spki).digest('base64')}`,
    thumbprint: createHash('sha256').update(x509.raw).digest('base64url'),
    pem: pki.clients.good.certificate,
  });
  expect(seen.chain.map(({ pem }) => pem)).toEqual([pki.ca]);
  expect(seen.chain.every(isClientCertificate)).toBe(true);
});

it('finds the SPIFFE ID of an SVID without a subject', async () => {
  const seen = await seenBy(guarded, pki.clients.spiffe);
  expect(seen).toMatchObject({ subject: {}, spiffeId: 'spiffe://example.org/workload' });
});

it('has no SPIFFE ID where a second URI makes it ambiguous', async () => {
  const uri = ['spiffe://example.org/a', 'https://example.org/'];
  const seen = await seenBy(guarded, await pki.issueClient({ names: { uri } }));
  expect(seen.subjectAltNames.uri).toEqual(uri);
  expect(seen.spiffeId).toBeUndefined();
});

it('is one object for all connections of a client, and cannot be made by anybody else', async () => {
  const { connect } = await guarded(pki, { clientAuth: { mode: 'optional', ca: pki.ca } });
  const [first, second] = [await connect(pki.clients.good), await connect(pki.clients.good)];
  const certificate = first.facts.clientCertificate!;
  expect(second.facts.clientCertificate).toBe(certificate);
  expect(isClientCertificate(certificate)).toBe(true);
  for (const forged of [
    { ...certificate },
    structuredClone({ ...certificate }),
    Object.create(certificate),
    null,
    'good',
  ])
    expect(isClientCertificate(forged)).toBe(false);
  first.client.destroy();
  second.client.destroy();
});
