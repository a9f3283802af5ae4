import { describe, expect, it } from '@jest/globals';
import {
  allOf,
  anyOf,
  type ClientCertificate,
  type ConfigError,
  type Decision,
  fingerprint,
  not,
  rule,
  type Rule,
  ruleName,
  san,
  serialNumber,
  spiffe,
  subject,
} from 'portcullis';
import { ask, askWithin } from '../../lib/policy/answer.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { commonName, generalName } from '../support/odd-names.ts';
import { client, decide, named, noContext, outcome } from './certificates.ts';

const someone = client();
const yes: Rule = () => ({ allow: true });
const no: Rule = () => ({ allow: false, code: 'PIN_MISMATCH', detail: 'no' });
const cannotTell: Rule = () => ({ allow: false, code: 'PIN_MISMATCH', detail: 'perhaps', undecided: true });
const thrown: Rule = () => {
  throw new Error('broken');
};
const later =
  (tried: Rule): Rule =>
  async (...asked) => {
    await Promise.resolve();
    return tried(...asked);
  };
/** Rules that nobody wrote: TypeScript would not have them. */
const odd = (answer: unknown): Rule => (() => answer) as unknown as Rule;
// oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
const thenable: object = { then: (give: (decision: Decision) => void) => give({ allow: true }) };
const settle = async (tried: Rule): Promise<Decision> => ask(tried, someone, noContext);

describe('allOf and anyOf', () => {
  it.each<[string, Rule, boolean]>([
    ['all of yes', allOf(yes, yes), true],
    ['all of yes and no', allOf(yes, no), false],
    ['all of no and yes', allOf(no, yes), false],
    ['all of yes and a throw', allOf(yes, thrown), false],
    ['all of yes and true', allOf(yes, odd(true)), false],
    ['any of no and yes', anyOf(no, yes), true],
    ['any of no and no', anyOf(no, no), false],
    ['any of a throw and yes', anyOf(thrown, yes), true],
    ['any of true and 1', anyOf(odd(true), odd(1)), false],
    ['any of a thenable', anyOf(odd(thenable)), false],
    ['both', allOf(yes, anyOf(no, allOf(yes, not(no)))), true],
  ])('%s, at once and later', async (_what, tried, expected) => {
    expect((await settle(tried)).allow).toBe(expected);
    expect((await settle(later(tried))).allow).toBe(expected);
  });

  it.each<[string, Rule, boolean]>([
    ['all of a late yes and yes', allOf(later(yes), yes), true],
    ['all of yes and a late no', allOf(yes, later(no), yes), false],
    ['any of a late no and a late yes', anyOf(later(no), no, later(yes)), true],
    ['any of late noes', anyOf(later(no), later(no)), false],
    ['all of a promise of true', allOf(odd(Promise.resolve(true))), false],
  ])('compose what comes later: %s', async (_what, tried, expected) => {
    expect((await settle(tried)).allow).toBe(expected);
  });

  it('ask no further than they have to', async () => {
    let asked = 0;
    const counting: Rule = () => {
      asked++;
      return { allow: true };
    };
    for (const each of [
      allOf(no, counting),
      anyOf(yes, counting),
      allOf(later(no), counting),
      anyOf(later(yes), counting),
    ])
      await settle(each);
    expect(asked).toBe(0);
  });

  it('give the code and the reasons of those who refused', async () => {
    expect(await settle(allOf(yes, no, thrown))).toMatchObject({ code: 'PIN_MISMATCH', detail: 'no' });
    expect(await settle(anyOf(no, no))).toMatchObject({ code: 'PIN_MISMATCH', detail: 'none of 2: no; no' });
    const denied: Rule = () => ({ allow: false, code: 'TLS_REQUIRED', detail: 'other' });
    expect(await settle(anyOf(no, denied))).toEqual({
      allow: false,
      code: 'CLIENT_CERTIFICATE_DENIED',
      detail: 'none of 2: no; other',
    });
    expect(await settle(anyOf(no, thrown))).toMatchObject({
      code: 'CLIENT_CERTIFICATE_DENIED',
      detail: 'none of 2: no; the rule has failed: broken',
    });
    expect(await settle(anyOf(no, later(san.dns('a.example'))))).toMatchObject({
      code: 'CLIENT_CERTIFICATE_DENIED',
    });
  });
});

