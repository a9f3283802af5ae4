import { types } from 'node:util';
import { type ClientCertificate, isClientCertificate } from '../connection/index.ts';
import { checkArguments, checkKeys, describe, flag } from '../options.ts';
import { denied, undecided } from './answer.ts';
import { allow, type Decision } from './decision.ts';
import { pureRule } from './pure-rule.ts';
import { nameRule, type Rule, type RuleContext } from './rule.ts';
import { ruleError } from './rule-error.ts';
import { quote } from './wording.ts';

/** How a rule of one’s own is asked. */
export interface RuleOptions {
  /**
   * The answer depends on the certificate alone and stays the same: true and false, given at once, are then
   * remembered for each certificate. Default false.
   */
  readonly pure?: boolean | undefined;
}

/**
 * A rule of one's own, from a question that is answered with `true` for those who may pass. `name` stands in the detail
 * of a refusal. Anything but `true` refuses; only a `false` turns to an allow in `not()`. An answer may be promised,
 * within the `timeout` of `requireClientCertificate`. A ConfigError `RULE_INVALID` where one of the two is missing.
 *
 * ```ts
 * requireClientCertificate(rule('the admins', ({ subject }) => subject.OU?.includes('admins') === true))
 * ```
 */
export function rule(
  name: string,
  question: (certificate: ClientCertificate, context: RuleContext) => boolean | Promise<boolean>,
  options: RuleOptions = {},
): Rule {
  checkArguments(arguments, 3, 'rule', 'Combine rules with allOf or anyOf.', 'RULE_INVALID');
  if (typeof name !== 'string' || name.trim() === '' || typeof question !== 'function') {
    throw ruleError('rule', 'a name or a question is missing', 'Write rule(name, (certificate) => boolean).');
  }
  checkKeys(options, ['pure'], 'rule.options');
  const decide = (answer: unknown): Decision => {
    if (answer === true) return allow;
    const detail = `${quote(name)} was answered with ${describe(answer)}`;
    return answer === false ? denied(detail) : undecided(detail);
  };
  const judge: Rule = (certificate, context) => {
    const answer: unknown = question(certificate, context);
    return types.isPromise(answer) ? answer.then(decide) : decide(answer);
  };
  const called = `rule(${quote(name)})`;
  return flag(options.pure, 'rule.options.pure', false)
    ? pureRule(called, judge, 'decided')
    : nameRule(
        (certificate, context) =>
          isClientCertificate(certificate)
            ? judge(certificate, context)
            : undecided('that is no certificate that was verified here'),
        called,
        'none',
      );
}
