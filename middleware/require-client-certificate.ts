import type { RequestHandler } from 'express';
import type { TlsState } from '../lib/connection/index.ts';
import { presentTime, systemClock } from '../lib/clock.ts';
import { ConfigError } from '../lib/errors.ts';
import { checkArguments, checkKeys, describe, flag, wholeNumber } from '../lib/options.ts';
import { askWithin } from '../lib/policy/answer.ts';
import { allow, type Decision, refuse } from '../lib/policy/decision.ts';
import { type Rule, ruleName } from '../lib/policy/rule.ts';
import type { CertificateInputs } from '../lib/trust/anchors.ts';
import type { PathCheck } from '../lib/trust/profile/path-check.ts';
import { readRouteTrust } from '../lib/trust/route-trust.ts';
import { guard, type Seen } from './guard.ts';
import { whenKnown } from './when-known.ts';

/** Who may come in, by which anchors, and how long ago. */
export interface RequireClientCertificateOptions {
  /** Who of the verified clients may pass; without it all of them. */
  readonly allow?: Rule;
  /** This route's own trust anchors, intermediates allowed, instead of the listener's. */
  readonly ca?: CertificateInputs;
  /** Checks of the path to `ca` that are let go, by their ids (docs/path-checks.md). Only together with `ca`. */
  readonly dangerouslyAllow?: readonly PathCheck[] | undefined;
  /** Seconds since the full handshake in which the client proved its key. */
  readonly maxAge?: number | undefined;
  /** Milliseconds in which a rule that asks elsewhere has to answer, or else refuses. Default 5000. */
  readonly timeout?: number | undefined;
  /** Accepts a client whose certificate a trusted proxy has passed on, too (`forwardedClientCertificate`). */
  readonly acceptForwarded?: boolean | undefined;
  /** Publishes the refusal and lets the request pass. */
  readonly reportOnly?: boolean | undefined;
}

/**
 * Lets requests pass whose client has a verified certificate: by path, purpose and dates, which are looked at again
 * at every request. With `ca` the path is verified here, to those anchors, by RFC 5280's profile, name constraints and policies
 * included (docs/path-checks.md). Intermediates that the client sends count, except on Node 24.21, which hides
 * those of a client that the listener has verified: there put them in `ca`.
 *
 * On a plain `https.Server` a resumed or renegotiated connection does not count, unless `ca` is given and that
 * listener has no CRL. The listener must ask for certificates: `clientAuth`, or `requestCert` there. A certificate that a
 * proxy has forwarded counts with `acceptForwarded` only, and has no age: `maxAge` refuses it.
 *
 * Refuses with 403: `TLS_REQUIRED`, `CLIENT_CERTIFICATE_REQUIRED`, `…_UNTRUSTED`, `…_EXPIRED`, `…_NOT_YET_VALID`,
 * `…_PURPOSE`, `…_REVOKED`, `REVOCATION_STATUS_UNKNOWN`, `AUTHENTICATION_TOO_OLD`, `CLIENT_CERTIFICATE_DENIED`.
 */
export function requireClientCertificate(): RequestHandler;
export function requireClientCertificate(policy: Rule | RequireClientCertificateOptions): RequestHandler;
export function requireClientCertificate(policy?: Rule | RequireClientCertificateOptions): RequestHandler {
  checkArguments(
    arguments,
    1,
    'requireClientCertificate',
    'Combine rules with allOf(), or give { allow, maxAge }.',
  );
  const options = optionsOf(policy, arguments.length > 0);
  checkKeys(
    options,
    ['acceptForwarded', 'allow', 'ca', 'dangerouslyAllow', 'maxAge', 'reportOnly', 'timeout'],
    'requireClientCertificate',
  );
  const rule = 'allow' in options ? readRule(options.allow) : undefined;
  const store = readRouteTrust(options, 'requireClientCertificate');
  const maxAge =
    options.maxAge === undefined
      ? undefined
      : wholeNumber(options.maxAge, 'requireClientCertificate.maxAge', 'seconds', 1, 2 ** 31);
  const timeout = wholeNumber(
    options.timeout === undefined ? 5000 : options.timeout,
    'requireClientCertificate.timeout',
    'milliseconds',
    1,
    600_000,
  );

  // Not what an earlier policy has found by anchors of its own: a partner of one route is no client of the listener.
  const factsOf = ({ connection }: Seen, now: number): TlsState =>
    store === undefined ? connection.stateAt(now) : connection.stateFor(store, now);
  const decide = (seen: Seen): Decision | Promise<Decision> => {
    const now = presentTime();
    const facts = factsOf(seen, now);
    seen.state = facts;
    const standing = standingOf(facts, maxAge, now);
    if (rule === undefined || standing.allow !== true) return standing;
    const context = { tls: facts, request: seen.request };
    const decision = askWithin(systemClock, timeout, rule, facts.clientCertificate!, context);
    return decision instanceof Promise ? decision.then((late) => stillHolds(late, seen)) : decision;
  };
  /** While a rule asked elsewhere, the certificate may have expired, been revoked, or become too old. */
  const stillHolds = (decision: Decision, seen: Seen): Decision => {
    const now = Date.now();
    return decision.allow === true ? standingOf(factsOf(seen, now), maxAge, now) : decision;
  };
  const acceptForwarded = flag(options.acceptForwarded, 'requireClientCertificate.acceptForwarded', false);
  const reportOnly = flag(options.reportOnly, 'requireClientCertificate.reportOnly', false);
  return guard({
    name: 'requireClientCertificate',
    rule: rule && ruleName(rule),
    acceptForwarded,
    reportOnly,
    failure: 'CLIENT_CERTIFICATE_DENIED',
    decide: (seen) => whenKnown(seen, store, decide),
  });
}

/** `rules.admni` is undefined, and no wish to let in every client. */
function optionsOf(
  policy: Rule | RequireClientCertificateOptions | undefined,
  isGiven: boolean,
): RequireClientCertificateOptions {
  if (policy === undefined) return isGiven ? { allow: readRule(policy) } : {};
  return typeof policy === 'function' ? { allow: policy } : policy;
}

function readRule(rule: unknown): Rule {
  if (typeof rule === 'function') return rule as Rule;
  throw new ConfigError(
    'OPTION_INVALID',
    'requireClientCertificate.allow',
    `expected a rule, got ${describe(rule)}`,
    'Give a function of the certificate that returns a Decision.',
  );
}

/** Why there is no verified certificate. */
export function missing(state: TlsState): Decision {
  const { clientCertificateError: error } = state;
  return error === undefined
    ? refuse(
        'CLIENT_CERTIFICATE_REQUIRED',
        'the client sent none, or the listener did not ask for one (clientAuth)',
      )
    : refuse(error.code, error.reason);
}

/** What is to be said of a client before its rule: whether it is verified, and not too long ago. */
function standingOf(facts: TlsState, maxAge: number | undefined, now: number): Decision {
  if (facts.clientCertificate === undefined) return missing(facts);
  if (maxAge === undefined || !isTooOld(facts, maxAge, now)) return allow;
  const since = facts.authenticatedAt?.toISOString() ?? 'an unknown time';
  return refuse('AUTHENTICATION_TOO_OLD', `verified at ${since}, more than ${maxAge} s ago`);
}

function isTooOld({ authenticatedAt }: TlsState, maxAge: number, now: number): boolean {
  return authenticatedAt === undefined || now - authenticatedAt.getTime() > maxAge * 1000;
}
