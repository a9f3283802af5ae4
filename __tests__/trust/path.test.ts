import { X509Certificate } from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import { linkPath, verifyPath, type VerifiedPath } from '../../lib/trust/path.ts';
import { type CertificateProblem, isProblem } from '../../lib/trust/problem.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import {
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
} from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { newKeys } from '../support/odd-keys.ts';
import { commonName } from '../support/odd-names.ts';

const now = Date.now();
const hourMs = 3_600_000;
const at = (hours: number): Date => new Date(now + hours * hourMs);

interface Sent {
  readonly leaf: OddCertificate;
  readonly hints?: readonly OddCertificate[];
  readonly anchors: readonly OddCertificate[];
  readonly at?: number;
}

const verify = ({ leaf, hints = [], anchors, at: time = now }: Sent): VerifiedPath | CertificateProblem =>
  verifyPath({
    leaf: leaf.der,
    hints: hints.map(({ der }) => der),
    anchors: anchors.map(({ der }) => new Certificate(der)),
    at: time,
  });

/** The path by position in `certificates`, or why there is none. */
function pathIn(
  outcome: VerifiedPath | CertificateProblem,
  ...certificates: OddCertificate[]
): readonly number[] | string {
  if (isProblem(outcome)) return outcome.code;
  return outcome.certificates.map(({ raw }) => certificates.findIndex(({ der }) => der.equals(raw)));
}

const root = oddAuthority({ subject: commonName('Root') });
const other = oddAuthority({ subject: commonName('Other root') });
const keys = newKeys('ec-p256');
const intermediate = oddAuthority({ issuer: root, keys });
const cross = oddAuthority({ issuer: other, keys });
const leaf = oddCertificate({ issuer: intermediate });
const limited = (pathLength: number): OddCertificate =>
  oddAuthority({
    subject: commonName('Limited'),
    extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength }) },
  });
const link = (first: OddCertificate, ...hints: OddCertificate[]): readonly number[] | string =>
  pathIn(
    linkPath(
      first.der,
      hints.map(({ der }) => der),
      now,
    ),
    first,
    ...hints,
  );
const untrusted = 'CLIENT_CERTIFICATE_UNTRUSTED';

/** Whatever verifies a signature asks for the issuer's key. */
const spyOnSignatures = (): jest.SpiedGetter<X509Certificate['publicKey']> =>
  jest.spyOn(X509Certificate.prototype, 'publicKey', 'get');

