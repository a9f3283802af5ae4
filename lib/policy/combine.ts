import type { ClientCertificate } from '../connection/index.ts';
import { describe } from '../options.ts';
import { ask, denied, undecided } from './answer.ts';
import { allow, type Decision, type Refusal, refuse } from './decision.ts';
import { pureRule } from './pure-rule.ts';
import { lastingOf, nameRule, type Rule, ruleName, type RuleContext } from './rule.ts';
import { ruleError } from './rule-error.ts';
import { asDetail } from './wording.ts';

type Answer = Decision | Promise<Decision>;

/**
 * Lets in whom every rule lets in. They are asked in turn, up to the first that refuses: its refusal is the answer.
 * A ConfigError `RULE_INVALID` where there is none, since a list that was filtered empty would let in everybody.
 */
export function allOf(...rules: readonly Rule[]): Rule {
  const all = readRules(rules, 'allOf');
  return combined('allOf', all, (certificate, context) =>
    inTurn(all, certificate, context, (decision) => (decision.allow ? undefined : decision), allow),
  );
}

/**
 * Lets in whom one of the rules lets in; they are asked in turn, up to the first that does. One that fails is one that
 * refuses. The refusal has the code that all have given, or else `CLIENT_CERTIFICATE_DENIED`, and every reason.
 */
export function anyOf(...rules: readonly Rule[]): Rule {
  const all = readRules(rules, 'anyOf');
  return combined('anyOf', all, (certificate, context) => {
    const refusals: Refusal[] = [];
    const step = (decision: Decision): Decision | undefined => {
      if (decision.allow) return decision;
      refusals.push(decision);
      return refusals.length === all.length ? summed(refusals) : undefined;
    };
    return inTurn(all, certificate, context, step, undecided('no rule has answered'));
  });
}

/**
 * Lets in whom the rule clearly refuses. Where the rule fails, gives no whole answer, or cannot tell, as with a name
 * that is no valid one, this refuses as well. A certificate that has no name of the kind at all is clearly refused by
 * the rule, and so let in here: say with `allOf` who it has to be besides.
 *
 * ```ts
 * allOf(spiffe.memberOf('example.org'), not(spiffe.path('/ns/guests/*')))
 * ```
 */
export function not(...rules: readonly [rule: Rule]): Rule {
  // A second rule would be dropped without a word.
  const [only] = readRules(rules, 'not', 1) as [Rule];
  const name = ruleName(only);
  const turn = (decision: Decision): Decision => {
    if (decision.allow) return denied(`expected that ${name} refuses, and it does not`);
    return decision.undecided === true ? undecided(`not(${name}) cannot tell: ${decision.detail}`) : allow;
  };
  return combined('not', [only], (certificate, context) => {
    const answer = ask(only, certificate, context);
    return answer instanceof Promise ? answer.then(turn) : turn(answer);
  });
}

/** Asks the rules one after the other, until `step` gives a decision. */
function inTurn(
  rules: readonly Rule[],
  certificate: ClientCertificate,
  context: RuleContext,
  step: (decision: Decision) => Decision | undefined,
  atLast: Decision,
): Answer {
  for (const [index, rule] of rules.entries()) {
    const answer = ask(rule, certificate, context);
    if (answer instanceof Promise) {
      const rest = rules.slice(index + 1);
      return answer.then((later) => step(later) ?? inTurn(rest, certificate, context, step, atLast));
    }
    const decision = step(answer);
    if (decision !== undefined) return decision;
  }
  return atLast;
}

function summed(refusals: readonly Refusal[]): Decision {
  const [{ code }] = refusals as [Refusal];
  const detail = asDetail(`none of ${refusals.length}: ${refusals.map((each) => each.detail).join('; ')}`);
  if (refusals.some((each) => each.undecided === true)) return undecided(detail);
  return refuse(refusals.every((each) => each.code === code) ? code : 'CLIENT_CERTIFICATE_DENIED', detail);
}

function combined(
  name: string,
  rules: readonly Rule[],
  judge: (certificate: ClientCertificate, context: RuleContext) => Answer,
): Rule {
  const called = `${name}(${rules.map(ruleName).join(', ')})`;
  const lasting = lastingOf(rules);
  return lasting === 'none' ? nameRule(judge, called, lasting) : pureRule(called, judge, lasting);
}

function readRules(rules: readonly unknown[], path: string, atMost = Infinity): readonly Rule[] {
  if (rules.length === 0 || rules.length > atMost)
    throw ruleError(
      path,
      `${rules.length === 0 ? 'no' : rules.length} rules are given`,
      atMost === 1 ? 'Give one.' : 'Give one at least.',
    );
  return Array.from(rules, (rule, index) => {
    if (typeof rule === 'function') return rule as Rule;
    throw ruleError(
      atMost === 1 ? path : `${path}[${index}]`,
      `expected a rule, got ${describe(rule)}`,
      Array.isArray(rule) ? 'Spread the list: (...rules).' : "Give a rule, such as san.dns('a.example.org').",
    );
  });
}
