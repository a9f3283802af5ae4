import { types } from 'node:util';
import { type Clock, within } from '../clock.ts';
import type { ClientCertificate } from '../connection/index.ts';
import { isPolicyViolationCode, messageOf } from '../errors.ts';
import { describe } from '../options.ts';
import { allow, type Decision, refuse } from './decision.ts';
import type { Rule, RuleContext } from './rule.ts';
import { asDetail } from './wording.ts';

/** A refusal by a rule: its condition does not hold. */
export const denied = (detail: string): Decision => refuse('CLIENT_CERTIFICATE_DENIED', asDetail(detail));

/** A refusal because it could not be told whether the condition holds. */
export const undecided = (detail: string): Decision =>
  Object.freeze({
    allow: false,
    code: 'CLIENT_CERTIFICATE_DENIED',
    detail: asDetail(detail),
    undecided: true,
  });

/**
 * What `answer`, which a rule has given, comes to. The client is told the code: none but the known ones goes on.
 * Whatever is no whole refusal is undecided.
 */
function readDecision(answer: unknown): Decision {
  if (typeof answer !== 'object' || answer === null || !('allow' in answer))
    return undecided(
      `the rule gave ${describe(answer)}: it has to give { allow: true }, or { allow: false, code, detail }`,
    );
  const { allow: allowed, code, detail, undecided: open } = answer as Record<string, unknown>;
  if (allowed === true) return allow;
  const why = asDetail(typeof detail === 'string' ? detail : 'the rule refused and did not say why');
  const whole = allowed === false && isPolicyViolationCode(code) && typeof detail === 'string';
  const known = isPolicyViolationCode(code) ? code : 'CLIENT_CERTIFICATE_DENIED';
  return whole && open === undefined
    ? refuse(known, why)
    : Object.freeze({ allow: false, code: known, detail: why, undecided: true });
}

const failed = (error: unknown): Decision => undecided(`the rule has failed: ${messageOf(error)}`);

/** What a promise of an answer comes to; it never rejects. */
async function readLater(answer: Promise<unknown>): Promise<Decision> {
  try {
    return readDecision(await answer);
  } catch (error) {
    return failed(error);
  }
}

/** Asks a rule. Neither throws nor rejects: what is no answer refuses. A thenable that is no promise is none. */
export function ask(
  rule: Rule,
  certificate: ClientCertificate,
  context: RuleContext,
): Decision | Promise<Decision> {
  try {
    const answer: unknown = rule(certificate, context);
    return types.isPromise(answer) ? readLater(answer) : readDecision(answer);
  } catch (error) {
    return failed(error);
  }
}

/** `ask`, with a refusal once `timeout` ms are over: then a late answer changes nothing. */
export function askWithin(
  clock: Clock,
  timeout: number,
  rule: Rule,
  certificate: ClientCertificate,
  context: RuleContext,
): Decision | Promise<Decision> {
  const decision = ask(rule, certificate, context);
  if (!(decision instanceof Promise)) return decision;
  return within(clock, timeout, `it gave no answer within ${timeout} ms`, decision).catch(failed);
}