describe('an answer', () => {
  const expected = 'it has to give { allow: true }, or { allow: false, code, detail }';

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    [{}, 'an object'],
    [{ code: 'PIN_MISMATCH', detail: 'why' }, 'an object'],
    [() => allowed, 'a function'],
  ])('that is none, %p, is told', async (answer, seen) => {
    const told = {
      allow: false,
      code: 'CLIENT_CERTIFICATE_DENIED',
      detail: `the rule gave ${seen}: ${expected}`,
    };
    expect(await settle(odd(answer))).toEqual({ ...told, undecided: true });
    expect(await settle(odd(Promise.resolve(answer)))).toEqual({ ...told, undecided: true });
  });

  const allowed = { allow: true };

  it('that allows is taken as nothing more, and a whole refusal as it is', async () => {
    expect(await settle(odd({ allow: true, code: 'PIN_MISMATCH', undecided: true }))).toEqual(allowed);
    const refusal = { allow: false, code: 'PIN_MISMATCH', detail: 'why' };
    expect(await settle(odd({ ...refusal, more: 1 }))).toEqual(refusal);
    for (const undecided of [true, false, null])
      expect(await settle(odd({ ...refusal, undecided }))).toEqual({ ...refusal, undecided: true });
  });

  it.each<[string, object, object]>([
    ['no code', { detail: 'why' }, { code: 'CLIENT_CERTIFICATE_DENIED', detail: 'why' }],
    [
      'a code of its own',
      { code: 'NOPE', detail: 'why' },
      { code: 'CLIENT_CERTIFICATE_DENIED', detail: 'why' },
    ],
    [
      'no reason',
      { code: 'PIN_MISMATCH' },
      { code: 'PIN_MISMATCH', detail: 'the rule refused and did not say why' },
    ],
    [
      'a reason that is no text',
      { code: 'PIN_MISMATCH', detail: 7 },
      { code: 'PIN_MISMATCH', detail: 'the rule refused and did not say why' },
    ],
  ])('that refuses with %s refuses by a known code, and is no clear one', async (_what, given, told) => {
    expect(await settle(odd({ allow: false, ...given }))).toEqual({ allow: false, undecided: true, ...told });
  });
});

describe('without a rule', () => {
  const refused = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      const { code, path, remedy } = error as ConfigError;
      return { code, path, remedy };
    }
  };
  const told = (path: string, remedy: string): object => ({
    code: 'RULE_INVALID',
    path,
    remedy: expect.stringContaining(remedy),
  });

  it.each([
    ['allOf', allOf],
    ['anyOf', anyOf],
  ])('%s would let in everybody, or nobody: it is refused', (name, combine) => {
    expect(refused(() => combine())).toEqual(told(name, 'Give one at least.'));
    expect(refused(() => combine(yes, undefined as never))).toEqual(
      told(`${name}[1]`, "san.dns('a.example.org')"),
    );
    expect(refused(() => combine([yes] as never))).toEqual(told(`${name}[0]`, 'Spread the list'));
    expect(combine(yes)(someone, noContext)).toEqual({ allow: true });
  });

  it('not has nothing to turn, and of two it would drop one', () => {
    const turn = not as (...rules: readonly unknown[]) => Rule;
    expect(refused(() => turn())).toEqual(told('not', 'Give one.'));
    expect(refused(() => turn(yes, no))).toEqual(told('not', 'Give one.'));
    expect(refused(() => turn([yes]))).toEqual(told('not', 'Spread the list'));
    expect(refused(() => turn(true))).toEqual(told('not', "san.dns('a.example.org')"));
  });
});

