import type { IncomingMessage } from 'node:http';
import type { ClientCertificate, TlsState } from '../connection/index.ts';
import type { Decision } from './decision.ts';
import { shortened } from './wording.ts';

/** What a rule may look at beside the certificate. */
export interface RuleContext {
  /** The facts of the connection, as `req.tls`. */
  readonly tls: TlsState;
  /** Express's request; over an upgrade, which Express does not see, Node's. */
  readonly request: IncomingMessage;
}

/**
 * Who may pass, among the verified clients. Only a Decision with `allow: true` lets one pass: a truthy value, nothing,
 * a throw, a rejected promise, or an answer that comes too late refuses.
 */
export type Rule = (certificate: ClientCertificate, context: RuleContext) => Decision | Promise<Decision>;

/**
 * Which answers on a certificate stay the same. `none`: they depend on more than it. `decided`: those that say yes or
 * no, as where it cannot tell the rule may have failed. `all`: it does not fail.
 */
export type Lasting = 'none' | 'decided' | 'all';

interface Traits {
  readonly name: string;
  readonly lasting: Lasting;
}

const traits = new WeakMap<Rule, Traits>();
const maxNameLength = 200;

/** Gives a rule the name under which it is told of. */
export function nameRule(rule: Rule, name: string, lasting: Lasting): Rule {
  traits.set(rule, { name: shortened(name, maxNameLength), lasting });
  return rule;
}

/**
 * A rule in words, at most 200 characters: `allOf(san.dns('*.example.org'), not(serialNumber('0A')))`. A bare function
 * has its own name.
 */
export function ruleName(rule: Rule): string {
  const known = traits.get(rule)?.name;
  if (known !== undefined) return known;
  return typeof rule.name === 'string' && rule.name !== ''
    ? shortened(rule.name, maxNameLength)
    : 'anonymous rule';
}

/** Which answers last of a rule that is made of these. */
export function lastingOf(rules: readonly Rule[]): Lasting {
  const all = new Set(rules.map((rule) => traits.get(rule)?.lasting ?? 'none'));
  return all.has('none') ? 'none' : all.has('decided') ? 'decided' : 'all';
}
