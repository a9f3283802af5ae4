import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { Certificate } from '../../lib/x509/certificate.ts';
import { closeEverything } from '../support/attacks.ts';
import { hidesVerifiedChain } from '../support/attacks-node.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { crlNumber, oddCrl, pemOf } from '../support/odd-crls.ts';
import { commonName } from '../support/odd-names.ts';
import { appOf, ask, type ClientAuth, start } from './revocation-harness.ts';

let pki: TestPki;
let intermediate: Authority;
let outcast: Authority;
let below: IssuedCertificate;
let revokedBelow: IssuedCertificate;
let belowOutcast: IssuedCertificate;
let rootCrl: string;
let empty: string;
let intermediateCrl: string;

beforeAll(async () => {
  pki = await createTestPki();
  const root = pki.authority;
  [intermediate, outcast] = await Promise.all([
    root.issueIntermediate({ subject: 'Intermediate' }),
    root.issueIntermediate({ subject: 'Outcast' }),
  ]);
  [below, revokedBelow, belowOutcast] = await Promise.all([
    intermediate.issueClientCertificate({ subject: 'below' }),
    intermediate.issueClientCertificate({ subject: 'revoked below' }),
    outcast.issueClientCertificate({ subject: 'below outcast' }),
  ]);
  [rootCrl, empty, intermediateCrl] = await Promise.all([
    root.crl({ revoked: [{ certificate: outcast.certificate }] }),
    root.crl({ revoked: [] }),
    intermediate.crl({ revoked: [{ certificate: revokedBelow.certificate }] }),
  ]);
});
afterEach(closeEverything);

const ca = (): string => pki.ca;
const whole = (): string[] => [pki.ca, intermediate.certificate, outcast.certificate];

type Case = [
  what: string,
  clientAuth: () => ClientAuth,
  client: () => Pick<IssuedCertificate, 'key' | 'chain'>,
  answer: string,
];
const isRevoked = 'CLIENT_CERTIFICATE_REVOKED';
const isUnknown = 'REVOCATION_STATUS_UNKNOWN';

describe('of an intermediate', () => {
  const both = (): ClientAuth => ({ ca: whole(), crl: [rootCrl, intermediateCrl] });
  it.each<Case>([
    ['a revoked client is refused', both, () => revokedBelow, isRevoked],
    ['another one gets in', both, () => below, 'in: below'],
    [
      'nobody gets in whose intermediate is revoked',
      () => ({ ca: whole(), crl: rootCrl }),
      () => belowOutcast,
      isRevoked,
    ],
    [
      'whose intermediate is revoked gets in where the leaf only is asked',
      () => ({ ca: whole(), crl: rootCrl, revocation: { check: 'leaf' } }),
      () => belowOutcast,
      'in: below outcast',
    ],
    ['without a list its clients get in', () => ({ ca: whole(), crl: empty }), () => below, 'in: below'],
    [
      'without a list they do not where that is denied',
      () => ({ ca: whole(), crl: empty, revocation: { unknown: 'deny' } }),
      () => below,
      isUnknown,
    ],
    [
      'that the client sent the list counts, too',
      () => ({ ca: ca(), crl: [rootCrl, intermediateCrl] }),
      () => revokedBelow,
      hidesVerifiedChain ? isUnknown : isRevoked,
    ],
    [
      'that is revoked nobody gets in by sending it',
      () => ({ ca: ca(), crl: rootCrl }),
      () => belowOutcast,
      hidesVerifiedChain ? isUnknown : isRevoked,
    ],
    [
      'that Node hides nobody gets in where a list could concern it',
      () => ({ ca: ca(), crl: rootCrl }),
      () => below,
      hidesVerifiedChain ? isUnknown : 'in: below',
    ],
    [
      'that Node hides somebody gets in where the leaf only is asked and no list is for it',
      () => ({ ca: ca(), crl: rootCrl, revocation: { check: 'leaf' } }),
      () => below,
      'in: below',
    ],
  ])('%s', async (_what, clientAuth, client, answer) => {
    expect(await ask(pki, clientAuth(), client())).toBe(answer);
  });
});

