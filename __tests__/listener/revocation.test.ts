import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { der, objectIdentifier, sequence } from '../../lib/pki/der.ts';
import { tags } from '../../lib/x509/der.ts';
import { closeEverything, versions } from '../support/attacks.ts';
import { crlNumber, distribution, oddCrl } from '../support/odd-crls.ts';
import { ask, type ClientAuth, start } from './revocation-harness.ts';
import { Recording } from './harness.ts';

let pki: TestPki;
let root: Authority;
/** Of the same name as the root, with another key. */
let namesake: Authority;
let intermediate: Authority;
let outcast: Authority;
let below: IssuedCertificate;
let rootCrl: string;
let empty: string;
let intermediateCrl: string;
const hour = 3_600_000;

beforeAll(async () => {
  pki = await createTestPki();
  root = pki.authority;
  [namesake, intermediate, outcast] = await Promise.all([
    createAuthority({ subject: { O: 'Portcullis tests', CN: 'Test root' } }),
    root.issueIntermediate({ subject: 'Intermediate' }),
    root.issueIntermediate({ subject: 'Outcast' }),
  ]);
  below = await intermediate.issueClientCertificate({ subject: 'below' });
  const { certificate } = pki.clients.revoked;
  [rootCrl, empty, intermediateCrl] = await Promise.all([
    root.crl({ revoked: [{ certificate }, { certificate: outcast.certificate }] }),
    root.crl({ revoked: [] }),
    intermediate.crl({ revoked: [] }),
  ]);
});
afterEach(closeEverything);

const good = (): Pick<IssuedCertificate, 'key' | 'chain'> => pki.clients.good;
const revoked = (): Pick<IssuedCertificate, 'key' | 'chain'> => pki.clients.revoked;
const serial = (): string => pki.clients.good.serialNumber;
const whole = (): string[] => [pki.ca, intermediate.certificate, outcast.certificate];
const expired = (): Buffer =>
  oddCrl(root, {
    entries: [{ serial: pki.clients.revoked.serialNumber }],
    thisUpdate: new Date(Date.now() - 2 * hour),
    nextUpdate: new Date(Date.now() - hour),
  });
const future = (): Buffer => oddCrl(root, { thisUpdate: new Date(Date.now() + hour) });
const entry = (reason?: number): Buffer =>
  oddCrl(root, { entries: [{ serial: serial(), ...(reason !== undefined && { reason }) }] });
const ca = (): string => pki.ca;

type Case = [
  what: string,
  clientAuth: () => ClientAuth,
  client: () => Pick<IssuedCertificate, 'key' | 'chain'>,
  answer: string,
];
const isRevoked = 'CLIENT_CERTIFICATE_REVOKED';
const isUnknown = 'REVOCATION_STATUS_UNKNOWN';

