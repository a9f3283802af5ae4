import { afterEach, expect, it, jest } from '@jest/globals';
import { Signatures } from '../../lib/trust/signatures.ts';
import { isProblem } from '../../lib/trust/problem.ts';
import { TrustStore } from '../../lib/trust/trust-store.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';

const now = Date.now();
const hourMs = 3_600_000;
const root = oddAuthority();
const intermediate = oddAuthority({ issuer: root, notAfter: new Date(now + hourMs) });
const leaf = oddCertificate({ issuer: intermediate });
const store = (): TrustStore => new TrustStore([new Certificate(root.der)]);
const askAgain = (): never => {
  throw new Error('the issuers were asked for again');
};
const hints = (): Buffer[] => [intermediate.der];

afterEach(() => {
  jest.restoreAllMocks();
});

it('verifies a certificate once, and does not ask for its issuers again', () => {
  const trust = store();
  const first = trust.verify(leaf.der, hints, now);
  const check = jest.spyOn(Signatures.prototype, 'has');
  const again = trust.verify(leaf.der, askAgain, now + 1000);
  expect(isProblem(first)).toBe(false);
  expect(again).toBe(first);
  expect(check).not.toHaveBeenCalled();
});

it('forgets a path when any certificate in it has expired', () => {
  const trust = store();
  expect(isProblem(trust.verify(leaf.der, hints, now))).toBe(false);
  expect(trust.verify(leaf.der, hints, now + 2 * hourMs)).toMatchObject({
    code: 'CLIENT_CERTIFICATE_EXPIRED',
  });
  expect(isProblem(trust.verify(leaf.der, hints, now))).toBe(false);
});

it('remembers no refusal: what was missing may be sent next time', () => {
  const trust = store();
  expect(trust.verify(leaf.der, () => [], now)).toMatchObject({ incomplete: true });
  expect(isProblem(trust.verify(leaf.der, hints, now))).toBe(false);
});

it('believes another certificate of the same name and key no sooner', () => {
  const trust = store();
  expect(isProblem(trust.verify(leaf.der, hints, now))).toBe(false);
  const twin = oddCertificate({ issuer: intermediate, keys: leaf.keys, damaged: true });
  expect(trust.verify(twin.der, hints, now)).toMatchObject({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
});

it('goes by the renewed of two intermediates with one key, in whatever order they come', () => {
  const { keys, subject } = intermediate;
  const expired = oddAuthority({ issuer: root, keys, subject, notAfter: new Date(now - hourMs) });
  for (const chain of [
    [expired.der, intermediate.der],
    [intermediate.der, expired.der],
  ])
    expect(isProblem(store().verify(leaf.der, () => chain, now))).toBe(false);
  const trust = store();
  expect(isProblem(trust.verify(leaf.der, () => [expired.der], now))).toBe(true);
  expect(isProblem(trust.verify(leaf.der, () => [expired.der, intermediate.der], now))).toBe(false);
});

it('goes round an issuer that somebody objects to, and remembers how', () => {
  const { keys, subject } = intermediate;
  const twin = oddAuthority({ issuer: root, keys, subject, serialNumber: Buffer.of(9) });
  const outcasts = new Set([new Certificate(intermediate.der).sha256]);
  const objector = {
    check: (path: readonly Certificate[]) => {
      const outcast = path.find(({ sha256 }) => outcasts.has(sha256));
      return outcast && ({ code: 'CLIENT_CERTIFICATE_REVOKED', reason: 'revoked', outcast } as const);
    },
  };
  const pathBy = (ask: () => readonly Buffer[]): unknown => {
    const path = trust.verify(leaf.der, ask, now, objector);
    return isProblem(path) ? path : path.certificates.map(({ sha256 }) => sha256);
  };
  const trust = store();
  const first = pathBy(hints);
  // What else could be said than that it is this path.
  expect(pathBy(hints)).toEqual(first);
  const other = pathBy(() => [intermediate.der, twin.der]);
  expect(other).not.toEqual(first);
  expect(pathBy(askAgain)).toEqual(other);
  outcasts.add(new Certificate(twin.der).sha256).add(new Certificate(leaf.der).sha256);
  expect(pathBy(askAgain)).toEqual(other);
});

it('shares no path with another store', () => {
  expect(isProblem(store().verify(leaf.der, hints, now))).toBe(false);
  const stranger = oddAuthority({ subject: commonName('Stranger') });
  const other = new TrustStore([new Certificate(stranger.der)]);
  expect(isProblem(other.verify(leaf.der, hints, now))).toBe(true);
});

it('is not filled by strangers, whose refusals push nobody out', () => {
  const trust = store();
  const known = trust.verify(leaf.der, hints, now);
  for (let count = 0; count < 5000; count++) trust.verify(Buffer.of(count >> 8, count & 0xff), () => [], now);
  expect(trust.verify(leaf.der, () => [], now)).toBe(known);
});

it('remembers the refusal of what a proxy forwards for some seconds, together with the chain', () => {
  const trust = store();
  const stranger = oddAuthority({ subject: commonName('Stranger') });
  const refused = oddCertificate({ issuer: stranger });
  const first = trust.verifyForwarded(refused.der, [stranger.der], now);
  expect(isProblem(first)).toBe(true);
  expect(trust.verifyForwarded(refused.der, [stranger.der], now + 4_999)).toBe(first);
  for (const at of [now + 5_000, now + 4_999 - 10_000])
    expect(trust.verifyForwarded(refused.der, [stranger.der], at)).not.toBe(first);
  expect(trust.verifyForwarded(leaf.der, [], now)).toMatchObject({ incomplete: true });
  expect(isProblem(trust.verifyForwarded(leaf.der, hints(), now))).toBe(false);
  expect(isProblem(trust.verifyForwarded(leaf.der, [], now))).toBe(false);
});
