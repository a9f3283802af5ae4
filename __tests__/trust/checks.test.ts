/** What no certificate shows cheaply: keys of thousands of bits, and dates to the millisecond. What paths show: path.test.ts. */
import { describe, expect, it } from '@jest/globals';
import {
  faultOfAnchor,
  labelOf,
  problemOfIssuer,
  problemOfKey,
  problemOfLeaf,
} from '../../lib/trust/checks.ts';
import { type Relaxations, strict } from '../../lib/trust/profile/path-check.ts';
import { forServers } from '../../lib/trust/purpose.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';

const large: Relaxations = new Set(['large-key']);
const withKey = (type: string, bits: number | undefined): Certificate =>
  ({ publicKey: { type, bits } }) as unknown as Certificate;

describe('an RSA key', () => {
  it.each([
    [2048, true, true],
    [8192, true, true],
    [8193, false, true],
    [16_384, false, true],
    [16_385, false, false],
    [1_000_000, false, false],
  ])('of %d bits is used (%p), and where large ones are allowed (%p)', (bits, usual, allowed) => {
    for (const type of ['rsa', 'rsa-pss']) {
      expect(problemOfKey(withKey(type, bits), strict) === undefined).toBe(usual);
      expect(problemOfKey(withKey(type, bits), large) === undefined).toBe(allowed);
    }
    expect(problemOfKey(withKey('ec', bits), strict)).toBeUndefined();
  });

  it('that is too large is told with its size, and of one without a size nothing is said here', () => {
    expect(problemOfKey(withKey('rsa', 9000), strict)).toEqual({
      code: 'CLIENT_CERTIFICATE_UNTRUSTED',
      reason: expect.stringMatching(/9000 bits.*large-key/s),
    });
    expect(problemOfKey(withKey('rsa', undefined), strict)).toBeUndefined();
  });
});

describe('the dates', () => {
  const root = oddAuthority();
  const leaf = new Certificate(oddCertificate({ issuer: root }).der);
  const anchor = new Certificate(root.der);
  const code = (problem: { readonly code: string } | undefined): string | undefined => problem?.code;

  it('of a leaf and of an issuer hold at both ends, and not a millisecond beyond', () => {
    for (const [certificate, judge] of [
      [leaf, (at: number) => problemOfLeaf(leaf, at, strict)],
      [anchor, (at: number) => problemOfIssuer(anchor, [leaf], at, strict)],
    ] as const) {
      const { notBefore, notAfter } = certificate;
      expect([notBefore, notAfter].map((at) => code(judge(at)))).toEqual([undefined, undefined]);
      expect(code(judge(notBefore - 1))).toBe('CLIENT_CERTIFICATE_NOT_YET_VALID');
      expect(code(judge(notAfter + 1))).toBe('CLIENT_CERTIFICATE_EXPIRED');
    }
    expect(problemOfLeaf(leaf, leaf.notAfter + 1, strict)?.reason).toContain(
      new Date(leaf.notAfter).toISOString(),
    );
    expect(problemOfLeaf(leaf, leaf.notBefore - 1, strict)?.reason).toContain(
      new Date(leaf.notBefore).toISOString(),
    );
  });
});

describe('the purpose', () => {
  const issuedFor = (...oids: string[]): Certificate =>
    new Certificate(
      oddCertificate({ extensions: { extendedKeyUsage: extension.extendedKeyUsage(oids) } }).der,
    );
  const server = issuedFor(purposes.serverAuth);
  const client = issuedFor(purposes.clientAuth);

  it('is that of whom it is asked for', () => {
    const at = client.notBefore;
    expect(problemOfLeaf(client, at, strict)).toBeUndefined();
    expect(problemOfLeaf(server, at, strict)?.code).toBe('CLIENT_CERTIFICATE_PURPOSE');
    expect(problemOfLeaf(server, at, strict, forServers)).toBeUndefined();
    expect(problemOfLeaf(client, at, strict, forServers)?.code).toBe('CLIENT_CERTIFICATE_PURPOSE');
  });
});

it('an anchor that cannot be read to its end is refused at the start, and a good one is not', () => {
  const root = new Certificate(oddAuthority().der);
  expect(faultOfAnchor(root, strict)).toBeUndefined();
  const broken = Object.defineProperty(Object.create(root) as Certificate, 'version', {
    get: () => {
      throw new Error('cut off');
    },
  });
  expect(faultOfAnchor(broken, strict)).toMatchObject({ check: 'malformed' });
});

it('is called by its name, or else by its fingerprint', () => {
  expect(labelOf({ subject: { CN: ['a', 'b'] }, fingerprint256: 'AB' } as unknown as Certificate)).toBe(
    'a+b',
  );
  expect(labelOf({ subject: {}, fingerprint256: 'AB' } as unknown as Certificate)).toBe('AB');
});
