import { once } from 'node:events';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, denyList, forUpgrade, requireClientCertificate, rule } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { X509Certificate } from 'node:crypto';
import { plainServer } from '../middleware/harness.ts';
import { askUpgrade, echoOf, socketOf, webSockets } from '../middleware/upgrade-harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

/** Asks elsewhere, as a rule does that has a database. */
const known = rule('known', () => new Promise<boolean>((settle) => setImmediate(() => settle(true))));
const hundred = Array.from({ length: 100 }, (_, index) => `${index}`);

describe.each([
  [
    'a PortcullisServer',
    () =>
      createServer({ ...pki.server, clientAuth: { mode: 'optional', ca: pki.ca }, logger: false }, express()),
  ],
  ['a plain https.Server', () => plainServer(pki, express())],
] as const)('a hundred WebSockets at once on %s', (_name, make) => {
  it('open, and a hundred others are refused', async () => {
    const { server, verdicts } = await webSockets(make(), forUpgrade(requireClientCertificate(known)));
    const good = hundred.map((text) => {
      const client = socketOf(server, pki.clients.good);
      return echoOf(client, text).finally(() => client.terminate());
    });
    const bad = hundred.map(async () => (await askUpgrade(server, pki.clients.unknownCa)).status);
    expect(await Promise.all(good)).toEqual(hundred);
    expect(await Promise.all(bad)).toEqual(hundred.map(() => 403));
    const passed = (await Promise.all(verdicts)).filter(Boolean);
    expect([verdicts.length, passed.length]).toEqual([200, 100]);
  });
});

it('a hundred open WebSockets of a client are cut when it is denied, and a hundred others are not', async () => {
  const list = denyList();
  const clientAuth = { mode: 'optional', ca: pki.ca, denyList: list } as const;
  const server = createServer({ ...pki.server, clientAuth, logger: false }, express());
  await webSockets(server, forUpgrade(requireClientCertificate(known)));
  const [good, bad] = [pki.clients.good, pki.clients.spiffe].map((client) =>
    hundred.map(() => socketOf(server, client)),
  );
  await Promise.all([...good!, ...bad!].map((client) => echoOf(client, 'open')));
  const cut = Promise.all(bad!.map((client) => once(client, 'close')));
  list.add({ fingerprint256: new X509Certificate(pki.clients.spiffe.certificate).fingerprint256 });
  await cut;
  expect(await Promise.all(good!.map((client) => echoOf(client, 'still')))).toEqual(
    hundred.map(() => 'still'),
  );
  for (const client of good!) client.terminate();
});
