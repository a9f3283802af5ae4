import type { ClientCertificate, TlsState } from '../connection/index.ts';
import { ConfigError, isPolicyViolationCode } from '../errors.ts';
import { describe } from '../options.ts';
import { allow, type Decision, refuse } from './decision.ts';

/** What a rule may look at beside the certificate. */
export interface RuleContext {
  readonly tls: TlsState;
}

/**
 * Who may pass, among the verified clients. Only a Decision with `allow: true` lets one pass: a truthy value, nothing,
 * a throw or a rejected promise refuses.
 */
export type Rule = (certificate: ClientCertificate, context: RuleContext) => Decision | Promise<Decision>;

/** What `answer`, which a rule has given, comes to. The client is told the code: none but the known ones goes on. */
export function readDecision(answer: unknown): Decision {
  if (typeof answer !== 'object' || answer === null || !('allow' in answer))
    return denied(
      `the rule gave ${describe(answer)}: it has to give { allow: true }, or { allow: false, code, detail }`,
    );
  const { allow: allowed, code, detail } = answer as Record<'allow' | 'code' | 'detail', unknown>;
  if (allowed === true) return allow;
  const why = typeof detail === 'string' ? detail : 'the rule refused and did not say why';
  return isPolicyViolationCode(code) ? refuse(code, why) : denied(why);
}

/**
 * A rule of one's own, from a question that is answered with `true` for those who may pass. `name` stands in the detail
 * of a refusal. A ConfigError `OPTION_INVALID` where one of the two is missing.
 *
 * ```ts
 * requireClientCertificate(rule('the admins', ({ subject }) => subject.OU?.includes('admins') === true))
 * ```
 */
export function rule(
  name: string,
  question: (certificate: ClientCertificate, context: RuleContext) => boolean | Promise<boolean>,
): Rule {
  if (typeof name !== 'string' || name === '' || typeof question !== 'function') {
    throw new ConfigError(
      'OPTION_INVALID',
      'rule',
      'a name or a question is missing',
      'Write rule(name, (certificate) => boolean).',
    );
  }
  const decide = (answer: unknown): Decision =>
    answer === true ? allow : denied(`'${name}' was answered with ${describe(answer)}`);
  return (certificate, context) => {
    const answer: unknown = question(certificate, context);
    return answer instanceof Promise ? answer.then(decide) : decide(answer);
  };
}

/** A refusal by a rule. */
export const denied = (detail: string): Decision => refuse('CLIENT_CERTIFICATE_DENIED', detail);
