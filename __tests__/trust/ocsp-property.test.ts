import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, integer, nat, oneof, property, tuple, uint8Array } from 'fast-check';
import { readOcspResponse } from '../../lib/trust/ocsp/ocsp-response.ts';
import { isOcspProblem, verifyOcspResponse } from '../../lib/trust/ocsp/ocsp-verify.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { DerError } from '../../lib/x509/der.ts';
import { ocspDelegate, ocspResponse, ocspServer } from '../support/ocsp.ts';

const { issuer, id } = ocspServer();
const caCertificate = new Certificate(issuer.der);
const delegate = ocspDelegate(issuer);
const good = [
  ocspResponse({ id, signer: issuer }),
  ocspResponse({ id, signer: delegate, certificates: [delegate.der], responderBy: 'key' }),
] as const;

/** A good response in which some octets are others. */
const damaged = tuple(
  constantFrom(...good),
  array(tuple(nat(), integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
)
  .map(([response, changes]) => {
    const copy = Buffer.from(response);
    for (const [place, change] of changes) copy[place % copy.length]! ^= change;
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
    const anything = oneof(
      uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
      damaged.map(({ copy }) => copy),
    );
    assert(
      property(anything, (octets) => isReadOrRefused(octets)),
      { numRuns: 1000 },
    );
  });

  it('is what the issuer has signed, or does not count', () => {
    const [first] = good;
    expect(verifyOcspResponse(first, id, caCertificate, Date.now())).toMatchObject({ status: 'good' });
    assert(
      property(damaged, ({ response, copy }) => {
        const outcome = verifyOcspResponse(copy, id, caCertificate, Date.now());
        // What is not signed may change: the certificates that come along, and how an ECDSA signature is written.
        if (isOcspProblem(outcome)) return;
        const changed = readOcspResponse(copy);
        const before = readOcspResponse(response);
        if (typeof changed === 'string' || typeof before === 'string') throw new Error('it was not read');
        expect(changed.signed.data.equals(before.signed.data)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
