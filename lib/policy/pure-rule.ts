import { types } from 'node:util';
import { type ClientCertificate, isClientCertificate } from '../connection/index.ts';
import { undecided } from './answer.ts';
import type { Decision } from './decision.ts';
import { decisionOn, type Match } from './match.ts';
import { type Lasting, nameRule, type Rule, type RuleContext } from './rule.ts';

type Judge = (certificate: ClientCertificate, context: RuleContext) => Decision | Promise<Decision>;

/**
 * A rule whose answer depends on the certificate alone: it is worked out once for each, so that a request costs a
 * look-up. What comes later is asked anew, and where `lasting` is `decided` also what could not be decided.
 */
export function pureRule(name: string, judge: Judge, lasting: Exclude<Lasting, 'none'>): Rule {
  const verdicts = new WeakMap<ClientCertificate, Decision>();
  const rule: Rule = (certificate, context) => {
    const known = verdicts.get(certificate);
    if (known !== undefined) return known;
    if (!isClientCertificate(certificate)) return undecided('that is no certificate that was verified here');
    const answer = judge(certificate, context);
    if (!types.isPromise(answer) && (lasting === 'all' || isDecided(answer)))
      verdicts.set(certificate, answer);
    return answer;
  };
  return nameRule(rule, name, lasting);
}

const isDecided = (decision: Decision): boolean => decision.allow || decision.undecided !== true;

interface Matcher {
  readonly name: string;
  readonly match: (certificate: ClientCertificate) => Match;
  /** What was expected. */
  readonly expected: string;
  /** What was seen instead. */
  readonly seen: (certificate: ClientCertificate) => string;
}

/** A pure rule that compares what it expects with what it sees. */
export function matchRule({ name, match, expected, seen }: Matcher): Rule {
  const words = (certificate: ClientCertificate): string => `expected ${expected}, saw ${seen(certificate)}`;
  return pureRule(name, (certificate) => decisionOn(match(certificate), words, certificate), 'all');
}
