import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { judgeConfirmation } from '../../lib/policy/bound-token.ts';
import { times } from '../support/fuzz-runs.ts';

const method = 'x5t#S256';
const thumbprintOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
const thumbprint = fc.string().map(thumbprintOf);
const modes = ['required', 'if-bound'] as const;

/** Near to a thumbprint: something replaced, put in, or left out. */
const damaged = fc
  .tuple(thumbprint, fc.nat(44), fc.string({ maxLength: 2 }), fc.nat(2))
  .map(([text, at, put, out]) => text.slice(0, at) + put + text.slice(at + out));
const claim = fc.oneof(
  fc.anything(),
  fc.jsonValue(),
  fc.record(
    { [method]: fc.oneof(fc.anything(), damaged, thumbprint), jkt: fc.string() },
    { requiredKeys: [] },
  ),
);

describe('a claim of any kind', () => {
  it('never throws, and passes with the very thumbprint, or where there is none and none is asked for', () => {
    fc.assert(
      fc.property(claim, thumbprint, fc.constantFrom(...modes), (cnf, own, mode) => {
        const decision = judgeConfirmation(cnf, () => ({ thumbprint: own }), mode);
        const given =
          typeof cnf === 'object' && cnf !== null ? (cnf as Record<string, unknown>)[method] : cnf;
        const passes = cnf === undefined ? mode === 'if-bound' : given === own;
        expect(decision).toMatchObject(passes ? { allow: true } : { allow: false, code: 'TOKEN_NOT_BOUND' });
      }),
      times(5_000),
    );
  });

  it('passes with the thumbprint of the certificate, whatever stands beside it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), thumbprint, (others, own) => {
        const cnf = { ...others, [method]: own };
        for (const mode of modes)
          expect(judgeConfirmation(cnf, () => ({ thumbprint: own }), mode)).toEqual({ allow: true });
      }),
      times(1_000),
    );
  });

  it('passes nobody who has no certificate', () => {
    fc.assert(
      fc.property(claim, (cnf) => {
        const decision = judgeConfirmation(cnf, () => ({ missing: 'none' }), 'if-bound');
        expect(decision.allow).toBe(cnf === undefined);
      }),
      times(2_000),
    );
  });
});
