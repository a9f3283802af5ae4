import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { readRevocationLists, withRevocationLists } from '../../lib/trust/revocation/crl-input.ts';
import { indexEntries } from '../../lib/trust/revocation/crl-entries.ts';
import { positiveInteger, sequence, time } from '../../lib/pki/der.ts';
import { readElement } from '../../lib/x509/der.ts';
import { crlNumber, distribution, oddCrl } from '../support/odd-crls.ts';

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
        { numRuns: 3000 },
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
      { numRuns: 200 },
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
        { numRuns: 200 },
      );
    expect(run).not.toThrow();
  });

  it('of a list in which nobody stands is empty', () => {
    const step = indexEntries(undefined).next();
    expect(step.done === true && step.value.has(Buffer.of(5))).toBe(false);
    expect(step.done).toBe(true);
  });
});
