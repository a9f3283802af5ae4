import { createServer as createPlainServer } from 'node:https';
import { type SecureVersion, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { createServer, requireClientCertificate } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { oids } from '../../lib/x509/extensions.ts';
import { comparableText, issuerOf } from '../../lib/trust/revocation/crl-name.ts';
import { verifyPath } from '../../lib/trust/path.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { configErrorOf } from '../middleware/harness.ts';
import { hideIntermediates } from './revocation-harness.ts';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import {
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
  type Overrides,
} from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { newKeys } from '../support/odd-keys.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';
import { der, sequence } from '../../lib/pki/der.ts';
import { implicitTag } from '../../lib/x509/der.ts';

const authority = await createAuthority();
const { key, chain: cert } = await authority.issueServerCertificate({ names: ['localhost'] });
const explain: ErrorRequestHandler = (error: { status: number; code: string }, _request, response, _next) => {
  response.status(error.status).end(error.code);
};
const appOf = (route = requireClientCertificate()): Express =>
  express()
    .use(route)
    .use((_request, response) => void response.end('in'))
    .use(explain);

afterEach(async () => {
  jest.restoreAllMocks();
  await closeEverything();
});

/** Of a plain server that trusts other CAs. */
const credentials = { key, cert, ca: authority.root, requestCert: true, rejectUnauthorized: false };

interface Shown {
  readonly leaf: OddCertificate;
  readonly sent: readonly OddCertificate[];
  readonly root: OddCertificate;
}

/** What a client sends beside its own certificate, in this order. */
async function answerTo(port: number, { leaf, sent }: Omit<Shown, 'root'>, version: SecureVersion) {
  const chain = [leaf, ...sent].map(({ certificate }) => certificate).join('');
  const wire = await open(port, { ...speaking(version), key: leaf.key, cert: chain, ca: authority.root });
  const { body, status } = await wire.ask('/');
  wire.close();
  return status === 'closed' ? status : body;
}

const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };
const root = oddAuthority({ subject: commonName('Root of many') });
const other = oddAuthority({ subject: commonName('Another root') });
const keys = newKeys('ec-p256');
const issuing = (overrides: Overrides = {}): OddCertificate =>
  oddAuthority({ issuer: root, subject: commonName('Issuing'), keys, ...overrides });
const renewed = issuing();
const upper = oddAuthority({ issuer: root, subject: commonName('Upper') });
const lower = oddAuthority({ issuer: upper, subject: commonName('Lower') });
const leaf = oddCertificate({ issuer: renewed });
const below = oddCertificate({ issuer: lower });

const cases: ReadonlyArray<readonly [string, Shown]> = [
  ['the expired one first, the renewed one second', { leaf, sent: [issuing(past), renewed], root }],
  [
    'the one first that a root has signed who is not trusted',
    { leaf, sent: [issuing({ issuer: other }), renewed], root },
  ],
  [
    'one first of the same name with another key',
    { leaf, sent: [impostorOf(renewed, { issuer: root }), renewed], root },
  ],
  ['two in the wrong order', { leaf: below, sent: [upper, lower], root }],
  ['the root first', { leaf: below, sent: [root, upper, lower], root }],
  ['strangers between', { leaf: below, sent: [lower, other, upper], root }],
];

describe.each(versions)('a client over %s that sends its intermediates odd', (version) => {
  it.each(cases)('gets in to a route of its CA: %s', async (_what, { root: ca, ...shown }) => {
    const app = appOf(requireClientCertificate({ ca: ca.certificate }));
    const options = { key, cert, logger: false } as const;
    const guarded = createServer({ ...options, clientAuth: { mode: 'optional', ca: authority.root } }, app);
    const plain = createPlainServer(credentials, app);
    expect(await answerTo(await listen(guarded), shown, version)).toBe('in');
    // OpenSSL's own server may end a TLS 1.2 handshake in which a signature was wrong.
    const answer = await answerTo(await listen(plain), shown, version);
    expect(answer).toBe(answer === 'closed' && version === 'TLSv1.2' ? 'closed' : 'in');
  });

  it('does not use up what Node tells of the others', async () => {
    const asked = jest.spyOn(TLSSocket.prototype, 'getPeerX509Certificate');
    const app = appOf(requireClientCertificate({ ca: root.certificate }));
    const server = createServer(
      { key, cert, logger: false, clientAuth: { mode: 'optional', ca: authority.root } },
      app,
    );
    expect(await answerTo(await listen(server), { leaf: below, sent: [lower, upper] }, version)).toBe('in');
    expect(asked).not.toHaveBeenCalled();
  });

  it('gets in to a listener where the one that it has renewed has expired in clientAuth.ca', async () => {
    const ca = [issuing(past).certificate, root.certificate];
    const server = createServer({ key, cert, logger: false, clientAuth: { mode: 'optional', ca } }, appOf());
    const port = await listen(server);
    expect(await answerTo(port, { leaf, sent: [] }, version)).toMatch(/^CLIENT_CERTIFICATE_/);
    expect(await answerTo(port, { leaf, sent: [renewed] }, version)).toBe('in');
    expect(server.audit().findings.map(({ code: found }) => found)).toContain('CLIENT_CA_EXPIRED');
  });
});

