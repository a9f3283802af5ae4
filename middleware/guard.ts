import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { presentTime } from '../lib/clock.ts';
import {
  type Client,
  connectionOf,
  forwardedClientOf,
  renewedState,
  type TlsState,
} from '../lib/connection/index.ts';
import { messageOf, PolicyViolation, type PolicyViolationCode } from '../lib/errors.ts';
import { isHeard } from '../lib/events.ts';
import { announce, type Decision, refuse } from '../lib/policy/decision.ts';
import { requestIdOf } from './request-id.ts';
import { routePattern } from './route-pattern.ts';

/** What a policy looks at. */
export interface Seen {
  readonly request: Request;
  /** Whoever makes the request: the connection's client, or the one of whom a trusted proxy has told. */
  readonly connection: Client;
  /** Whether a trusted proxy has told of a client that this policy does not accept. */
  readonly withheld: boolean;
  /** A policy with anchors of its own puts here the client as it has verified it: later policies then see that one. */
  state: TlsState;
}

export interface Policy {
  /** The name under which it is exported. */
  readonly name: string;
  /** The name of the rule that it asks, for the event. */
  readonly rule?: string | undefined;
  readonly reportOnly: boolean;
  /** Whether the client of a trusted proxy counts. Without it the policy sees nobody there, nor the proxy itself. */
  readonly acceptForwarded?: boolean | undefined;
  /** How a policy that throws refuses. */
  readonly failure: PolicyViolationCode;
  readonly decide: (seen: Seen) => Decision | Promise<Decision>;
}

/** A policy, and the middleware that it stands in, by which Express knows it. */
interface Door extends Policy {
  readonly middleware: RequestHandler;
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
        seen = look(request, door.acceptForwarded === true);
        decision = seen === undefined ? noTls : door.decide(seen);
      } catch (error) {
        decision = failed(door, error);
      }
      if (decision instanceof Promise) settleLater(door, decision, request, seen, next);
      else settle(door, decision, request, seen, next);
    },
  };
  // Of one shape for all policies.
  const { rule, reportOnly, acceptForwarded, failure, decide } = policy;
  const middleware = named[name]!;
  const door: Door = { name: policy.name, rule, reportOnly, acceptForwarded, failure, decide, middleware };
  return judgement(door.middleware);
}

const judgements = new WeakSet<RequestHandler>();

/** Marks middleware that only looks, so that it can be asked again about the same request. */
export function judgement(middleware: RequestHandler): RequestHandler {
  judgements.add(middleware);
  return middleware;
}

/** Whether middleware only looks when it is asked again, as every policy does. */
export const isJudgement = (middleware: RequestHandler): boolean => judgements.has(middleware);

const admitted = new WeakSet<Request>();

/** For a request that is judged again: that it is let in was published before, and only a refusal is from now on. */
export function noteAdmitted(request: Request): void {
  admitted.add(request);
}

/** Whether a request is judged again. */
export const isAdmitted = (request: Request): boolean => admitted.has(request);

const noTls = refuse('TLS_REQUIRED', 'the request did not come over TLS, or its connection is gone');

function look(request: Request, acceptForwarded: boolean): Seen | undefined {
  const forwarded = forwardedClientOf(request);
  const direct = connectionOf(request.socket);
  const shown = forwarded ?? direct;
  if (shown === undefined) delete request.tls;
  const connection = forwarded === undefined || acceptForwarded ? shown : forwarded.withheld;
  if (connection === undefined) return undefined;
  const state = tlsOf(request, connection);
  // What is withheld from this policy stays there for others, and for the app.
  const withheld = connection !== shown;
  if (!withheld) request.tls = state;
  return { request, connection, withheld, state };
}

const failed = ({ failure }: Policy, error: unknown): Decision =>
  refuse(failure, `the policy has thrown: ${messageOf(error)}`);

/**
 * The facts that hold for this request, as they were when its handling began: by the anchors of an earlier policy of its route, where that
 * has put them there, or else those of the connection. An object that was not made of this connection is overwritten.
 */
export function tlsOf(request: IncomingMessage & { tls?: unknown }, connection: Client): TlsState {
  const now = presentTime();
  const { tls } = request;
  const own = connection.stateAt(now);
  return tls !== own && connection.made(tls) ? renewedState(connection, tls, now) : own;
}

function settleLater(
  door: Door,
  decision: Promise<Decision>,
  request: Request,
  seen: Seen | undefined,
  next: NextFunction,
): void {
  void decision
    .catch((error: unknown) => failed(door, error))
    .then((settled) => settle(door, settled, request, seen, next));
}

function settle(
  door: Door,
  decision: Decision,
  request: Request,
  seen: Seen | undefined,
  next: NextFunction,
): void {
  if (isHeard('portcullis:decision') && !(decision.allow === true && admitted.has(request)))
    report(door, decision, request, seen);
  // What a policy found that only reports opens nothing: the next one sees the client as before.
  if (door.reportOnly) return next();
  if (decision.allow !== true) {
    seen?.connection.refused(decision.code);
    return next(challenged(new PolicyViolation(decision.code, decision.detail), request));
  }
  if (seen !== undefined && !seen.withheld) request.tls = seen.state;
  next();
}

/** A custom error handler may look at nothing but the status: what a 401 has to say is set already. */
function challenged(violation: PolicyViolation, { res: response }: Request): PolicyViolation {
  if (violation.headers === undefined || response === undefined || response.headersSent) return violation;
  for (const [name, value] of Object.entries(violation.headers)) response.setHeader(name, value);
  return violation;
}

/** Publishes what a policy has decided, and of whom. */
export function report(
  door: Pick<Door, 'name' | 'rule' | 'reportOnly' | 'middleware'>,
  decision: Decision,
  request: Request,
  seen: Pick<Seen, 'state'> | undefined,
): void {
  announce(decision, () => ({
    request,
    policy: door.name,
    rule: door.rule,
    enforced: !door.reportOnly,
    certificate: seen?.state.clientCertificate,
    // Express's own; an upgrade, which it never sees, has the other.
    url: request.originalUrl ?? request.url,
    route: routePattern(request, door.middleware),
    requestId: requestIdOf(request),
  }));
}
