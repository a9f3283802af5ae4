import type { Server } from 'node:https';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type Express } from 'express';
import {
  allOf,
  anyOf,
  certificatePolicy,
  createServer,
  type Decision,
  extendedKeyUsage,
  fingerprint,
  issuedBy,
  issuer,
  not,
  pin,
  publicKey,
  requireClientCertificate,
  rule,
  type Rule,
  san,
  serialNumber,
  spiffe,
  subject,
} from 'portcullis';
import { createTestPki, recordDecisions, type TestClient, type TestPki } from 'portcullis/testing';
import { closeSessions, openSession, overHttp2 } from '../listener/http2-harness.ts';
import { keptConnection, listening, plainServer, portOf } from './harness.ts';

let pki: TestPki;
let other: TestPki;
/** Has a name of every kind. */
let named: TestClient;

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

beforeAll(async () => {
  [pki, other] = await Promise.all([createTestPki(), createTestPki()]);
  named = await pki.issueClient({
    subject: { CN: 'alice', O: 'Example', OU: 'billing' },
    names: {
      dns: ['a.example.org'],
      email: ['alice@example.org'],
      uri: ['spiffe://example.org/ns/prod/sa/web'],
      ip: ['10.1.2.3'],
    },
  });
});
afterEach(closeSessions);