describe('not', () => {
  it('lets in whom the rule clearly refuses', async () => {
    for (const each of [not(no), not(later(no)), not(not(yes)), not(allOf(yes, no)), not(anyOf(no, no))])
      expect((await settle(each)).allow).toBe(true);
    for (const each of [not(yes), not(later(yes)), not(not(no)), not(anyOf(no, yes))])
      expect(await settle(each)).toMatchObject({ allow: false, code: 'CLIENT_CERTIFICATE_DENIED' });
  });

  it.each<[string, Rule]>([
    ['throws', thrown],
    ['throws later', later(thrown)],
    ['cannot tell', cannotTell],
    ['gives nothing', odd(undefined)],
    ['gives false', odd(false)],
    ['gives a promise of false', odd(Promise.resolve(false))],
    ['gives a promise of nothing', odd(Promise.resolve())],
    ['gives a refusal without a code', odd({ allow: false, detail: 'why' })],
    ['gives a refusal with an unknown code', odd({ allow: false, code: 'NOPE', detail: 'why' })],
    ['gives a refusal without a reason', odd({ allow: false, code: 'PIN_MISMATCH' })],
    ['gives an odd allow', odd({ allow: 0, code: 'PIN_MISMATCH', detail: 'why' })],
    ['gives a thenable', odd(thenable)],
    ['asks a question that is answered with nothing', rule('odd', (() => undefined) as never)],
    ['asks a question that throws', rule('odd', thrown as never)],
  ])('refuses where the rule %s, however it is wrapped', async (_what, inner) => {
    for (const each of [
      not(inner),
      not(not(inner)),
      not(allOf(yes, inner)),
      not(anyOf(no, inner)),
      not(anyOf(inner, no)),
    ])
      expect(await settle(each)).toMatchObject({ allow: false });
  });

  it('lets in a certificate that has no name of the kind, and none whose name is no valid one', () => {
    expect(outcome(san.dns('a.example'), client())).toBe('no');
    expect(decide(not(san.dns('a.example')), named(generalName.dns('a.example.')))).toMatchObject({
      detail: "not(san.dns('a.example')) cannot tell: expected a dns name 'a.example', saw 'a.example.'",
    });
  });
});

describe('a rule that asks elsewhere', () => {
  const never: Rule = () => new Promise(() => {});

  it.each<[string, Rule]>([
    ['itself', never],
    ['in allOf', allOf(yes, never)],
    ['in anyOf', anyOf(no, never, yes)],
    ['in not', not(never)],
  ])('refuses %s once its time is over', async (_what, tried) => {
    const timers = new FakeTimers();
    const decision = askWithin(timers, 5000, tried, someone, noContext);
    timers.pass(4999);
    expect(timers.size).toBe(1);
    timers.pass(1);
    expect(await decision).toMatchObject({
      allow: false,
      code: 'CLIENT_CERTIFICATE_DENIED',
      detail: 'the rule has failed: it gave no answer within 5000 ms',
    });
  });

  it('changes nothing by a late answer', async () => {
    const timers = new FakeTimers();
    let answer: (decision: Decision) => void = () => {};
    const decision = askWithin(timers, 10, () => new Promise((give) => (answer = give)), someone, noContext);
    timers.pass(10);
    answer({ allow: true });
    expect(await decision).toMatchObject({ allow: false });
  });

  it('leaves no timer behind, and starts none where the answer is there', async () => {
    const timers = new FakeTimers();
    expect(askWithin(timers, 10, yes, someone, noContext)).toEqual({ allow: true });
    expect(timers.size).toBe(0);
    expect(await askWithin(timers, 10, later(yes), someone, noContext)).toEqual({ allow: true });
    await Promise.resolve();
    expect(timers.size).toBe(0);
  });
});

