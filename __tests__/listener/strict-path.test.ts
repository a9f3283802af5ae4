import { createServer as createPlainServer } from 'node:https';
import type { SecureVersion } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { type ClientAuthOptions, createServer, requireClientCertificate } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { recordDecisions } from 'portcullis/testing';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { oddAuthority, oddCertificate, type OddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { commonName, generalName, name } from '../support/odd-names.ts';
import { configErrorOf } from '../middleware/harness.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';

const authority = await createAuthority();
const { key, chain: cert } = await authority.issueServerCertificate({ names: ['localhost'] });
const permitted = [generalName.dns('example.org')];
const root = oddAuthority({
  extensions: { nameConstraints: extension.nameConstraints({ permitted }) },
});
const ca = root.certificate;
const explain: ErrorRequestHandler = (
  error: { status: number; code: string },
  _incoming,
  response,
  _next,
) => {
  response.status(error.status).json({ ...error, message: String(error) });
};
const appOf = (route = requireClientCertificate({ ca })): Express =>
  express()
    .get('/listener', requireClientCertificate(), (_incoming, response) => void response.end('in'))
    .get('/route', route, (_incoming, response) => void response.end('in'))
    .use(explain);
const guarded = (clientAuth: ClientAuthOptions, app = appOf()): ReturnType<typeof createServer> =>
  createServer({ key, cert, clientAuth, http2: true, logger: false }, app);

const strict = guarded({ mode: 'optional', ca });
const ports = {
  guarded: await listen(strict),
  plain: await listen(
    createPlainServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }, appOf()),
  ),
};

afterEach(closeSessions);
afterAll(closeEverything);

const leafOf = (overrides: Parameters<typeof oddCertificate>[0] = {}): OddCertificate =>
  oddCertificate({ issuer: root, ...overrides });
const names = (...of: Buffer[]): Buffer => extension.subjectAltName(of);
const cases: ReadonlyArray<readonly [string, string, OddCertificate]> = [
  ['a good one', 'in', leafOf({ extensions: { subjectAltName: names(generalName.dns('a.example.org')) } })],
  [
    'one outside of its name constraints',
    'name-constraints',
    leafOf({ extensions: { subjectAltName: names(generalName.dns('a.example.com')) } }),
  ],
  [
    'one whose constrained name is none',
    'name-constraints',
    leafOf({ extensions: { subjectAltName: names(generalName.dns('.example.org')) } }),
  ],
  ['version 1', 'old-version', leafOf({ version: 1 })],
  ['serial number zero', 'serial-number', leafOf({ serialNumber: Buffer.of(0) })],
  ['a serial number of 21 octets', 'serial-number', leafOf({ serialNumber: Buffer.alloc(21, 1) })],
  ['no authority key identifier', 'missing-key-identifier', leafOf({ extensions: { authorityKeyId: null } })],
  [
    'CA:true',
    'purpose',
    leafOf({ extensions: { basicConstraints: extension.basicConstraints({ ca: true }) } }),
  ],
  [
    'keyCertSign',
    'purpose',
    leafOf({ extensions: { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) } }),
  ],
  ['an extension twice', 'malformed', leafOf({ moreExtensions: [extension.basicConstraints()] })],
  [
    'name constraints of its own',
    'name-constraints',
    leafOf({ extensions: { nameConstraints: extension.nameConstraints({ permitted }, false) } }),
  ],
  [
    'no subject, and names that are not critical',
    'critical-flag',
    leafOf({ subject: name(), extensions: { subjectAltName: names(generalName.dns('a.example.org')) } }),
  ],
  ['an RSA key of 2056 bits less one', 'rsa-size', leafOf({ keys: sharedKeys('rsa-2055') })],
];

const credentials = ({
  key: own,
  certificate,
}: OddCertificate): { key: string; cert: string; ca: string } => ({
  key: own,
  cert: certificate,
  ca: authority.root,
});

