import { createServer as createPlainServer } from 'node:https';
import { type SecureVersion, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { type ClientAuthOptions, createServer, requireClientCertificate } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { oids } from '../../lib/x509/extensions.ts';
import { comparableText, issuerOf, serialOf } from '../../lib/trust/revocation/crl-name.ts';
import { verifyPath } from '../../lib/trust/path.ts';
import { Signatures } from '../../lib/trust/signatures.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { configErrorOf } from '../middleware/harness.ts';
import { hideIntermediates } from './revocation-harness.ts';
import { hidesVerifiedChain } from '../support/attacks-node.ts';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import {
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
  type Overrides,
} from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { newKeys, sharedKeys } from '../support/odd-keys.ts';
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
const pssRoot = oddAuthority({ subject: commonName('By RSA'), keys: sharedKeys('rsa-2048') });
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

/** Whose path it is, and what was asked of signatures for it. */
interface Proof {
  readonly answer: string;
  readonly chain: readonly string[];
  readonly signatures: number;
}

/** One client that a listener with these anchors has never seen. */
async function prove(
  anchors: readonly OddCertificate[],
  shown: Omit<Shown, 'root'>,
  version: SecureVersion,
  trust: Partial<ClientAuthOptions> = {},
  route = requireClientCertificate(),
): Promise<Proof> {
  const asked = jest.spyOn(Signatures.prototype, 'has');
  let chain: readonly string[] = [];
  const note: RequestHandler = (request, _response, next) => {
    chain = request.tls?.clientCertificate?.chain.map(({ pem }) => pem) ?? [];
    next();
  };
  const ca = anchors.map(({ certificate }) => certificate);
  const server = createServer(
    { key, cert, logger: false, clientAuth: { mode: 'optional', ca, ...trust } },
    express().use(route, note, appOf(), explain),
  );
  const answer = await answerTo(await listen(server), shown, version);
  return { answer, chain, signatures: asked.mock.calls.length };
}

const direct = oddCertificate({ issuer: root });
const namesake = oddAuthority({ subject: root.subject });
const renewedRoot = oddAuthority({ subject: root.subject, keys: root.keys, keyId: root.keyId });
/** One name for OpenSSL, which skips an empty RDN and folds case before it normalizes; two for us. */
const mimics: ReadonlyArray<readonly [string, Buffer, Buffer]> = [
  ['an empty RDN', commonName('Bank'), sequence(der(0x31), der(0x31, attribute('CN', 'Bank')))],
  ['a letter composed', commonName('Bank h\u0331\u0307'), commonName('Bank H\u0331\u0307')],
];
const serialBeside = sequence(
  der(implicitTag(0), root.keyId),
  der(0xa1, der(0xa4, root.subject)),
  der(implicitTag(2), serialOf(new Certificate(root.der))),
);

describe.each(versions)('a signature that OpenSSL has verified in a handshake over %s', (version) => {
  it.each([
    ['of the only root', [root]],
    ['of a root and its renewal', [root, renewedRoot]],
  ])('is not verified again: %s', async (_what, anchors) => {
    const proof = await prove(anchors, { leaf: direct, sent: [] }, version);
    expect(proof).toEqual({ answer: 'in', chain: [root.certificate], signatures: 0 });
  });

  it('is not believed of an impostor of the root, whose key is another and whose name and identifier are not', async () => {
    for (const anchors of [[root], [root, other]]) {
      const impostor = impostorOf(root, { issuer: anchors.at(-1)! });
      const forged = { leaf: oddCertificate({ issuer: impostor }), sent: [impostor] };
      // oxlint-disable-next-line no-await-in-loop -- the signatures of each are counted
      const { answer, chain } = await prove(anchors, forged, version);
      expect(['closed', 'CLIENT_CERTIFICATE_UNTRUSTED']).toContain(answer);
      expect(chain).toEqual([]);
    }
  });

  it.each(mimics)('is not taken for that of a namesake by %s', async (_what, subject, mimicry) => {
    const good = oddAuthority({ subject });
    const evil = oddAuthority({ subject: mimicry, keyId: good.keyId });
    const shown = { leaf: oddCertificate({ issuer: evil, issuerName: good.subject }), sent: [] };
    const { answer, chain } = await prove([evil, good], shown, version);
    expect(['closed', 'CLIENT_CERTIFICATE_UNTRUSTED']).toContain(answer);
    expect(chain).toEqual([]);
  });

  it('is not believed where the client’s certificate was changed', async () => {
    const damaged = oddCertificate({ issuer: root, damaged: true });
    const { answer } = await prove([root], { leaf: damaged, sent: [] }, version);
    expect(['closed', 'CLIENT_CERTIFICATE_UNTRUSTED']).toContain(answer);
  });

  it('is never taken for that of a root of the same name, where an intermediate of its name has signed', async () => {
    const between = oddAuthority({ subject: root.subject, issuer: root });
    const shown = { leaf: oddCertificate({ issuer: between }), sent: [between] };
    const { answer, chain } = await prove([root], shown, version);
    expect(answer).toBe('in');
    // Node 24.21 hides the intermediate.
    expect(chain).toEqual(hidesVerifiedChain ? [] : [between.certificate, root.certificate]);
  });

  it('is never taken for that of a root, where an impostor has a key of the type that signed, and the root has not', async () => {
    // So OpenSSL passes over the root, whose name and identifier fit.
    const impostor = impostorOf(root, { issuer: root, keys: sharedKeys('rsa-2048') });
    const shown = { leaf: oddCertificate({ issuer: impostor }), sent: [impostor] };
    const { answer, chain } = await prove([root], shown, version);
    expect(answer).toBe(hidesVerifiedChain ? 'CLIENT_CERTIFICATE_UNTRUSTED' : 'in');
    expect(chain).toEqual(hidesVerifiedChain ? [] : [impostor.certificate, root.certificate]);
  });

  it('is never taken for that of a root, where a self-issued certificate of it has signed', async () => {
    const rollover = oddAuthority({ subject: root.subject, issuer: root });
    const shown = { leaf: oddCertificate({ issuer: rollover }), sent: [rollover] };
    const { answer, chain } = await prove([root], shown, version);
    expect(answer).toBe('in');
    expect(chain[0]).not.toBe(root.certificate);
  });

  it.each([
    ['another root of its name is there', [root, namesake], { leaf: direct, sent: [] }],
    ['a root of another name and key is there', [root, other], { leaf: direct, sent: [] }],
    [
      'its issuer is named in another type of string',
      [root],
      {
        leaf: oddCertificate({ issuer: root, issuerName: commonName('Root of many', 'printable') }),
        sent: [],
      },
    ],
    [
      'its issuer is also named by a serial number',
      [root],
      {
        leaf: oddCertificate({
          issuer: root,
          extensions: {
            authorityKeyId: extension.raw(oids.authorityKeyIdentifier, serialBeside),
          },
        }),
        sent: [],
      },
    ],
    ['the anchor is an intermediate', [root, renewed], { leaf, sent: [] }],
    ['it is by RSA-PSS', [pssRoot], { leaf: oddCertificate({ issuer: pssRoot, pss: true }), sent: [] }],
  ])('is verified again where %s', async (_what, anchors, shown) => {
    const { answer, signatures } = await prove(anchors, shown, version);
    expect(answer).toBe('in');
    expect(signatures).toBeGreaterThan(0);
  });

  it('is verified again where an intermediate was sent, unless Node hides it', async () => {
    const { answer, signatures } = await prove([root], { leaf, sent: [renewed] }, version);
    expect(answer).toBe('in');
    expect(signatures > 0).toBe(!hidesVerifiedChain);
  });

  it('is verified again where checks are let go, and by a route with anchors of its own', async () => {
    const shown = { leaf: direct, sent: [] };
    const relaxed = await prove([root], shown, version, { dangerouslyAllow: ['serial-number'] });
    expect(relaxed).toMatchObject({ answer: 'in', signatures: 1 });
    jest.restoreAllMocks();
    const route = requireClientCertificate({ ca: root.certificate });
    expect(await prove([root], shown, version, {}, route)).toMatchObject({
      answer: 'in',
      signatures: 1,
    });
  });

  it('is verified again after a reload of the trust, on a connection that was open before', async () => {
    const asked = jest.spyOn(Signatures.prototype, 'has');
    const trusting = (...ca: OddCertificate[]): ClientAuthOptions => ({
      mode: 'optional',
      ca: ca.map(({ certificate }) => certificate),
    });
    const server = createServer({ key, cert, logger: false, clientAuth: trusting(root) }, appOf());
    const port = await listen(server);
    const wire = await open(port, {
      ...speaking(version),
      key: direct.key,
      cert: direct.certificate,
      ca: authority.root,
    });
    expect((await wire.ask('/')).body).toBe('in');
    expect(asked).toHaveBeenCalledTimes(0);
    await server.reload({ clientAuth: trusting(root, other) });
    expect((await wire.ask('/')).body).toBe('in');
    expect(asked).toHaveBeenCalledTimes(1);
    await server.reload({ clientAuth: trusting(namesake) });
    expect((await wire.ask('/')).body).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    wire.close();
  });

  it('is verified by a plain https.Server’s route itself', async () => {
    const asked = jest.spyOn(Signatures.prototype, 'has');
    const plain = createPlainServer(
      { ...credentials, ca: root.certificate },
      appOf(requireClientCertificate({ ca: root.certificate })),
    );
    expect(await answerTo(await listen(plain), { leaf: direct, sent: [] }, version)).toBe('in');
    expect(asked).toHaveBeenCalled();
  });
});
