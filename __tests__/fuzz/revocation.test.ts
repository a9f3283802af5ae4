import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { ocspRespondersOf } from '../../lib/trust/ocsp/ocsp-extensions.ts';
import { readOcspResponse } from '../../lib/trust/ocsp/ocsp-response.ts';
import { isOcspProblem, verifyOcspResponse } from '../../lib/trust/ocsp/ocsp-verify.ts';
import { AllowedHosts } from '../../lib/trust/revocation/allowed-hosts.ts';
import { CrlError } from '../../lib/trust/revocation/crl-error.ts';
import { readRevocationLists, withRevocationLists } from '../../lib/trust/revocation/crl-input.ts';
import { indexEntries } from '../../lib/trust/revocation/crl-entries.ts';
import { readFetchedList } from '../../lib/trust/revocation/crl-slowly.ts';
import { distributionPointsOf } from '../../lib/trust/revocation/distribution-points.ts';
import { positiveInteger, sequence, time } from '../../lib/pki/der.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { DerError, readElement } from '../../lib/x509/der.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { extension } from '../support/odd-extensions.ts';
import { crlNumber, distribution, oddCrl, pemOf } from '../support/odd-crls.ts';
import { ocspDelegate, ocspResponse, ocspServer } from '../support/ocsp.ts';
import { clientOf, distributionPoints, responders } from '../support/revocation.ts';
import { times } from '../support/fuzz-runs.ts';

let sound: Buffer;
beforeAll(async () => {
  const entries = [
    { serial: '05' },
    { serial: 'ff00', reason: 6 },
    { serial: '1234567890abcdef', reason: 1 },
  ];
  sound = oddCrl(await createAuthority(), {
    entries,
    extensions: [crlNumber(7), distribution.at('http://a.test/1.crl')],
  });
});

/** What of a list is changed: an octet replaced, removed or doubled, or the rest cut off. */
const change = fc.tuple(
  fc.nat(),
  fc.oneof(
    fc.record({ kind: fc.constant('replace' as const), octet: fc.integer({ min: 0, max: 255 }) }),
    fc.record({ kind: fc.constantFrom('remove' as const, 'double' as const, 'cut' as const) }),
  ),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function mutated(changes: readonly Change[]): Buffer {
  let octets = Buffer.from(sound);
  for (const [place, how] of changes) {
    if (octets.length === 0) break;
    const at = place % octets.length;
    if (how.kind === 'replace') octets[at] = how.octet;
    else if (how.kind === 'cut') octets = octets.subarray(0, at);
    else
      octets = Buffer.concat([
        octets.subarray(0, how.kind === 'remove' ? at : at + 1),
        octets.subarray(at + (how.kind === 'remove' ? 1 : 0)),
      ]);
  }
  return octets;
}

describe('whatever is given as a CRL', () => {
  it('is read, or refused by a coded error', () => {
    const run = (): void =>
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          try {
            return readRevocationLists(mutated(changes), 'crl').length === 1;
          } catch (error) {
            return error instanceof ConfigError && /^CRL_(INVALID|MISSING)$/.test(error.code);
          }
        }),
        times(5000),
      );
    expect(run).not.toThrow();
  });

  it('is refused in the same way where it is read little by little', async () => {
    const run = fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async (changes) => {
        const octets = mutated(changes);
        const codeOf = (error: unknown): string => (error as ConfigError).code;
        const slowly = await withRevocationLists(octets, 'crl', () => 'read').catch(codeOf);
        try {
          readRevocationLists(octets, 'crl');
          return slowly === 'read';
        } catch (error) {
          return slowly === codeOf(error);
        }
      }),
      times(400),
    );
    expect(await run).toBeUndefined();
  });
});

describe('an index of serial numbers', () => {
  const serial = fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((octets) => positiveInteger(Buffer.from(octets)));

  it('has those that were put in, and no others', () => {
    const now = time(new Date());
    const run = (): void =>
      fc.assert(
        fc.property(
          fc.array(serial, { maxLength: 200 }),
          fc.array(serial, { maxLength: 50 }),
          (inside, outside) => {
            const entries = sequence(...inside.map((integer) => sequence(integer, now)));
            const steps = indexEntries(readElement(entries));
            let step = steps.next();
            while (step.done !== true) step = steps.next();
            const known = new Set(inside.map((integer) => integer.toString('hex')));
            const index = step.value;
            return [...inside, ...outside].every(
              (integer) => index.has(readElement(integer).content) === known.has(integer.toString('hex')),
            );
          },
        ),
        times(400),
      );
    expect(run).not.toThrow();
  });

  it('of a list in which nobody stands is empty', () => {
    const step = indexEntries(undefined).next();
    expect(step.done === true && step.value.has(Buffer.of(5))).toBe(false);
    expect(step.done).toBe(true);
  });
});

const { issuer, id } = ocspServer();
const ca = issuer;
const caCertificate = new Certificate(issuer.der);
const delegate = ocspDelegate(issuer);
const good = [
  ocspResponse({ id, signer: issuer }),
  ocspResponse({ id, signer: delegate, certificates: [delegate.der], responderBy: 'key' }),
] as const;

