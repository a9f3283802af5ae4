import type { IncomingMessage } from 'node:http';
import { systemClock } from '../lib/clock.ts';
import { connectionOf } from '../lib/connection/index.ts';
import { readProxyAddresses } from '../lib/forwarded/index.ts';
import { askWithin } from '../lib/policy/answer.ts';
import type { Decision } from '../lib/policy/decision.ts';
import { type Rule, ruleName } from '../lib/policy/rule.ts';

/**
 * Who is at the other end. Unknown, where the rule gave no answer: it may be the proxy, which then is no client, or a client,
 * which then is no proxy.
 */
export type Standing = 'proxy' | 'other' | 'unknown';

/** Who may forward. */
export interface ProxyTrust {
  /** Whether the certificate of the connection itself, where there is one, is the proxy's. */
  readonly byCertificate: boolean;
  /** Of the rule, for the event. */
  readonly rule: string | undefined;
  /** From whom the request comes. It never throws, and its promise never rejects. */
  readonly standingOf: (request: IncomingMessage) => Standing | Promise<Standing>;
}

/** How long a rule may take that asks elsewhere (ms). */
const timeout = 5_000;

/** Reads `trust`. ConfigErrors: `OPTION_INVALID`, `OPTION_WEAKENS`. */
export function readProxyTrust(value: unknown, path: string): ProxyTrust {
  if (typeof value === 'function') return byRule(value as Rule);
  const holds = readProxyAddresses(value, path);
  return {
    byCertificate: false,
    rule: undefined,
    standingOf: ({ socket }) => (holds(socket) ? 'proxy' : 'other'),
  };
}

function byRule(rule: Rule): ProxyTrust {
  const judge = (request: IncomingMessage): Standing | Promise<Standing> => {
    const tls = connectionOf(request.socket)?.stateAt(Date.now());
    const certificate = tls?.clientCertificate;
    if (tls === undefined || certificate === undefined) return 'other';
    const decision = askWithin(systemClock, timeout, rule, certificate, { tls, request });
    return decision instanceof Promise ? decision.then(standingBy) : standingBy(decision);
  };
  const standingOf = (request: IncomingMessage): Standing | Promise<Standing> => {
    // The word of an OCSP responder on the proxy's own certificate, where one is asked.
    const pending = connectionOf(request.socket)?.pending(Date.now());
    return pending === undefined ? judge(request) : pending.then(() => judge(request));
  };
  return { byCertificate: true, rule: ruleName(rule), standingOf };
}

function standingBy(decision: Decision): Standing {
  if (decision.allow === true) return 'proxy';
  return decision.undecided === true ? 'unknown' : 'other';
}