describe('a path', () => {
  it('goes from the certificate by what the client sent to an anchor', () => {
    const outcome = verify({ leaf, hints: [intermediate], anchors: [root] });
    expect(pathIn(outcome, leaf, intermediate, root)).toEqual([0, 1, 2]);
  });

  it('ends at an anchor that is an intermediate, whoever is above it', () => {
    expect(pathIn(verify({ leaf, anchors: [intermediate] }), leaf, intermediate)).toEqual([0, 1]);
    const both = verify({ leaf, hints: [intermediate], anchors: [root, intermediate] });
    expect(pathIn(both, leaf, intermediate)).toEqual([0, 1]);
  });

  it('is valid while all of its certificates are', () => {
    // Within the dates of the others, which begin an hour ago.
    const short = oddAuthority({ issuer: root, notBefore: at(-0.5), notAfter: at(1) });
    const outcome = verify({ leaf: oddCertificate({ issuer: short }), hints: [short], anchors: [root] });
    const { notBefore, notAfter } = new Certificate(short.der);
    expect(outcome).toMatchObject({ notBefore, notAfter });
  });

  it('takes the cross-signed intermediate that leads to an anchor', () => {
    for (const hints of [
      [intermediate, cross],
      [cross, intermediate],
    ]) {
      expect(pathIn(verify({ leaf, hints, anchors: [other] }), leaf, cross, other)).toEqual([0, 1, 2]);
      expect(pathIn(verify({ leaf, hints, anchors: [root] }), leaf, intermediate, root)).toEqual([0, 1, 2]);
    }
  });

  it('takes the valid one of two intermediates of the same name and key', () => {
    const old = oddAuthority({ issuer: root, keys, notBefore: at(-48), notAfter: at(-24) });
    for (const hints of [
      [old, intermediate],
      [intermediate, old],
    ]) {
      expect(pathIn(verify({ leaf, hints, anchors: [root] }), leaf, intermediate, root)).toEqual([0, 1, 2]);
    }
    expect(verify({ leaf, hints: [old], anchors: [root] })).toMatchObject({
      code: 'CLIENT_CERTIFICATE_EXPIRED',
    });
  });

  it('takes the valid one of two roots of the same name and key', () => {
    const old = oddAuthority({
      subject: root.subject,
      keys: root.keys,
      notBefore: at(-48),
      notAfter: at(-24),
    });
    for (const anchors of [
      [old, root],
      [root, old],
    ]) {
      expect(pathIn(verify({ leaf, hints: [intermediate], anchors }), leaf, intermediate, root)).toEqual([
        0, 1, 2,
      ]);
    }
  });

  it('takes the genuine one of two CAs of the same name', () => {
    const impostor = impostorOf(intermediate, { issuer: root, issuerName: root.subject });
    const hints = [impostor, intermediate];
    expect(pathIn(verify({ leaf, hints, anchors: [root] }), leaf, intermediate, root)).toEqual([0, 1, 2]);
  });

  it('is not in the wrong order of what was sent, nor by what was sent twice', () => {
    const lower = oddAuthority({ issuer: intermediate, subject: commonName('Lower') });
    const below = oddCertificate({ issuer: lower });
    const hints = [root, intermediate, lower, intermediate, root];
    expect(pathIn(verify({ leaf: below, hints, anchors: [root] }), below, lower, intermediate, root)).toEqual(
      [0, 1, 2, 3],
    );
  });

  it('compares names as RFC 5280 7.1 does: string types, case and white space do not count', () => {
    for (const issuerName of [commonName('Root', 'printable'), commonName(' ROOT  ', 'bmp')]) {
      const spelt = oddCertificate({ issuer: root, issuerName });
      expect(pathIn(verify({ leaf: spelt, anchors: [root] }), spelt, root)).toEqual([0, 1]);
      const impostor = oddCertificate({ issuer: impostorOf(root), issuerName });
      expect(pathIn(verify({ leaf: impostor, anchors: [root] }))).toBe(untrusted);
    }
  });

  it('tells what is wrong with an issuer rather than that another one is missing', () => {
    const expired = oddAuthority({ issuer: root, keys, notBefore: at(-48), notAfter: at(-24) });
    for (const hints of [
      [expired, cross],
      [cross, expired],
    ])
      expect(pathIn(verify({ leaf, hints, anchors: [root] }))).toBe('CLIENT_CERTIFICATE_EXPIRED');
  });

  it('passes over a certificate beside it that cannot be read', () => {
    const outcome = verifyPath({
      leaf: leaf.der,
      hints: [Buffer.from('garbage'), Buffer.alloc(0), intermediate.der.subarray(0, -1), intermediate.der],
      anchors: [new Certificate(root.der)],
      at: now,
    });
    expect(isProblem(outcome)).toBe(false);
  });
});

describe('no path', () => {
  it('is made by a certificate that only has the name of the issuer', () => {
    const impostor = impostorOf(root);
    expect(verify({ leaf: oddCertificate({ issuer: impostor }), anchors: [root] })).toMatchObject({
      code: untrusted,
      reason: 'a certificate with the name of its issuer did not sign it',
    });
  });

  it('leads to what the client sent itself', () => {
    const own = oddAuthority();
    const outcome = verify({ leaf: oddCertificate({ issuer: own }), hints: [own], anchors: [root] });
    expect(outcome).toMatchObject({ code: untrusted, incomplete: true });
  });

  it('goes through an intermediate that an anchor did not sign', () => {
    const forged = oddAuthority({ issuer: other, issuerName: root.subject, keys });
    expect(pathIn(verify({ leaf, hints: [forged], anchors: [root] }))).toBe(untrusted);
  });

  it('is complete without its intermediate', () => {
    expect(verify({ leaf, anchors: [root] })).toMatchObject({ code: untrusted, incomplete: true });
  });

  it('ends at an anchor whose key identifier is not the one that is named', () => {
    const mismatched = oddCertificate({
      issuer: root,
      extensions: { authorityKeyId: extension.authorityKeyId(other.keyId) },
    });
    expect(verify({ leaf: mismatched, anchors: [root] })).toMatchObject({
      code: untrusted,
      incomplete: true,
    });
  });

  it('begins with a certificate that is an anchor itself', () => {
    expect(pathIn(verify({ leaf: root, anchors: [root] }))).toBe('CLIENT_CERTIFICATE_PURPOSE');
    const client = oddCertificate();
    expect(pathIn(verify({ leaf: client, anchors: [client] }))).toBe(untrusted);
  });

  it('is longer than eight certificates', () => {
    const chain = [root];
    for (let depth = 0; depth < 8; depth++) {
      chain.push(oddAuthority({ issuer: chain.at(-1)!, subject: commonName(`Depth ${depth}`) }));
    }
    const reaches = (length: number): boolean => {
      const issuer = chain[length - 2]!;
      return !isProblem(verify({ leaf: oddCertificate({ issuer }), hints: chain, anchors: [root] }));
    };
    expect([2, 3, 7, 8, 9].map(reaches)).toEqual([true, true, true, true, false]);
  });

  it('has names of other words, in whatever spelling', () => {
    const spelt = oddCertificate({ issuer: root, issuerName: commonName('R oot', 'printable') });
    expect(pathIn(verify({ leaf: spelt, anchors: [root] }))).toBe(untrusted);
  });
});