const spkiPin = (certificate: string): Promise<string> =>
  crypto.subtle
    .digest('SHA-256', new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .then((digest) => `sha256/${Buffer.from(digest).toString('base64')}`);

interface Doors {
  /** Let `named` in. */
  readonly open: Readonly<Record<string, Rule>>;
  /** Do not. */
  readonly shut: Readonly<Record<string, Rule>>;
}

async function doors(): Promise<Doors> {
  const { certificate } = named;
  const { fingerprint256, serialNumber: serial } = new X509Certificate(certificate);
  const [ours, theirs] = await Promise.all([spkiPin(certificate), spkiPin(pki.clients.good.certificate)]);
  const open: Record<string, Rule> = {
    subject: subject({ CN: 'alice', O: ['Other', 'Example'] }),
    issuer: issuer({ CN: 'Test root' }),
    issuedBy: issuedBy(pki.ca),
    dns: san.dns('*.example.org'),
    email: san.email('alice@EXAMPLE.org'),
    uri: san.uri('spiffe://example.org/ns/prod/sa/web'),
    ip: san.ip('10.0.0.0/8'),
    id: spiffe.id('spiffe://example.org/ns/prod/sa/web'),
    memberOf: spiffe.memberOf('example.org'),
    path: spiffe.path('/ns/*/sa/web'),
    fingerprint: fingerprint(fingerprint256),
    pin: pin(ours),
    serialNumber: serialNumber(serial.toLowerCase()),
    extendedKeyUsage: extendedKeyUsage('1.3.6.1.5.5.7.3.2'),
    publicKey: publicKey({ type: 'ec', minBits: 256 }),
    rule: rule('alice', ({ subject: { CN = [] } }) => CN.includes('alice')),
    asked: rule('asked', async (_certificate, { tls, request }) => request.url === '/asked' && !tls.resumed),
  };
  const shut: Record<string, Rule> = {
    noSubject: subject({ CN: 'alice', OU: 'admins' }),
    noIssuer: issuer({ CN: 'Test roo' }),
    noIssuedBy: issuedBy(other.ca),
    noDns: san.dns('*.a.example.org'),
    noEmail: san.email('ALICE@example.org'),
    noUri: san.uri('spiffe://example.org/ns/prod/sa/WEB'),
    noIp: san.ip('10.0.0.0/16'),
    noId: spiffe.id('spiffe://example.org/ns/prod/sa/web2'),
    noMember: spiffe.memberOf('example.com'),
    noPath: spiffe.path('/ns/*/web'),
    noFingerprint: fingerprint('00'.repeat(32)),
    noPin: pin(theirs),
    noSerialNumber: serialNumber('01'),
    noUsage: extendedKeyUsage('1.3.6.1.5.5.7.3.1'),
    noPolicy: certificatePolicy('1.2.3'),
    noKey: publicKey({ type: 'rsa' }),
    noRule: rule('nobody', () => false),
    notAsked: rule('not asked', async () => false),
  };
  return {
    open: {
      ...open,
      all: allOf(...Object.values(open).slice(0, -1)),
      any: anyOf(...Object.values(shut), open['dns']!),
    },
    shut: { ...shut, none: anyOf(...Object.values(shut)), not: not(open['all'] ?? open['dns']!) },
  };
}

function appOf({ open, shut }: Doors): Express {
  const app = express().set('env', 'test');
  for (const [path, allowed] of Object.entries({ ...open, ...shut }))
    app.get(`/${path}`, requireClientCertificate(allowed), (_incoming, response) => void response.send('in'));
  return app;
}

describe.each([
  [
    'a PortcullisServer',
    (app: Express): Server =>
      createServer(
        { ...pki.server, http2: true, logger: false, clientAuth: { mode: 'optional', ca: pki.ca } },
        app,
      ),
  ],
  ['a plain https.Server', (app: Express): Server => plainServer(pki, app)],
] as const)('at %s', (name, make) => {
  const protocols =
    name === 'a PortcullisServer' ? (['HTTP/1.1', 'HTTP/2'] as const) : (['HTTP/1.1'] as const);

  it('every rule opens its door, and says to the operator alone why another stays shut', async () => {
    const { open, shut } = await doors();
    const server = await listening(make(appOf({ open, shut })));
    const paths = [...Object.keys(open), ...Object.keys(shut)].map((path) => `/${path}`);
    for (const version of versions) {
      for (const protocol of protocols) {
        const client = { ...named, minVersion: version, maxVersion: version };
        const answers: Array<readonly [string, number, string]> = [];
        const events = await recordDecisions(async () => {
          if (protocol === 'HTTP/2') {
            const session = await openSession(portOf(server), client);
            for (const path of paths) {
              const { status, body } = await overHttp2(session, { path });
              answers.push([path, status, body.toString()]);
            }
          } else {
            const kept = keptConnection(server, client);
            for (const path of paths) {
              const { status, body } = await kept.get(path);
              answers.push([path, status, body]);
            }
            kept.close();
          }
        });
        const opened = answers.filter(([, status]) => status === 200).map(([path]) => path.slice(1));
        expect(opened).toEqual(Object.keys(open));
        const refused = answers.filter(([, status]) => status === 403);
        expect(refused).toHaveLength(Object.keys(shut).length);
        // Of what the certificate holds nothing goes to the client.
        for (const [, , body] of refused)
          expect(body).not.toMatch(/alice|example\.(org|com)|sha256|Test roo/);
        expect(events).toHaveLength(paths.length);
        for (const { outcome, code, detail, rule: told } of events) {
          expect(told).toMatch(/^[a-zA-Z.]+\(/);
          if (outcome === 'allow') continue;
          expect(code).toBe('CLIENT_CERTIFICATE_DENIED');
          expect(detail).toMatch(/expected .*(saw|refuses)|was answered with false|none of/);
        }
      }
    }
  });
});

describe('a rule that asks elsewhere', () => {
  const ask = async (allowed: Rule, options: object = {}): Promise<number> => {
    const app = express().set('env', 'test');
    app.get(
      '/',
      requireClientCertificate({ allow: allowed, ...options }),
      (_incoming, response) => void response.send('in'),
    );
    const server = await listening(
      createServer({ ...pki.server, logger: false, clientAuth: { mode: 'optional', ca: pki.ca } }, app),
    );
    const kept = keptConnection(server, named);
    const { status } = await kept.get('/');
    kept.close();
    return status;
  };

  it('refuses once its time is over', async () => {
    const events = await recordDecisions(async () => {
      expect(await ask(() => new Promise<Decision>(() => {}), { timeout: 1 })).toBe(403);
    });
    expect(events).toMatchObject([
      { code: 'CLIENT_CERTIFICATE_DENIED', detail: 'the rule has failed: it gave no answer within 1 ms' },
    ]);
  });

  it('does not let in whom a reload has revoked meanwhile', async () => {
    const { revoked } = pki.clients;
    const app = express().set('env', 'test');
    const server = createServer(
      { ...pki.server, logger: false, clientAuth: { mode: 'optional', ca: pki.ca } },
      app,
    );
    const slow = rule('slow', async () => {
      await server.reload({ clientAuth: { mode: 'optional', ca: pki.ca, crl: pki.crl } });
      return true;
    });
    app.get('/', requireClientCertificate(slow), (_incoming, response) => void response.send('in'));
    await listening(server);
    const kept = keptConnection(server, revoked);
    const events = await recordDecisions(async () => expect((await kept.get('/')).status).toBe(403));
    kept.close();
    expect(events).toMatchObject([{ code: 'CLIENT_CERTIFICATE_REVOKED' }]);
  });

  it('lets in by a kept connection whom a reload still trusts', async () => {
    const app = express().set('env', 'test');
    const server = createServer(
      { ...pki.server, logger: false, clientAuth: { mode: 'optional', ca: pki.ca } },
      app,
    );
    const allowed = allOf(issuedBy(pki.ca), san.dns('a.example.org'));
    app.get('/', requireClientCertificate(allowed), (_incoming, response) => void response.send('in'));
    await listening(server);
    const kept = keptConnection(server, named);
    expect((await kept.get('/')).status).toBe(200);
    await server.reload({ clientAuth: { mode: 'optional', ca: [other.ca, pki.ca] } });
    expect((await kept.get('/')).status).toBe(200);
    await server.reload({ clientAuth: { mode: 'optional', ca: other.ca } });
    expect((await kept.get('/')).status).toBe(403);
    kept.close();
  });
});
