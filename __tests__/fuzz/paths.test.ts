import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { isPolicyViolationCode } from '../../lib/errors.ts';
import { bitString, sequence } from '../../lib/pki/der.ts';
import {
  addressSubtree,
  directorySubtree,
  dnsSubtree,
  emailSubtree,
  uriSubtree,
} from '../../lib/trust/names/name-bases.ts';
import { linkPath, verifyPath } from '../../lib/trust/path.ts';
import { isProblem } from '../../lib/trust/problem.ts';
import { Certificate, readCertificate } from '../../lib/x509/certificate.ts';
import { readChildren, readElement } from '../../lib/x509/der.ts';
import { oddAuthority, oddCertificate, type OddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';
import { times } from '../support/fuzz-runs.ts';

const names = [
  generalName.dns('a.example.org'),
  generalName.email('a@example.org'),
  generalName.uri('spiffe://example.org/a'),
  generalName.ip('10.0.0.1'),
  generalName.directory(name(attribute('O', 'Acme'))),
];
const permitted = [
  generalName.dns('example.org'),
  generalName.email('example.org'),
  generalName.uri('example.org'),
  generalName.ip(Buffer.of(10, 0, 0, 0, 255, 0, 0, 0)),
  generalName.directory(name(attribute('O', 'Acme'))),
];
const root = oddAuthority({ subject: commonName('root') });
const intermediate = oddAuthority({
  issuer: root,
  extensions: {
    nameConstraints: extension.nameConstraints({ permitted }),
    certificatePolicies: extension.certificatePolicies(['1.2.3']),
  },
});
const leaf = oddCertificate({
  issuer: intermediate,
  subject: name(attribute('O', 'Acme'), attribute('CN', 'a')),
  extensions: {
    subjectAltName: extension.subjectAltName(names),
    certificatePolicies: extension.certificatePolicies(['1.2.3']),
  },
});
const anchors = [new Certificate(root.der)];
const at = Date.now();

/** Milliseconds, for the slowest of machines: what is meant is seconds. */
const bound = 10_000;

function judge(octets: Buffer, hints: readonly Buffer[]): boolean {
  const began = performance.now();
  const outcome = verifyPath({ leaf: octets, hints, anchors, at });
  const linked = linkPath(octets, hints, at);
  expect(performance.now() - began).toBeLessThan(bound);
  for (const result of [outcome, linked]) {
    if (!isProblem(result)) continue;
    expect(isPolicyViolationCode(result.code)).toBe(true);
    expect(result.reason.length).toBeLessThan(500);
  }
  return !isProblem(outcome);
}

type Change = (octets: Buffer) => Buffer;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([place, mask]): Change => (octets) => {
    const copy = Buffer.from(octets);
    copy[place % copy.length]! ^= mask;
    return copy;
  }),
  fc.tuple(fc.nat(), fc.nat({ max: 40 })).map(([place, length]): Change => (octets) => {
    const from = place % octets.length;
    return Buffer.concat([octets.subarray(0, from), octets.subarray(from + 1 + length)]);
  }),
  fc
    .tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 40 }))
    .map(([place, more]): Change => (octets) => {
      const from = place % octets.length;
      return Buffer.concat([octets.subarray(0, from), more, octets.subarray(from)]);
    }),
);
const changes = fc.array(change, { minLength: 1, maxLength: 4 });
const apply = (octets: Buffer, all: readonly Change[]): Buffer =>
  all.reduce((now, one) => (now.length === 0 ? now : one(now)), octets);

/** The same certificate with another body, signed by its issuer as if it had meant it. */
function signedAnew(issuer: OddCertificate, { der }: OddCertificate, all: readonly Change[]): Buffer {
  const [body, algorithm] = readChildren(readElement(der));
  const content = apply(body!.content, all);
  const altered = sequence(content);
  return sequence(altered, algorithm!.raw, bitString(sign('sha256', altered, issuer.keys.privateKey)));
}