describe('the path length', () => {
  it('of an anchor counts, too', () => {
    const none = limited(0);
    const one = limited(1);
    const below = (anchor: OddCertificate): string | readonly number[] => {
      const between = oddAuthority({ issuer: anchor });
      return pathIn(
        verify({ leaf: oddCertificate({ issuer: between }), hints: [between], anchors: [anchor] }),
      );
    };
    expect(below(none)).toBe(untrusted);
    expect(below(one)).toHaveLength(3);
    expect(isProblem(verify({ leaf: oddCertificate({ issuer: none }), anchors: [none] }))).toBe(false);
  });

  it('does not count intermediates that are self-issued, as after a change of keys', () => {
    const none = limited(0);
    const renewed = oddAuthority({ issuer: none, subject: none.subject });
    const outcome = verify({ leaf: oddCertificate({ issuer: renewed }), hints: [renewed], anchors: [none] });
    expect(isProblem(outcome)).toBe(false);
  });
});

describe('certificates that sign each other in a circle', () => {
  it('lead nowhere, and end', () => {
    const names = ['East', 'West'].map((text) => commonName(text));
    const [east, west] = [newKeys('ec-p256'), newKeys('ec-p256')];
    const rootOf = (subject: Buffer, own: typeof east): OddCertificate =>
      oddAuthority({ subject, keys: own });
    const eastByWest = oddAuthority({ subject: names[0]!, keys: east, issuer: rootOf(names[1]!, west) });
    const westByEast = oddAuthority({ subject: names[1]!, keys: west, issuer: rootOf(names[0]!, east) });
    const client = oddCertificate({ issuer: eastByWest });
    const hints = [eastByWest, westByEast, eastByWest, westByEast];
    expect(pathIn(verify({ leaf: client, hints, anchors: [root] }))).toBe(untrusted);
    expect(pathIn(verify({ leaf: client, hints, anchors: [rootOf(names[1]!, west)] }))).toHaveLength(3);
    expect(
      isProblem(
        linkPath(
          client.der,
          hints.map(({ der }) => der),
          now,
        ),
      ),
    ).toBe(false);
  });

  const subject = commonName('Everyone');
  const own = newKeys('ec-p256');
  const base = oddAuthority({ subject, keys: own });
  const client = oddCertificate({ issuer: base });
  const outcomeOf = (sent: Sent): readonly [outcome: unknown, signatures: number] => {
    const check = spyOnSignatures();
    const outcome = verify(sent);
    const checks = check.mock.calls.length;
    check.mockRestore();
    return [isProblem(outcome) ? outcome.reason : outcome.certificates.length, checks];
  };

  it('cost no signature where no anchor has signed any of them, whatever keys they choose', () => {
    // All have one name and one key, so that each has signed all the others: a factorial of paths.
    const hints = Array.from({ length: 9 }, () => oddAuthority({ subject, keys: own, issuer: base }));
    expect(outcomeOf({ leaf: client, hints, anchors: [root] })).toEqual(['its issuer is not known here', 0]);
    const named = Array.from({ length: 9 }, () => oddAuthority({ issuer: impostorOf(root) }));
    const below = oddCertificate({ issuer: named[0]! });
    expect(outcomeOf({ leaf: below, hints: named, anchors: [root] })).toEqual([
      'its issuer is not known here',
      9,
    ]);
  });

  it('have one name and one key in a path once', () => {
    const hints = Array.from({ length: 9 }, () => oddAuthority({ subject, keys: own, issuer: base }));
    const linked = oddAuthority({ subject, keys: own, issuer: root });
    const sent = { leaf: client, hints: [...hints, linked], anchors: [root] };
    expect(outcomeOf(sent)[0]).toBe(3);
    const chain = sent.hints.map(({ der }) => der);
    const outcome = linkPath(client.der, chain, now);
    expect(isProblem(outcome) || outcome.certificates).toHaveLength(2);
  });

  it('below an anchor of ours cost no more than 20 signatures', () => {
    const crossed = Array.from({ length: 40 }, () =>
      impostorOf(base, { issuer: base, keys: newKeys('ec-p256') }),
    );
    const sent = { leaf: oddCertificate({ issuer: impostorOf(base) }), hints: crossed, anchors: [base] };
    expect(outcomeOf(sent)).toEqual(['its path has too many candidates', 20]);
    const strangers = crossed.map(({ der }) => der);
    expect(linkPath(sent.leaf.der, strangers, now)).toMatchObject({
      reason: 'its path has too many candidates',
    });
  });

  it('among a flood of strangers cost no signature at all', () => {
    const hints = Array.from({ length: 300 }, () => other);
    const check = spyOnSignatures();
    const outcome = verify({ leaf, hints: [...hints, intermediate], anchors: [root] });
    const checks = check.mock.calls.length;
    check.mockRestore();
    expect(pathIn(outcome, leaf, intermediate, root)).toEqual([0, 1, 2]);
    expect(checks).toBe(2);
  });
});

