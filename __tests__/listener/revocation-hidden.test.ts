import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeEverything, versions } from '../support/attacks.ts';
import { der, objectIdentifier, sequence } from '../../lib/pki/der.ts';
import { tags } from '../../lib/x509/der.ts';
import { distribution, oddCrl } from '../support/odd-crls.ts';
import { type ClientAuth, hideIntermediates, start } from './revocation-harness.ts';

let pki: TestPki;
let others: Authority;
/** Issues no intermediates. */
let plain: Authority;
let intermediate: Authority;
let below: IssuedCertificate;
const hour = 3_600_000;

beforeAll(async () => {
  pki = await createTestPki();
  [others, plain, intermediate] = await Promise.all([
    createAuthority({ subject: 'Others' }),
    createAuthority({ subject: 'Plain', pathLength: 0 }),
    pki.authority.issueIntermediate({ subject: 'Intermediate' }),
  ]);
  below = await intermediate.issueClientCertificate({ subject: 'below' });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeEverything();
});

const isIn = 'in: below';
const isUnknown = 'REVOCATION_STATUS_UNKNOWN';
const cas = (): string[] => [pki.ca, others.root, plain.root];
const entries = (): Array<{ serial: string }> => [{ serial: '01' }];
const revokesIntermediate = (): Promise<string> =>
  pki.authority.crl({ revoked: [{ certificate: intermediate.certificate }] });
const allow = { unknown: 'allow' };

type Case = [what: string, clientAuth: () => ClientAuth | Promise<ClientAuth>, answer: string];

describe.each(versions)('whose intermediate Node hides over %s, as 24.21 does,', (version) => {
  it.each<Case>([
    [
      'does not get in where it is revoked',
      async () => ({ ca: pki.ca, crl: await revokesIntermediate() }),
      isUnknown,
    ],
    [
      'does not get in where it is revoked, and what is not known is allowed',
      async () => ({ ca: pki.ca, crl: await revokesIntermediate(), revocation: allow }),
      isUnknown,
    ],
    [
      'does not get in where a list of another intermediate may revoke it',
      () => ({ ca: cas(), crl: oddCrl(intermediate, { issuerName: nobody() }), revocation: allow }),
      isUnknown,
    ],
    [
      'does not get in where the list that may revoke it has run out',
      () => ({ ca: cas(), crl: oddCrl(others, { nextUpdate: new Date(Date.now() - hour) }) }),
      isUnknown,
    ],
    [
      'does not get in where what is not known is denied',
      () => ({ ca: cas(), crl: oddCrl(others), revocation: { unknown: 'deny' } }),
      isUnknown,
    ],
    ['gets in where a CA revokes nobody', () => ({ ca: cas(), crl: oddCrl(others) }), isIn],
    [
      'gets in where a CA revokes that issues no intermediates',
      () => ({ ca: cas(), crl: oddCrl(plain, { entries: entries() }) }),
      isIn,
    ],
    [
      'gets in where a list is of user certificates only, and what is not known is allowed',
      () => ({
        ca: cas(),
        crl: oddCrl(others, { extensions: [distribution.user], entries: entries() }),
        revocation: allow,
      }),
      isIn,
    ],
    [
      'gets in where the leaf only is asked',
      async () => ({ ca: pki.ca, crl: await revokesIntermediate(), revocation: { check: 'leaf' } }),
      isIn,
    ],
  ])('%s', async (_what, clientAuth, answer) => {
    const { server, connect } = await start(pki, await clientAuth());
    hideIntermediates(server);
    const wire = await connect(below, version);
    expect((await wire.ask('/in')).body).toBe(answer);
  });
});

/** A name that no anchor bears. */
function nobody(): Buffer {
  return sequence(
    der(tags.set, sequence(objectIdentifier('2.5.4.3'), der(tags.utf8String, Buffer.from('Nobody')))),
  );
}