describe('a path of which octets were changed', () => {
  it('is good as it is', () => {
    expect(judge(leaf.der, [intermediate.der])).toBe(true);
  });

  it('is refused with a code, whatever was changed in the leaf', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const octets = apply(leaf.der, all);
        expect(judge(octets, [intermediate.der])).toBe(octets.equals(leaf.der));
      }),
      times(600),
    );
  });

  it('is refused with a code, whatever was changed in its intermediate', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const octets = apply(intermediate.der, all);
        expect(judge(leaf.der, [octets])).toBe(octets.equals(intermediate.der));
      }),
      times(500),
    );
  });

  it('is refused for each single octet of the leaf', () => {
    for (let place = 0; place < leaf.der.length; place += 1) {
      const octets = Buffer.from(leaf.der);
      octets[place]! ^= 1 << (place % 8);
      expect(judge(octets, [intermediate.der])).toBe(false);
    }
  });

  it('is let in only within the profile, where the CA itself has signed the change', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const octets = signedAnew(intermediate, leaf, all);
        if (!judge(octets, [intermediate.der])) return;
        const { version, isCa, notBefore, notAfter, issuerRaw, keyUsage, subjectAltNames, authorityKeyId } =
          readCertificate(octets)!;
        expect([version, isCa, keyUsage?.has('keyCertSign')]).toEqual([3, false, false]);
        expect(notBefore <= at && at <= notAfter && issuerRaw.equals(intermediate.subject)).toBe(true);
        expect(authorityKeyId).toBe(intermediate.keyId.toString('hex'));
        expect(subjectAltNames.dns.every((dns) => /(?:^|\.)example\.org$/i.test(dns))).toBe(true);
        expect(subjectAltNames.email.every((email) => /^[^@]+@example\.org$/i.test(email))).toBe(true);
        expect(subjectAltNames.ip.every((ip) => ip.startsWith('10.'))).toBe(true);
      }),
      times(600),
    );
  });

  it('is judged with a code, where the root has signed a change of the intermediate', () => {
    fc.assert(
      fc.property(changes, (all) => {
        expect([true, false]).toContain(judge(leaf.der, [signedAnew(root, intermediate, all)]));
      }),
      times(600),
    );
  });
});

describe('names against constraints', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.stringMatching(/^[a-c.*@:/?#\\[\]%0-9-]{0,40}$/),
    fc.constantFrom('a.b', '.a.b', '*.a.b', 'x@a.b', 'spiffe://a.b/x', 'A.B', 'c.a.b', ''),
  );
  const octets = fc.oneof(
    text.map((value) => Buffer.from(value, 'latin1')),
    fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value)),
  );
  const readers = [dnsSubtree, emailSubtree, uriSubtree, addressSubtree, directorySubtree];

  it('are compared without a throw, and what is wholly within a subtree is also partly within it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...readers), octets, octets, (reader, base, given) => {
        const subtree = reader(base);
        if (subtree === undefined) return;
        const [whole, part] = [subtree(given, true), subtree(given, false)];
        expect([true, false, undefined]).toContain(whole);
        // Nothing is wholly within and not partly; what cannot be judged one way cannot be the other.
        expect(whole === false || part === whole).toBe(true);
      }),
      times(5000),
    );
  });

  it('are within a dNSName exactly where labels can be put before it', () => {
    const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,6}[a-z0-9])?$/);
    const host = fc.array(label, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(host, host, (base, given) => {
        const expected =
          given.length >= base.length && given.slice(-base.length).join('.') === base.join('.');
        const subtree = dnsSubtree(Buffer.from(base.join('.')))!;
        expect(subtree(Buffer.from(given.join('.').toUpperCase()), true)).toBe(expected);
        expect(subtree(Buffer.from([...given, ...base].join('.')), true)).toBe(true);
        const email = emailSubtree(Buffer.from(base.join('.')))!;
        expect(email(Buffer.from(`x@${given.join('.')}`), true)).toBe(given.join('.') === base.join('.'));
      }),
      times(1000),
    );
  });

  it('take no longer than their length allows', () => {
    const long = ['a.'.repeat(50_000), 'a@'.repeat(50_000), `s://${'@'.repeat(50_000)}`, 'a'.repeat(100_000)];
    const began = performance.now();
    for (const reader of [dnsSubtree, emailSubtree, uriSubtree])
      for (const given of long) reader(Buffer.from('example.org'))!(Buffer.from(given), false);
    expect(performance.now() - began).toBeLessThan(bound);
  });
});
