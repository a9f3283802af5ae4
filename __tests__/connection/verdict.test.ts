import { expect, it } from '@jest/globals';
import { isClientCertificate } from '../../lib/connection/index.ts';
import { holds, isOf, type Judged, type Verdict, verdictOn, within } from '../../lib/connection/verdict.ts';
import type { VerifiedPath } from '../../lib/trust/path.ts';
import type { CertificateProblem } from '../../lib/trust/problem.ts';
import type { ClientTrust } from '../../lib/trust/trust-store.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { oddCertificate } from '../support/odd-certificates.ts';

const leaf = new Certificate(oddCertificate().der);
const pathOf = (notBefore: number, notAfter: number): VerifiedPath => ({
  certificates: [leaf],
  notBefore,
  notAfter,
});
const problem = (code: CertificateProblem['code'], more: object = {}): CertificateProblem => ({
  code,
  reason: 'why',
  ...more,
});

it('a certificate holds from its first millisecond to its last, and not one beyond', () => {
  const verdict = verdictOn(pathOf(1000, 2000));
  const times = [-Infinity, 999, 1000, 1500, 2000, 2001, Infinity, NaN];
  expect(times.filter((now) => holds(verdict, now))).toEqual([1000, 1500, 2000]);
});

it('a refusal that time may turn is judged anew, and any other stays', () => {
  const lasting = [
    'CLIENT_CERTIFICATE_EXPIRED',
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
    'CLIENT_CERTIFICATE_REVOKED',
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'REVOCATION_STATUS_UNKNOWN',
  ] as const;
  expect(lasting.filter((code) => holds(problem(code), 0))).toEqual(lasting.slice(2));
  for (const code of lasting) expect(holds(problem(code, { passing: true }), 0)).toBe(false);
});

it('nobody stays nobody, at any time', () => {
  for (const now of [-Infinity, 0, Infinity]) expect(holds(undefined, now)).toBe(true);
});

it('a verdict is of the trust that gave it as long as that has the same epoch', () => {
  const trust = { epoch: 1 } as ClientTrust;
  const judged = (by: ClientTrust | undefined, epoch: number): Judged => ({
    verdict: undefined,
    trust: by,
    epoch,
    state: {} as Judged['state'],
  });
  expect(isOf(judged(trust, 1), trust)).toBe(true);
  expect(isOf(judged(trust, 0), trust)).toBe(false);
  expect(isOf(judged({ epoch: 1 } as ClientTrust, 1), trust)).toBe(false);
  expect(isOf(judged(undefined, 1), trust)).toBe(false);
  expect(isOf(judged(trust, 1), undefined)).toBe(false);
  expect(isOf(judged(undefined, 0), undefined)).toBe(true);
});

it('the lists bound a certificate on both sides, and never make it last longer', () => {
  const path = pathOf(1000, 2000);
  const bounds = (notBefore: number, notAfter: number): Verdict => within(path, { notBefore, notAfter });
  const { certificate } = verdictOn(path) as { certificate: unknown };
  expect(bounds(1200, 1800)).toEqual({ certificate, notBefore: 1200, notAfter: 1800 });
  expect(bounds(0, 3000)).toEqual({ certificate, notBefore: 1000, notAfter: 2000 });
  expect(bounds(1200, 3000)).toEqual({ certificate, notBefore: 1200, notAfter: 2000 });
  expect(within(path, undefined)).toBe(verdictOn(path));
});

it('what the lists refuse is refused', () => {
  const revoked = problem('CLIENT_CERTIFICATE_REVOKED');
  expect(within(pathOf(1000, 2000), revoked)).toBe(revoked);
  expect(verdictOn(revoked)).toBe(revoked);
});

it('one path has one certificate, which nobody else makes', () => {
  const path = pathOf(1000, 2000);
  const [first, second] = [verdictOn(path), verdictOn(path)] as Array<Extract<Verdict, { notAfter: number }>>;
  expect(first).toBe(second);
  expect(Object.isFrozen(first)).toBe(true);
  expect(first).toMatchObject({ notBefore: 1000, notAfter: 2000 });
  expect(isClientCertificate(first!.certificate)).toBe(true);
  expect(verdictOn(pathOf(1000, 2000))).not.toBe(first);
});
