import { beforeAll, describe, expect, it } from '@jest/globals';
import express, { type RequestHandler, Router } from 'express';
import { requireClientCertificate, requireMatchingHost, requirePin, requireTls } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { X509Certificate } from 'node:crypto';
import { decisionsDuring, keptConnection, listeners, listening, whoAmI } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

const noPins = ['00'.repeat(32), '01'.repeat(32)];
const deny = (): { allow: false; code: 'CLIENT_CERTIFICATE_DENIED'; detail: string } => ({
  allow: false,
  code: 'CLIENT_CERTIFICATE_DENIED',
  detail: 'nobody',
});

/** Each policy with what it says of the good client. */
const policies: ReadonlyArray<[string, (fingerprint: string) => RequestHandler, string | undefined]> = [
  ['requireTls', () => requireTls(), undefined],
  ['requireTls', () => requireTls({ groups: ['secp521r1'] }), 'GROUP_REFUSED'],
  ['requireClientCertificate', () => requireClientCertificate(), undefined],
  ['requireClientCertificate', () => requireClientCertificate(deny), 'CLIENT_CERTIFICATE_DENIED'],
  ['requirePin', (fingerprint) => requirePin([fingerprint, noPins[0]!]), undefined],
  ['requirePin', () => requirePin(noPins), 'PIN_MISMATCH'],
  ['requireMatchingHost', () => requireMatchingHost(), undefined],
];

describe.each(listeners)('on $name', ({ make }) => {
  it.each(policies)(
    '%s tells of whom, where and why it has decided (%#)',
    async (policy, middleware, code) => {
      const { fingerprint256 } = new X509Certificate(pki.clients.good.certificate);
      const router = Router().get('/in', middleware(fingerprint256), whoAmI);
      const app = express().use('/router', router);
      const server = await listening(make(pki, app));
      const client = keptConnection(server, { ...pki.clients.good, servername: 'localhost' });
      const events = await decisionsDuring(() =>
        client.get('/router/in?token=secret#fragment', { Host: 'localhost' }),
      );
      client.close();
      expect(events).toEqual([
        {
          policy,
          outcome: code === undefined ? 'allow' : 'refuse',
          enforced: true,
          code,
          detail: code === undefined ? undefined : events[0]!.detail,
          fingerprint256,
          remoteAddress: '127.0.0.1',
          method: 'GET',
          path: '/router/in',
        },
      ]);
      expect(typeof events[0]!.detail).toBe(code === undefined ? 'undefined' : 'string');
      expect(Object.isFrozen(events[0])).toBe(true);
    },
  );
});

it('tells of nobody without a verified certificate, and nothing of a bad one but why', async () => {
  const app = express().get('/', requireClientCertificate(), whoAmI);
  const server = await listening(listeners[0]!.make(pki, app));
  const events = await decisionsDuring(async () => {
    for (const identity of [{ ca: pki.ca }, pki.clients.unknownCa]) {
      const client = keptConnection(server, identity);
      await client.get('/');
      client.close();
    }
  });
  expect(events.map(({ code, fingerprint256 }) => [code, fingerprint256])).toEqual([
    ['CLIENT_CERTIFICATE_REQUIRED', undefined],
    ['CLIENT_CERTIFICATE_UNTRUSTED', undefined],
  ]);
});

it('is made once for each policy and request, each route for itself', async () => {
  const app = express()
    .use(requireTls(), requireClientCertificate({ reportOnly: true }), requirePin(noPins))
    .get('/', whoAmI);
  const server = await listening(listeners[1]!.make(pki, app));
  const client = keptConnection(server, pki.clients.good);
  const events = await decisionsDuring(async () => {
    await client.get('/');
    await client.get('/');
  });
  client.close();
  const once = [
    ['requireTls', 'allow', true],
    ['requireClientCertificate', 'allow', false],
    ['requirePin', 'refuse', true],
  ];
  expect(events.map(({ policy, outcome, enforced }) => [policy, outcome, enforced])).toEqual([
    ...once,
    ...once,
  ]);
});