describe('of two intermediates with one name and one key, of which one is revoked or denied,', () => {
  const root = oddAuthority();
  const first = oddAuthority({ issuer: root, serialNumber: Buffer.of(1, 1) });
  const second = oddAuthority({ ...first, issuer: root, serialNumber: Buffer.of(1, 2) });
  const leaf = oddCertificate({ issuer: first, subject: commonName('leaf') });
  const chainOf = (
    ...issuers: ReadonlyArray<{ readonly certificate: string }>
  ): Pick<IssuedCertificate, 'key' | 'chain'> => ({
    key: leaf.key,
    chain: [leaf, ...issuers].map(({ certificate }) => certificate).join(''),
  });
  const crl = pemOf(
    oddCrl(root as unknown as Authority, {
      extensions: [crlNumber(1)],
      entries: [{ serial: new Certificate(first.der).serialNumber }],
    }),
  );

  it.each<[string, ClientAuth, string]>([
    ['revoked', { ca: root.certificate, crl }, isRevoked],
    [
      'denied',
      { ca: root.certificate, denyList: [{ certificate: first.certificate }] },
      'CLIENT_CERTIFICATE_DENIED',
    ],
  ])('the one that the client sends counts (%s)', async (_what, clientAuth, refusal) => {
    const through = async (
      ...clients: ReadonlyArray<Pick<IssuedCertificate, 'key' | 'chain'>>
    ): Promise<string[]> => {
      const { connect } = await start(pki, clientAuth);
      const answers: string[] = [];
      // What one connection has shown is remembered for the next.
      for (const client of clients) answers.push((await (await connect(client, 'TLSv1.3')).ask('/in')).body);
      return answers;
    };
    const [bad, good] = [chainOf(first), chainOf(second)];
    // Where Node hides which of the two it was, neither counts.
    const isOut = hidesVerifiedChain && refusal === isRevoked ? isUnknown : refusal;
    const isIn = hidesVerifiedChain ? isOut : 'in: leaf';
    expect(await through(bad, good, good)).toEqual([isOut, isIn, isIn]);
    // By then it is known that there is a way for this leaf.
    expect(await through(good, bad)).toEqual([isIn, isIn]);
    expect(await through(bad, bad)).toEqual([isOut, isOut]);
  });
});

describe("a route's own ca", () => {
  const atRoute = (clientAuth: ClientAuth, client: IssuedCertificate, anchor: Authority): Promise<string> =>
    ask(pki, clientAuth, client, '/route', appOf(anchor.certificate));

  it("does not let in whom the listener's lists revoke", async () => {
    const clientAuth = { ca: whole(), crl: [rootCrl, intermediateCrl] };
    expect(await atRoute(clientAuth, below, intermediate)).toBe('in: below');
    expect(await atRoute(clientAuth, revokedBelow, intermediate)).toBe(isRevoked);
    expect(await atRoute(clientAuth, belowOutcast, outcast)).toBe(isRevoked);
  });

  it('that the listener does not trust is asked of the lists that bear its name', async () => {
    const strangers = await createAuthority();
    const client = await strangers.issueClientCertificate({ subject: 'stranger' });
    expect(await atRoute({ ca: ca(), crl: rootCrl }, client, strangers)).toBe('in: stranger');
    const crl = [rootCrl, await strangers.crl({ revoked: [{ certificate: client.certificate }] })];
    expect(await atRoute({ ca: ca(), crl }, client, strangers)).toBe(isRevoked);
  });

  it('that stands below a CA whose list cannot be checked lets nobody in', async () => {
    const unknown = await createAuthority();
    const anchor = await unknown.issueIntermediate();
    const client = await anchor.issueClientCertificate({ subject: 'client' });
    const crl = [rootCrl, await unknown.crl({ revoked: [] })];
    expect(await atRoute({ ca: ca(), crl }, client, anchor)).toBe(isUnknown);
    expect(await atRoute({ ca: ca(), crl, revocation: { unknown: 'allow' } }, client, anchor)).toBe(
      'in: client',
    );
  });

  it.each([
    ['that the list names', true, isRevoked],
    ['that it does not name', false, 'in: client'],
  ])('that spells the name of its root in another way is one %s', async (_what, isNamed, expected) => {
    const root = oddAuthority();
    const anchor = oddAuthority({ issuer: root, issuerName: commonName('ODD  Root', 'printable') });
    const client = oddCertificate({ issuer: anchor, subject: commonName('client') });
    const { serialNumber } = new Certificate(anchor.der);
    const entries = isNamed ? [{ serial: serialNumber }] : [];
    const crl = pemOf(oddCrl(root as unknown as Authority, { extensions: [crlNumber(1)], entries }));
    const app = appOf(anchor.certificate);
    const clientAuth = { ca: root.certificate, crl };
    const presented = { key: client.key, chain: client.certificate };
    expect(await ask(pki, clientAuth, presented, '/route', app)).toBe(expected);
  });
});