describe('a verdict', () => {
  const counted = (pure?: boolean, answer: unknown = true): { tried: Rule; asked: () => number } => {
    let asked = 0;
    const tried = rule('counted', () => (asked++, answer) as boolean, pure === undefined ? {} : { pure });
    return { tried, asked: () => asked };
  };

  it('is remembered for each certificate where the rule is pure', () => {
    const { tried, asked } = counted(true);
    const [one, other] = [client(), client()];
    for (const each of [one, one, other, one]) expect(decide(tried, each).allow).toBe(true);
    expect(asked()).toBe(2);
    const refusing = san.dns('a.example');
    expect(decide(refusing, one)).toBe(decide(refusing, one));
    expect(decide(refusing, one)).not.toBe(decide(refusing, other));
  });

  it('is asked for anew where the rule is not, or one of those it is made of', async () => {
    for (const wrap of [
      (inner: Rule) => inner,
      (inner: Rule) => allOf(yes, inner),
      (inner: Rule) => not(inner),
    ]) {
      const { tried, asked } = counted();
      const wrapped = wrap(tried);
      for (let request = 0; request < 3; request++) await ask(wrapped, someone, noContext);
      expect(asked()).toBe(3);
    }
  });

  it('is remembered through combinators of pure rules', () => {
    const { tried, asked } = counted(true);
    const wrapped = allOf(anyOf(subject({ CN: 'nobody' }), tried), not(not(tried)));
    for (let request = 0; request < 3; request++) expect(decide(wrapped, someone).allow).toBe(true);
    expect(asked()).toBe(1);
  });

  it('that could not be given is remembered where no rule can fail', () => {
    const unclear = client({ subject: commonName('ODD') });
    const steady = anyOf(allOf(not(subject({ CN: 'odd' }))), serialNumber('7f7f'));
    expect(decide(steady, unclear)).toMatchObject({ allow: false, undecided: true });
    expect(decide(steady, unclear)).toBe(decide(steady, unclear));
    const fallible = anyOf(
      steady,
      rule('none', () => false, { pure: true }),
    );
    expect(decide(fallible, unclear)).not.toBe(decide(fallible, unclear));
  });

  it.each([
    ['null', null],
    ['a promise', Promise.resolve(true)],
    ['a truthy value', 1],
  ])('is not remembered where a pure question was answered with %s', async (_what, answer) => {
    const { tried, asked } = counted(true, answer);
    for (let request = 0; request < 2; request++) await ask(allOf(tried), someone, noContext);
    expect(asked()).toBe(2);
  });

  it('is not given on what merely looks like a certificate', async () => {
    const forged = { ...someone } as ClientCertificate;
    for (const each of [
      fingerprint(someone.fingerprint256),
      subject({ CN: 'odd' }),
      rule('all', () => true),
      rule('all', () => true, { pure: true }),
      not(subject({ CN: 'nobody' })),
      not(rule('none', () => false)),
      allOf(subject({ CN: 'odd' })),
    ]) {
      expect((await ask(each, someone, noContext)).allow).toBe(true);
      expect((await ask(each, forged, noContext)).allow).toBe(false);
    }
  });
});

describe('the name of a rule', () => {
  it('says what it is made of', () => {
    const tried = allOf(
      san.dns('*.example.org'),
      anyOf(not(serialNumber('0a')), spiffe.path('/a/*')),
      rule('mine', () => true),
    );
    expect(ruleName(tried)).toBe(
      "allOf(san.dns('*.example.org'), anyOf(not(serialNumber('0A')), spiffe.path('/a/*')), rule('mine'))",
    );
    expect(ruleName(subject({ CN: ['a', 'b'], O: 'c' }))).toBe("subject({ CN: ['a', 'b'], O: 'c' })");
  });

  it('is that of the function, or says that it has none', () => {
    expect(ruleName(yes)).toBe('yes');
    expect(ruleName((() => () => ({ allow: true }))() as Rule)).toBe('anonymous rule');
  });

  it('is bounded and printable', () => {
    const many = ruleName(allOf(...Array.from({ length: 100 }, () => san.dns('a.example.org'))));
    expect(many).toHaveLength(200);
    expect(many).toMatch(/…$/);
    expect(ruleName(rule('a\n\u202eb', () => true))).toBe("rule('a\\u{a}\\u{202e}b')");
  });
});

it('keeps the reasons of a rule of somebody else short and printable', async () => {
  const detail = `${'x'.repeat(1000)}\n`;
  const told = await settle(odd({ allow: false, code: 'PIN_MISMATCH', detail }));
  expect((told as { detail: string }).detail).toHaveLength(500);
  expect(await settle(odd({ allow: false, code: 'PIN_MISMATCH', detail: 'a\nb' }))).toMatchObject({
    detail: 'a\\u{a}b',
  });
  expect(decide(subject({ CN: 'x' }), client({ subject: commonName('a\r\nb') }))).toMatchObject({
    detail: "expected subject with CN: 'x', saw CN: 'a\\u{d}\\u{a}b'",
  });
});
