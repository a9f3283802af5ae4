/** When revocation lists count, to the millisecond: the clock is an argument. What they mean over TLS: listener/. */
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, createAuthority } from 'portcullis/pki';
import { readRevocation, type RevocationOptions } from '../../lib/trust/revocation/revocation-options.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { crlNumber, distribution, oddCrl, type OddCrl } from '../support/odd-crls.ts';

const minute = 60_000;
const day = 86_400_000;
/** A list counts five minutes before its date, as clocks differ. */
const ahead = 5 * minute;
/** CRLs know whole seconds. */
const start = Math.floor(Date.now() / 1000) * 1000;
const end = start + day;

let root: Authority;
let issuing: Authority;
let rootCertificate: Certificate;
let intermediate: Certificate;
let direct: Certificate;
let below: Certificate;

const read = (pem: string): Certificate => new Certificate(new X509Certificate(pem).raw);

beforeAll(async () => {
  root = await createAuthority({ subject: 'Root' });
  issuing = await root.issueIntermediate({ subject: 'Issuing' });
  [rootCertificate, intermediate] = [read(root.certificate), read(issuing.certificate)];
  direct = read((await root.issueClientCertificate({ subject: 'direct' })).certificate);
  below = read((await issuing.issueClientCertificate({ subject: 'below' })).certificate);
});

interface Dated extends Omit<OddCrl, 'thisUpdate' | 'nextUpdate'> {
  readonly from?: number;
  readonly to?: number;
  readonly revokes?: Certificate;
}
const list = ({ from = start, to = end, revokes, ...more }: Dated = {}, issuer = root): Buffer =>
  oddCrl(issuer, {
    thisUpdate: new Date(from),
    nextUpdate: new Date(to),
    entries: revokes === undefined ? [] : [{ serial: revokes.serialNumber }],
    ...more,
  });

/** What the lists say of a client of the root at a time. */
function check(
  crl: Buffer | readonly Buffer[],
  at: number,
  revocation?: RevocationOptions,
  path: readonly Certificate[] = [direct, rootCertificate],
): unknown {
  const lists = readRevocation({ crl, revocation }, [rootCertificate], '')!;
  return lists.check(path, at);
}
const revoked = (outcast: Certificate): object => ({
  code: 'CLIENT_CERTIFICATE_REVOKED',
  reason: expect.stringContaining(outcast.serialNumber),
  passing: true,
  outcast,
});
const unknown = (why: string): object => ({
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: expect.stringContaining(why),
  passing: true,
});

describe('a list', () => {
  it('counts from five minutes before its date to its last millisecond', () => {
    const holds = { notBefore: start - ahead, notAfter: end };
    for (const at of [start - ahead, start, end]) expect(check(list(), at)).toEqual(holds);
    expect(check(list(), start - ahead - 1)).toEqual(unknown('is not out yet'));
    expect(check(list(), end + 1)).toEqual(unknown('has run out'));
  });

  it('that has run out counts on only where that is allowed', () => {
    const allowed = { expired: 'allow' } as const;
    expect(check(list(), end + 1, allowed)).toEqual({ notBefore: start - ahead, notAfter: Infinity });
    expect(check(list({ revokes: direct }), end + 1, allowed)).toEqual(revoked(direct));
    expect(check(list(), start - ahead - 1, allowed)).toEqual(unknown('is not out yet'));
  });

  it('revokes whom it names, from when it counts, and past its end', () => {
    const naming = list({ revokes: direct });
    expect(check(naming, start - ahead - 1)).toEqual(unknown('is not out yet'));
    for (const at of [start - ahead, end, end + 1]) expect(check(naming, at)).toEqual(revoked(direct));
    expect(check(list({ revokes: below }), start)).toMatchObject({ notAfter: end });
  });
});

describe('of two lists', () => {
  const later = start + 60 * minute;

  it('the one that is not out yet bounds the verdict by the other, and then takes its place', () => {
    const lists = [list(), list({ from: later, to: later + day, revokes: direct })];
    expect(check(lists, start)).toEqual({ notBefore: start - ahead, notAfter: later - ahead - 1 });
    expect(check(lists, later - ahead - 1)).toMatchObject({ notAfter: later - ahead - 1 });
    expect(check(lists, later - ahead)).toEqual(revoked(direct));
  });

  it.each([
    ['the later counts', {}, {}, false],
    ['the later counts where one has no number', { extensions: [crlNumber(2)] }, {}, false],
    [
      'that with the greater number counts',
      { extensions: [crlNumber(2)] },
      { extensions: [crlNumber(1)] },
      true,
    ],
    [
      'the later counts of the same number',
      { extensions: [crlNumber(2)] },
      { extensions: [crlNumber(2)] },
      false,
    ],
  ])('%s, in whatever order they are given', (_what, more, laterMore, isRevoked) => {
    const old = list({ revokes: direct, ...more });
    const young = list({ from: later, to: later + day, ...laterMore });
    for (const lists of [
      [old, young],
      [young, old],
    ])
      expect(check(lists, later)).toEqual(
        isRevoked ? revoked(direct) : { notBefore: later - ahead, notAfter: later + day },
      );
  });

  it('for other certificates each has its say, and the first to run out bounds the verdict', () => {
    const users = list({ to: end - minute, extensions: [distribution.user] });
    expect(check([users, list()], start)).toMatchObject({ notAfter: end - minute });
    expect(check([users, list({ revokes: direct })], start)).toEqual(revoked(direct));
    expect(check([users, list({ extensions: [distribution.ca], revokes: direct })], start)).toMatchObject({
      notAfter: end - minute,
    });
  });
});

describe('a chain', () => {
  const path = (): readonly Certificate[] => [below, intermediate, rootCertificate];
  const both = (ofRoot: Dated = {}, ofIssuing: Dated = {}): readonly Buffer[] => [
    list(ofRoot),
    list(ofIssuing, issuing),
  ];

  it('is good while the lists of all its issuers are', () => {
    const lists = both({ from: start + minute }, { to: end - minute });
    expect(check(lists, start, undefined, path())).toEqual({
      notBefore: start + minute - ahead,
      notAfter: end - minute,
    });
  });

  it('is refused for an intermediate that is revoked, unless the leaf alone is asked for', () => {
    const lists = both({ revokes: intermediate });
    expect(check(lists, start, undefined, path())).toEqual(revoked(intermediate));
    expect(check(lists, start, { check: 'leaf' }, path())).toMatchObject({ notAfter: end });
    expect(check(both({}, { revokes: below }), start, { check: 'leaf' }, path())).toEqual(revoked(below));
  });

  it('of an issuer without a list is refused only where what is unknown is denied', () => {
    const lists = [list()];
    expect(check(lists, start, undefined, path())).toMatchObject({ notAfter: end });
    expect(check(lists, start, { unknown: 'allow' }, path())).toMatchObject({ notAfter: end });
    expect(check(lists, start, { unknown: 'deny' }, path())).toEqual(
      unknown('there is no list of its issuer'),
    );
  });

  it('of an issuer whose list somebody else has signed is unknown', () => {
    const forged = list({ key: root.key }, issuing);
    expect(check([list(), forged], start, undefined, path())).toEqual(
      unknown('no list that bears the name of its issuer is signed by it'),
    );
  });
});