interface Asked {
  readonly status: number | 'closed';
  readonly body: string;
}

async function ask(
  port: number,
  version: SecureVersion,
  client: OddCertificate,
  path: string,
): Promise<Asked> {
  const wire = await open(port, { ...speaking(version), ...credentials(client) });
  const answer = await wire.ask(path);
  wire.close();
  return answer;
}

async function askOverHttp2(
  port: number,
  version: SecureVersion,
  client: OddCertificate,
  path: string,
): Promise<Asked> {
  const session = await openSession(port, { ...speaking(version), ...credentials(client) });
  const { status, body } = await overHttp2(session, { path });
  return { status, body: body.toString() };
}

const ways = [
  ['a PortcullisServer', 'guarded', ask],
  ['a PortcullisServer by HTTP/2', 'guarded', askOverHttp2],
  ['a plain server', 'plain', ask],
] as const;

describe.each(versions)('over %s', (version) => {
  describe.each(ways)('at %s', (_where, kind, askBy) => {
    it.each(cases)('a client with %s → %s', async (_name, expected, client) => {
      for (const path of ['/listener', '/route']) {
        let answer: Asked | undefined;
        const events = await recordDecisions(async () => {
          answer = await askBy(ports[kind], version, client, path);
        });
        // OpenSSL's own server ends a TLS 1.2 handshake in which it would have to put such a client into a ticket.
        if (expected === 'malformed' && answer!.status === 'closed') continue;
        expect(answer!.status).toBe(expected === 'in' ? 200 : 403);
        expect(events).toHaveLength(1);
        if (expected === 'in') continue;
        // The client is told the code alone.
        expect(answer!.body).not.toContain(expected);
        expect(answer!.body).toMatch(/"code":"CLIENT_CERTIFICATE_(?:UNTRUSTED|PURPOSE)"/);
      }
    });
  });

  it('the event names the check and its section, at the listener and at a route', async () => {
    const client = leafOf({ serialNumber: Buffer.of(0) });
    const events = await recordDecisions(async () => {
      for (const path of ['/listener', '/route']) await ask(ports.guarded, version, client, path);
    });
    const detail = 'it has a serial number of zero (serial-number, RFC 5280 4.1.2.2)';
    expect(events).toMatchObject([{ detail }, { detail }]);
  });

  it('dangerouslyAllow lets go of one check at the listener, of another at a route', async () => {
    const app = appOf(requireClientCertificate({ ca, dangerouslyAllow: ['missing-key-identifier'] }));
    const server = guarded({ mode: 'optional', ca, dangerouslyAllow: ['serial-number'] }, app);
    const port = await listen(server);
    const zero = leafOf({ serialNumber: Buffer.of(0) });
    const unnamed = leafOf({ extensions: { authorityKeyId: null } });
    const statuses: unknown[] = [];
    for (const client of [zero, unnamed])
      for (const path of ['/listener', '/route'])
        statuses.push((await ask(port, version, client, path)).status);
    expect(statuses).toEqual([200, 403, 403, 200]);
  });

  it('a reload that lets go of a check, or takes it up again, reaches open connections', async () => {
    const server = guarded({ mode: 'optional', ca });
    const client = leafOf({ serialNumber: Buffer.of(0) });
    const wire = await open(await listen(server), { ...speaking(version), ...credentials(client) });
    const statuses = [(await wire.ask('/listener')).status];
    await server.reload({ clientAuth: { mode: 'optional', ca, dangerouslyAllow: ['serial-number'] } });
    statuses.push((await wire.ask('/listener')).status);
    await server.reload({ clientAuth: { mode: 'optional', ca } });
    statuses.push((await wire.ask('/listener')).status);
    expect(statuses).toEqual([403, 200, 403]);
    wire.close();
  });
});