/** A good response in which some octets are others. */
const damaged = fc
  .tuple(
    fc.constantFrom(...good),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
  )
  .map(([response, changes]) => {
    const copy = Buffer.from(response);
    for (const [place, bits] of changes) copy[place % copy.length]! ^= bits;
    return { response, copy };
  })
  .filter(({ response, copy }) => !response.equals(copy));

function isReadOrRefused(octets: Buffer): boolean {
  try {
    readOcspResponse(octets);
    return true;
  } catch (error) {
    return error instanceof DerError;
  }
}

describe('whatever a responder sends', () => {
  it('is read, or is a DerError', () => {
    expect(good.every(isReadOrRefused)).toBe(true);
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
      damaged.map(({ copy }) => copy),
    );
    fc.assert(
      fc.property(anything, (octets) => isReadOrRefused(octets)),
      times(3000),
    );
  });

  it('is what the issuer has signed, or does not count', () => {
    const [first] = good;
    expect(verifyOcspResponse(first, id, caCertificate, Date.now())).toMatchObject({ status: 'good' });
    fc.assert(
      fc.property(damaged, ({ response, copy }) => {
        const outcome = verifyOcspResponse(copy, id, caCertificate, Date.now());
        // What is not signed may change: the certificates that come along, and how an ECDSA signature is written.
        if (isOcspProblem(outcome)) return;
        const changed = readOcspResponse(copy);
        const before = readOcspResponse(response);
        if (typeof changed === 'string' || typeof before === 'string') throw new Error('it was not read');
        expect(changed.signed.data.equals(before.signed.data)).toBe(true);
      }),
      times(1500),
    );
  });
});

describe('whatever a server sends as a list', () => {
  it('is read, or is a DerError or CrlError, as text too', async () => {
    const isCoded = (octets: Buffer): Promise<boolean> =>
      readFetchedList(octets).then(
        () => true,
        (error: unknown) => error instanceof DerError || error instanceof CrlError,
      );
    expect(await isCoded(sound)).toBe(true);
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)),
      fc.array(change, { minLength: 1, maxLength: 3 }).map(mutated),
      fc.string().map((text) => Buffer.from(`-----BEGIN X509 CRL-----\n${text}\n-----END X509 CRL-----`)),
      fc.array(change, { minLength: 1, maxLength: 2 }).map((changes) => Buffer.from(pemOf(mutated(changes)))),
    );
    await fc.assert(fc.asyncProperty(anything, isCoded), times(1000));
  });

  // By a pattern that looks for each end to the end of the text it would take minutes.
  it('is given up where PEM blocks begin and never end, however many', async () => {
    const octets = Buffer.from('-----BEGIN A-----\n'.repeat(200_000));
    await expect(readFetchedList(octets)).rejects.toBeInstanceOf(DerError);
  });
});

describe('whatever stands in a certificate about lists and responders', () => {
  it('is a few addresses, or none', () => {
    const point = distributionPoints('http://a.test/1.crl', 'http://b.test/1.crl');
    const access = responders('http://a.test/', 'http://b.test/');
    const octets = fc.tuple(
      fc.constantFrom(point, access),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
    );
    const of = ([whole, places]: [Buffer, Array<[number, number]>]): Buffer => {
      // The value within the OCTET STRING, behind the object identifier.
      const value = Buffer.from(whole.subarray(whole.indexOf(Buffer.of(0x30), 8)));
      for (const [place, bits] of places) value[place % value.length]! ^= bits;
      return value;
    };
    expect(distributionPointsOf(new Certificate(clientOf(ca, 'client', [point]).der))).toHaveLength(2);
    fc.assert(
      fc.property(octets, (chosen) => {
        const value = of(chosen);
        const made = new Certificate(
          clientOf(ca, 'client', [
            extension.raw(oids.crlDistributionPoints, value),
            extension.raw('1.3.6.1.5.5.7.1.1', value),
          ]).der,
        );
        return [...distributionPointsOf(made), ...ocspRespondersOf(made)].every(
          (url) => typeof url === 'string',
        );
      }),
      times(300),
    );
  });
});

describe('whatever URL a certificate names', () => {
  const listed = ['crl.test', 'other.test:8080', '192.0.2.1', '[2001:db8::1]'];
  const hosts = new AllowedHosts(listed);
  const part = fc.constantFrom(
    'http://',
    'https://',
    'crl.test',
    'other.test',
    '192.0.2.1',
    '[2001:db8::1]',
    'evil.test',
    '@',
    ':',
    '/',
    '80',
    '443',
    '8080',
    '.',
    '\\',
    '#',
    '?',
    '%2e',
    '%40',
    '\t',
    ' ',
    'ⓒrl.test',
    '0xc0000201',
    'CRL',
    '..',
  );

  it('leads to a listed host and port, or nowhere', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(part, { maxLength: 9 }).map((parts) => parts.join('')),
          fc.webUrl(),
        ),
        (text) => {
          const url = hosts.allowed(text);
          if (url === undefined) return true;
          const { protocol, hostname, port, username, password } = new URL(url);
          const expected = hostname === 'other.test' ? '8080' : '';
          return (
            /^https?:$/.test(protocol) &&
            username + password === '' &&
            port === expected &&
            ['crl.test', 'other.test', '192.0.2.1', '[2001:db8::1]'].includes(hostname)
          );
        },
      ),
      times(1500),
    );
    expect(hosts.allowed('http://crl.test/')).toBeDefined();
  });
});