describe.each(versions)('whose intermediate Node hides over %s, as 24.21 does,', (version) => {
  it.each([
    ['does not get in where an anchor demands policies', 0, 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['gets in where none does', undefined, 'in'],
  ])('%s', async (_what, requireExplicit, answer) => {
    const demand = sequence(der(implicitTag(0), Buffer.of(0)));
    const anchor = oddAuthority({
      moreExtensions:
        requireExplicit === undefined ? [] : [extension.raw(oids.policyConstraints, demand, true)],
    });
    const between = oddAuthority({ issuer: anchor });
    const clientAuth = { mode: 'optional', ca: anchor.certificate } as const;
    const server = createServer({ key, cert, logger: false, clientAuth }, appOf());
    const port = await listen(server);
    hideIntermediates(server);
    const client = { leaf: oddCertificate({ issuer: between }), sent: [between] };
    expect(await answerTo(port, client, version)).toBe(answer);
  });
});

describe('a name that strangers choose', () => {
  const marks = 'a\u0301'.padEnd(2000, '\u0316\u0301');
  const stranger = oddCertificate({
    issuer: other,
    issuerName: commonName(marks),
    subject: commonName(marks),
  });

  it('is not brought into order where it is long, and only its issuer is asked for', () => {
    const normalize = jest.spyOn(String.prototype, 'normalize');
    const anchors = [root, other].map((anchor) => new Certificate(anchor.der));
    const outcome = verifyPath({ leaf: stranger.der, hints: [], anchors, at: Date.now() });
    expect(outcome).toMatchObject({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
    expect(normalize).not.toHaveBeenCalled();
    expect(comparableText(marks)).toBe(marks);
  });

  it('is read once for each base of a CA that constrains names', () => {
    const excluded = Array.from({ length: 50 }, (_, index) =>
      generalName.directory(commonName(`no ${index}`)),
    );
    const anchor = oddAuthority({ extensions: { nameConstraints: extension.nameConstraints({ excluded }) } });
    const client = oddCertificate({ issuer: anchor, subject: name(attribute('O', 'Wärme')) });
    const anchors = [new Certificate(anchor.der)];
    const normalize = jest.spyOn(String.prototype, 'normalize');
    expect(verifyPath({ leaf: client.der, hints: [], anchors, at: Date.now() })).toHaveProperty(
      'certificates',
    );
    expect(normalize).toHaveBeenCalledTimes(1);
  });

  it('is the same whatever nobody sees in it', () => {
    const [one, two] = ['Stra\u00ADße  GmbH', '\uFEFFSTRASSE\u200B\u3000gmbh '].map((text) =>
      issuerOf(new Certificate(oddCertificate({ issuerName: name(attribute('O', text)) }).der)),
    );
    expect(one).toBe(two);
  });

  it('is refused once for all requests of a connection to a plain listener', async () => {
    const route = requireClientCertificate({ ca: root.certificate });
    const server = createPlainServer(credentials, appOf(route));
    const peer = jest.spyOn(TLSSocket.prototype, 'getPeerX509Certificate');
    const { key: own, certificate } = oddCertificate({
      issuer: other,
      issuerName: commonName('Fremde Wärme'),
    });
    const wire = await open(await listen(server), {
      ...speaking('TLSv1.3'),
      key: own,
      cert: certificate,
      ca: authority.root,
    });
    const normalize = jest.spyOn(String.prototype, 'normalize');
    await wire.ask('/1');
    const after = [peer, normalize].map(({ mock }) => mock.calls.length);
    for (const path of ['/2', '/3']) expect((await wire.ask(path)).body).toMatch(/^CLIENT_CERTIFICATE_/);
    expect([peer, normalize].map(({ mock }) => mock.calls.length)).toEqual(after);
    wire.close();
  });
});

describe('an anchor that cannot be read to its end', () => {
  const nested = Array.from({ length: 40 }).reduce<Buffer>(
    (inner) => sequence(inner),
    der(0x0c, Buffer.of(0x41)),
  );
  const deep = oddAuthority({ subject: name(sequence(Buffer.from('0603550403', 'hex'), nested)) });
  const cut = oddAuthority({ moreFields: [der(implicitTag(1) | 0x20, Buffer.from('0501', 'hex'))] });
  const clientAuth = { mode: 'optional', ca: root.certificate } as const;

  it.each([
    ['nested too deep', deep],
    ['cut short', cut],
  ])('is a ConfigError: %s', async (_what, { certificate: ca }) => {
    const error = { code: 'CLIENT_CA_INVALID' };
    expect(configErrorOf(() => requireClientCertificate({ ca }))).toMatchObject(error);
    const given = { key, cert, logger: false } as const;
    expect(configErrorOf(() => createServer({ ...given, clientAuth: { ...clientAuth, ca } }))).toMatchObject(
      error,
    );
    const server = createServer({ ...given, clientAuth });
    await expect(server.reload({ clientAuth: { ...clientAuth, ca } })).rejects.toMatchObject(error);
    await server.shutdown();
  });
});
