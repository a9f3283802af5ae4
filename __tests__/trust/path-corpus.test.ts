import { describe, expect, it } from '@jest/globals';
import { type VerifiedPath, verifyPath } from '../../lib/trust/path.ts';
import { type CertificateProblem, isProblem } from '../../lib/trust/problem.ts';
import {
  isRelaxable,
  relaxableChecks,
  type Relaxations,
  strict,
} from '../../lib/trust/profile/path-check.ts';
import { readCertificate } from '../../lib/x509/certificate.ts';
import { oddConstraints } from '../support/paths/odd-constraints.ts';
import { oddExtensions } from '../support/paths/odd-extension-paths.ts';
import { oddFields } from '../support/paths/odd-fields.ts';
import { oddKeys } from '../support/paths/odd-key-paths.ts';
import type { PathCase } from '../support/paths/odd-path.ts';
import { oddPolicies } from '../support/paths/odd-policies.ts';
import { usualPaths } from '../support/paths/usual-paths.ts';

const corpus = [...oddFields, ...oddExtensions, ...oddKeys, ...oddConstraints, ...oddPolicies, ...usualPaths];

function verify({ path }: PathCase, allowed: Relaxations): VerifiedPath | CertificateProblem {
  const { leaf, hints = [], anchors } = path;
  return verifyPath({
    leaf: leaf.der,
    hints: hints.map(({ der }) => der),
    anchors: anchors.flatMap(({ der }) => readCertificate(der) ?? []),
    at: Date.now(),
    allowed,
  });
}

const told = (outcome: VerifiedPath | CertificateProblem): string =>
  isProblem(outcome) ? outcome.reason : 'in';

/** A reason ends with the id of its check and the section that asks for it. */
const pattern = (expected: string): RegExp =>
  expected === 'in' || expected.includes(' ')
    ? new RegExp(`${expected}$`)
    : new RegExp(`\\(${expected}, [A-Z][^)]+ [\\d.]+\\)$`);

describe('a path is judged by RFC 5280', () => {
  it('in more than 250 ways', () => {
    expect(corpus.length).toBeGreaterThan(250);
    const names = corpus.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it.each(corpus.map((item) => [item.name, item.expected, item] as const))(
    '%s → %s',
    (_name, expected, item) => {
      expect(told(verify(item, strict))).toMatch(pattern(expected));
    },
  );
});

describe('what a check refuses is let in', () => {
  const relaxed = corpus.filter(({ expected, firm }) => isRelaxable(expected) && firm !== true);

  it.each(relaxed.map((item) => [item.expected, item.name, item] as const))(
    'by dangerouslyAllow %s: %s',
    (check, _name, item) => {
      expect(told(verify(item, new Set([check, ...(item.also ?? [])])))).toBe('in');
      expect(told(verify(item, new Set(item.also)))).toContain(`(${check}, `);
    },
  );

  it('by each that there is', () => {
    const tried = new Set(relaxed.map(({ expected }) => expected));
    expect(relaxableChecks.filter((check) => !tried.has(check))).toEqual([]);
  });

  it('by no relaxation at all, where the check is firm', () => {
    const everything = new Set<string>(relaxableChecks);
    const firm = corpus.filter(
      ({ expected, firm: isFirm }) => expected !== 'in' && (isFirm === true || !isRelaxable(expected)),
    );
    expect(firm.length).toBeGreaterThan(100);
    expect(firm.filter((item) => told(verify(item, everything)) === 'in').map(({ name }) => name)).toEqual(
      [],
    );
  });
});