describe('an anchor that is odd is told at the start', () => {
  const weak = oddAuthority({ keys: sharedKeys('rsa-1024') });
  const loose = oddAuthority({
    extensions: { basicConstraints: extension.basicConstraints({ ca: true, critical: false }) },
  });
  const dotted = oddAuthority({
    extensions: {
      nameConstraints: extension.nameConstraints({ permitted: [generalName.dns('.example.org')] }),
    },
  });
  const powerless = oddAuthority({ extensions: { keyUsage: extension.keyUsage(['cRLSign']) } });
  const broken = oddAuthority({
    extensions: { nameConstraints: extension.nameConstraints({ permitted: [] }) },
  });
  const makers = [
    [
      'clientAuth',
      (given: object) =>
        createServer({
          key,
          cert,
          clientAuth: { mode: 'optional', ...given } as ClientAuthOptions,
          logger: false,
        }),
    ],
    ['requireClientCertificate', (given: object) => requireClientCertificate(given)],
  ] as const;

  it.each(makers)('by %s, with the way out where there is one', (option, make) => {
    for (const [anchor, check] of [
      [weak, 'weak-key'],
      [loose, 'critical-flag'],
      [dotted, 'leading-dot'],
    ] as const) {
      const error = configErrorOf(() => make({ ca: [ca, anchor.certificate] }));
      expect(error).toMatchObject({ code: 'CLIENT_CA_INVALID', path: `${option}.ca` });
      expect(error.remedy).toContain(`${option}.dangerouslyAllow: ['${check}']`);
      expect(make({ ca: [ca, anchor.certificate], dangerouslyAllow: [check] })).toBeDefined();
    }
    for (const anchor of [powerless, broken]) {
      const error = configErrorOf(() => make({ ca: anchor.certificate }));
      expect(error).toMatchObject({ code: 'CLIENT_CA_INVALID', remedy: 'Issue it anew.' });
    }
  });

  it.each(makers)('by %s, but not for its dates and its signature of itself', (_option, make) => {
    const past = oddAuthority({ notBefore: new Date(0), notAfter: new Date(1e9) });
    const old = oddAuthority({ subject: commonName('SHA-1'), keys: sharedKeys('rsa-2048'), hash: 'sha1' });
    expect(make({ ca: [past.certificate, old.certificate] })).toBeDefined();
  });

  it.each(makers)('and %s knows only checks that can be let go', (option, make) => {
    const of = (dangerouslyAllow: unknown): object => configErrorOf(() => make({ ca, dangerouslyAllow }));
    const path = `${option}.dangerouslyAllow`;
    expect(of(['serialnumber'])).toEqual({
      code: 'OPTION_INVALID',
      path: `${path}[0]`,
      remedy: "Did you mean 'serial-number'?",
    });
    for (const firm of [
      'ca',
      'date',
      'malformed',
      'name-constraints',
      'policy',
      'purpose',
      'signature',
      'weak-signature',
      1,
      null,
    ])
      expect(of(['old-version', firm])).toMatchObject({ code: 'OPTION_INVALID', path: `${path}[1]` });
    for (const none of ['old-version', true, {}, null])
      expect(of(none)).toMatchObject({ code: 'OPTION_INVALID', path });
    expect(make({ ca, dangerouslyAllow: [] })).toBeDefined();
  });

  it('and the audit tells what a listener lets go of', () => {
    const paths = (given: object): unknown[] =>
      guarded({ mode: 'optional', ca, ...given })
        .audit()
        .findings.filter(({ code }) => code === 'DANGEROUS_OPTION')
        .map(({ path }) => path);
    expect(paths({ dangerouslyAllow: ['serial-number'] })).toEqual(['clientAuth.dangerouslyAllow']);
    expect(paths({ dangerouslyAllow: [] })).toEqual([]);
  });

  it('and a route lets go of nothing where it has no anchors of its own', () => {
    expect(
      configErrorOf(() => requireClientCertificate({ dangerouslyAllow: ['old-version'] })),
    ).toMatchObject({
      code: 'OPTION_CONFLICT',
      path: 'requireClientCertificate.dangerouslyAllow',
    });
  });
});