describe('with clientAuth.crl', () => {
  it.each<Case>([
    ['a revoked client is refused', () => ({ ca: ca(), crl: rootCrl }), revoked, isRevoked],
    ['everybody else gets in', () => ({ ca: ca(), crl: rootCrl }), good, 'in: good'],
    ['a client on hold is refused', () => ({ ca: ca(), crl: entry(6) }), good, isRevoked],
    ['one that was taken off the list gets in', () => ({ ca: ca(), crl: entry(8) }), good, 'in: good'],
    [
      'one that was taken off and put on again is refused',
      () => ({
        ca: ca(),
        crl: oddCrl(root, {
          entries: [
            { serial: serial(), reason: 8 },
            { serial: serial(), reason: 1 },
          ],
        }),
      }),
      good,
      isRevoked,
    ],
    ['nobody gets in once the list has run out', () => ({ ca: ca(), crl: expired() }), good, isUnknown],
    ['who stands in it stays revoked then', () => ({ ca: ca(), crl: expired() }), revoked, isRevoked],
    [
      'a list that has run out counts if told so',
      () => ({ ca: ca(), crl: expired(), revocation: { expired: 'allow' } }),
      good,
      'in: good',
    ],
    ['nobody gets in while the list is not out yet', () => ({ ca: ca(), crl: future() }), good, isUnknown],
    ['the list before it counts until then', () => ({ ca: ca(), crl: [future(), entry()] }), good, isRevoked],
    [
      'of two lists the one of the greater number counts',
      () => ({
        ca: ca(),
        crl: [
          oddCrl(root, {
            extensions: [crlNumber(9)],
            entries: [{ serial: serial() }],
            thisUpdate: new Date(0),
          }),
          oddCrl(root, { extensions: [crlNumber(8)] }),
        ],
      }),
      good,
      isRevoked,
    ],
    ['a client is taken off by a newer list', () => ({ ca: ca(), crl: [entry(6), empty] }), good, 'in: good'],
    [
      'of a bundle every list counts',
      () => ({ ca: whole(), crl: intermediateCrl + rootCrl }),
      revoked,
      isRevoked,
    ],
    [
      'a list that was partitioned counts for its part',
      () => ({
        ca: ca(),
        crl: oddCrl(root, { extensions: [distribution.user], entries: [{ serial: serial() }] }),
      }),
      good,
      isRevoked,
    ],
    [
      'and says nothing of the other',
      () => ({ ca: ca(), crl: oddCrl(root, { extensions: [distribution.ca] }) }),
      good,
      isUnknown,
    ],
    [
      'as one of a distribution point that the client does not name',
      () => ({ ca: ca(), crl: oddCrl(root, { extensions: [distribution.at('http://a.test/1')] }) }),
      good,
      isUnknown,
    ],
    [
      'two parts together say everything',
      () => ({
        ca: whole(),
        crl: [
          oddCrl(root, { extensions: [distribution.ca] }),
          oddCrl(root, { extensions: [distribution.user] }),
          intermediateCrl,
        ],
      }),
      () => below,
      'in: below',
    ],
  ])('%s', async (_what, clientAuth, client, answer) => {
    expect(await ask(pki, clientAuth(), client())).toBe(answer);
  });
});

describe('whose list it is', () => {
  it.each<Case>([
    [
      'a list of another CA of the same name revokes nobody of this one, and does not clear anybody',
      () => ({ ca: [pki.ca, namesake.root], crl: oddCrl(namesake, { entries: [{ serial: serial() }] }) }),
      good,
      isUnknown,
    ],
    [
      'with the list of each CA each has its own say',
      () => ({
        ca: [pki.ca, namesake.root],
        crl: [oddCrl(namesake, { entries: [{ serial: serial() }] }), rootCrl],
      }),
      good,
      'in: good',
    ],
    [
      'a list that is signed with another key than that of its issuer clears nobody',
      () => ({ ca: ca(), crl: oddCrl(intermediate, { key: outcast.key }) }),
      () => below,
      isUnknown,
    ],
    [
      'a list that writes the name of its CA in another way concerns its clients',
      () => ({ ca: ca(), crl: oddCrl(root, { issuerName: shouted(), entries: [{ serial: serial() }] }) }),
      good,
      isRevoked,
    ],
    [
      'a CA without a list lets its clients in',
      () => ({ ca: [pki.ca, namesake.root], crl: intermediateCrl }),
      good,
      'in: good',
    ],
    [
      'unless told otherwise',
      () => ({ ca: ca(), crl: intermediateCrl, revocation: { unknown: 'deny' } }),
      good,
      isUnknown,
    ],
    [
      'and what is not known lets in where told so',
      () => ({ ca: ca(), crl: future(), revocation: { unknown: 'allow' } }),
      good,
      'in: good',
    ],
  ])('%s', async (_what, clientAuth, client, answer) => {
    expect(await ask(pki, clientAuth(), client())).toBe(answer);
  });
});

describe.each(versions)("mode 'required' over %s", (version) => {
  it('ends the connection of a revoked client before any request', async () => {
    const errors = new Recording('portcullis:handshake-error');
    const { connect } = await start(pki, { mode: 'required', ca: ca(), crl: rootCrl });
    const client = await connect(pki.clients.revoked, version);
    await client.closed();
    expect(await errors.take()).toMatchObject({ code: isRevoked });
    errors.stop();
    const other = await connect(pki.clients.good, version);
    expect(await other.ask('/open')).toMatchObject({ status: 200, body: 'open' });
  });
});

/** The root's name in capitals, with more white space, and as another type of string. */
function shouted(): Buffer {
  const attribute = (oid: string, value: string): Buffer =>
    der(
      tags.set,
      sequence(objectIdentifier(oid), der(tags.bmpString, Buffer.from(value, 'utf16le').swap16())),
    );
  return sequence(attribute('2.5.4.10', 'PORTCULLIS  TESTS'), attribute('2.5.4.3', ' TEST ROOT'));
}
