import type { IncomingMessage } from 'node:http';
import type { ClientCertificate } from '../connection/index.ts';
import type { PolicyViolationCode } from '../errors.ts';
import { type DecisionEvent, publish } from '../events.ts';

/** What a policy says of a request. Only `allow === true` lets it pass. */
export type Decision =
  | { readonly allow: true }
  | {
      readonly allow: false;
      readonly code: PolicyViolationCode;
      /** What was expected and what was seen: for the operator. */
      readonly detail: string;
      /** It could not be told whether the rule's condition holds: `not()` makes no allow of such a refusal. */
      readonly undecided?: true;
    };

export type Refusal = Extract<Decision, { allow: false }>;

export const allow: Decision = Object.freeze({ allow: true });

export const refuse = (code: PolicyViolationCode, detail: string): Refusal =>
  Object.freeze({ allow: false, code, detail });

/** Whom a decision was about. */
export interface Subject {
  readonly request: IncomingMessage;
  readonly policy: string;
  readonly rule?: string | undefined;
  readonly enforced: boolean;
  readonly certificate: ClientCertificate | undefined;
  readonly url: string | undefined;
  /** Express's pattern; undefined before any app was asked. */
  readonly route?: string | undefined;
  readonly requestId?: string | undefined;
}

const requests = new WeakMap<DecisionEvent, IncomingMessage>();

/** Which request a published decision was about. It is no part of the event, which holds no secrets and can be copied. */
export const requestOf = (event: DecisionEvent): IncomingMessage | undefined => requests.get(event);

/** Publishes a decision; `subject` is asked only where somebody listens. */
export function announce(decision: Decision, subject: () => Subject): void {
  publish('portcullis:decision', (): DecisionEvent => {
    const { request, policy, rule, enforced, certificate, url, route, requestId } = subject();
    const event: DecisionEvent = {
      policy,
      rule,
      outcome: decision.allow ? 'allow' : 'refuse',
      enforced,
      code: decision.allow ? undefined : decision.code,
      detail: decision.allow ? undefined : decision.detail,
      fingerprint256: certificate?.fingerprint256,
      remoteAddress: request.socket.remoteAddress,
      method: request.method,
      path: url === undefined ? undefined : pathOf(url),
      route,
      requestId,
    };
    requests.set(event, request);
    return event;
  });
}

/** Without the query, and of an absolute target without its authority, which may hold a password. */
function pathOf(url: string): string {
  const [path = ''] = url.split('?', 1);
  return path.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/, '');
}
