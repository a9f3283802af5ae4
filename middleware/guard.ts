import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { type Connection, connectionOf, type TlsState } from '../lib/connection/index.ts';
import { messageOf, PolicyViolation, type PolicyViolationCode } from '../lib/errors.ts';
import { isHeard } from '../lib/events.ts';
import { announce, type Decision, refuse } from '../lib/policy/decision.ts';

/** What a policy looks at. */
export interface Seen {
  readonly request: Request;
  readonly connection: Connection;
  /** A policy with anchors of its own puts here the client as it has verified it: later policies then see that one. */
  state: TlsState;
}

export interface Policy {
  /** The name under which it is exported. */
  readonly name: string;
  readonly reportOnly: boolean;
  /** How a policy that throws refuses. */
  readonly failure: PolicyViolationCode;
  readonly decide: (seen: Seen) => Decision | Promise<Decision>;
}

/**
 * The only driver of policies: finds the connection, asks, publishes the decision, and calls `next` once. Whatever is
 * no explicit allow refuses: no TLS, a connection that is gone, a throw, a rejected promise.
 */
export function guard(policy: Policy): RequestHandler {
  const name = `${policy.name}Middleware`;
  // Named at birth: a function that is renamed is a hash table to V8, and Express reads its `length` at each request.
  const named = {
    [name]: (request: Request, _response: Response, next: NextFunction): void => {
      let seen: Seen | undefined;
      let decision: Decision | Promise<Decision>;
      try {
        seen = look(request);
        decision = seen === undefined ? noTls : policy.decide(seen);
      } catch (error) {
        decision = failed(policy, error);
      }
      if (decision instanceof Promise) settleLater(policy, decision, request, seen, next);
      else settle(policy, decision, request, seen, next);
    },
  };
  return named[name]!;
}

const noTls = refuse('TLS_REQUIRED', 'the request did not come over TLS, or its connection is gone');

function look(request: Request): Seen | undefined {
  const connection = connectionOf(request.socket);
  if (connection === undefined) {
    delete request.tls;
    return undefined;
  }
  const state = tlsOf(request, connection);
  request.tls = state;
  return { request, connection, state };
}

const failed = ({ failure }: Policy, error: unknown): Decision =>
  refuse(failure, `the policy has thrown: ${messageOf(error)}`);

/**
 * The facts that hold for this request: those that an earlier policy of its route has put there, as one with anchors
 * of its own does, or else those of the connection. An object that was not made of this connection is overwritten.
 */
export function tlsOf(request: IncomingMessage & { tls?: unknown }, connection: Connection): TlsState {
  return connection.made(request.tls) ? request.tls : connection.stateAt(Date.now());
}

function settleLater(
  policy: Policy,
  decision: Promise<Decision>,
  request: Request,
  seen: Seen | undefined,
  next: NextFunction,
): void {
  void decision
    .catch((error: unknown) => failed(policy, error))
    .then((settled) => settle(policy, settled, request, seen, next));
}

function settle(
  policy: Policy,
  decision: Decision,
  request: Request,
  seen: Seen | undefined,
  next: NextFunction,
): void {
  if (isHeard('portcullis:decision')) report(policy, decision, request, seen);
  // What a policy found that only reports opens nothing: the next one sees the client as before.
  if (policy.reportOnly) return next();
  if (decision.allow !== true) {
    seen?.connection.refused(decision.code);
    return next(new PolicyViolation(decision.code, decision.detail));
  }
  if (seen !== undefined) request.tls = seen.state;
  next();
}

function report(policy: Policy, decision: Decision, request: Request, seen: Seen | undefined): void {
  announce(decision, () => ({
    policy: policy.name,
    enforced: !policy.reportOnly,
    certificate: seen?.state.clientCertificate,
    remoteAddress: request.socket.remoteAddress,
    method: request.method,
    url: request.originalUrl,
  }));
}