describe('the purpose of a CA', () => {
  it.each([
    ['clientAuth', purposes.clientAuth, true],
    ['any', purposes.any, true],
    ['serverAuth', purposes.serverAuth, false],
    ['emailProtection', purposes.emailProtection, false],
  ])('%s: issues clients is %s → %s', (_name, purpose, allowed) => {
    const narrow = oddAuthority({
      issuer: root,
      extensions: { extendedKeyUsage: extension.extendedKeyUsage([purpose]) },
    });
    const outcome = verify({ leaf: oddCertificate({ issuer: narrow }), hints: [narrow], anchors: [root] });
    expect(isProblem(outcome) ? outcome.code : 'in').toBe(allowed ? 'in' : 'CLIENT_CERTIFICATE_PURPOSE');
  });
});

describe('malformed name constraints', () => {
  const constrained = oddAuthority({
    issuer: root,
    extensions: { nameConstraints: extension.nameConstraints({ permitted: [] }) },
  });
  const client = oddCertificate({ issuer: constrained });

  it('are refused in an intermediate and in an anchor', () => {
    expect(pathIn(verify({ leaf: client, hints: [constrained], anchors: [root] }))).toBe(untrusted);
    expect(pathIn(verify({ leaf: client, anchors: [constrained] }))).toBe(untrusted);
  });
});

describe('the dates', () => {
  it('hold to the second, both ends included', () => {
    // Well within those of its issuers, which may be of another second.
    const brief = oddCertificate({ issuer: intermediate, notBefore: at(-0.1), notAfter: at(0.1) });
    const { notBefore, notAfter } = new Certificate(brief.der);
    const code = (time: number): string =>
      String(pathIn(verify({ leaf: brief, hints: [intermediate], anchors: [root], at: time })));
    expect(code(notBefore)).not.toContain('CLIENT');
    expect(code(notAfter)).not.toContain('CLIENT');
    expect(code(notBefore - 1)).toBe('CLIENT_CERTIFICATE_NOT_YET_VALID');
    expect(code(notAfter + 1)).toBe('CLIENT_CERTIFICATE_EXPIRED');
  });

  it('of an anchor count, too', () => {
    const expired = oddAuthority({ notBefore: at(-48), notAfter: at(-24) });
    expect(pathIn(verify({ leaf: oddCertificate({ issuer: expired }), anchors: [expired] }))).toBe(
      'CLIENT_CERTIFICATE_EXPIRED',
    );
  });
});

describe('a path that OpenSSL has verified', () => {
  it('goes as far as signatures link it', () => {
    expect(link(leaf, intermediate, root)).toEqual([0, 1, 2]);
    expect(link(leaf, intermediate)).toEqual([0, 1]);
    expect(link(leaf)).toEqual([0]);
    expect(link(leaf, root)).toEqual([0]);
  });

  it('never goes on to a certificate that has the name and did not sign', () => {
    expect(link(leaf, impostorOf(intermediate), root)).toEqual([0]);
    expect(link(leaf, intermediate, impostorOf(root))).toEqual([0, 1]);
  });

  it('is refused for what OpenSSL lets pass: weak keys and signatures, CAs as clients, version 1', () => {
    expect(link(oddCertificate({ issuer: root, hash: 'sha1' }), root)).toBe(untrusted);
    const weak = oddAuthority({ issuer: root, hash: 'sha1' });
    expect(link(oddCertificate({ issuer: weak }), weak, root)).toBe(untrusted);
    expect(link(oddCertificate({ issuer: root, version: 1 }), root)).toBe(untrusted);
    expect(link(intermediate, root)).toBe('CLIENT_CERTIFICATE_PURPOSE');
  });
});
