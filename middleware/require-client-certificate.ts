import type { RequestHandler } from 'express';
import type { ClientCertificate, TlsState } from '../lib/connection/index.ts';
import { ConfigError, messageOf } from '../lib/errors.ts';
import { checkKeys, describe, flag, wholeNumber } from '../lib/options.ts';
import { allow, type Decision, refuse } from '../lib/policy/decision.ts';
import { denied, readDecision, type Rule } from '../lib/policy/rule.ts';
import { type CertificateInputs, readAnchors } from '../lib/trust/anchors.ts';
import { TrustStore } from '../lib/trust/trust-store.ts';
import { guard, type Seen } from './guard.ts';

export interface RequireClientCertificateOptions {
  /** Who of the verified clients may pass; without it all of them. */
  readonly allow?: Rule | undefined;
  /** This route's own trust anchors, intermediates allowed, instead of the listener's. */
  readonly ca?: CertificateInputs;
  /** Seconds since the full handshake in which the client proved its key. */
  readonly maxAge?: number | undefined;
  /** Publishes the refusal and lets the request pass. */
  readonly reportOnly?: boolean | undefined;
}

/**
 * Lets requests pass whose client has a verified certificate: by path, purpose and dates, which are looked at again
 * at every request. With `ca` the path is verified here, to those anchors; name constraints are then not judged but
 * refused. Intermediates that the client sends count, except on Node 24.21, which hides
 * those of a client that the listener has verified: there put them in `ca`.
 *
 * On a plain `https.Server` a resumed or renegotiated connection does not count, unless `ca` is given and that
 * listener has no CRL. The listener must ask for certificates: `clientAuth`, or `requestCert` there.
 *
 * Refuses with 403: `TLS_REQUIRED`, `CLIENT_CERTIFICATE_REQUIRED`, `…_UNTRUSTED`, `…_EXPIRED`, `…_NOT_YET_VALID`,
 * `…_PURPOSE`, `…_REVOKED`, `REVOCATION_STATUS_UNKNOWN`, `AUTHENTICATION_TOO_OLD`, `CLIENT_CERTIFICATE_DENIED`.
 */
export function requireClientCertificate(
  policy: Rule | RequireClientCertificateOptions = {},
): RequestHandler {
  const options = typeof policy === 'function' ? { allow: policy } : policy;
  checkKeys(options, ['allow', 'ca', 'maxAge', 'reportOnly'], 'requireClientCertificate');
  const rule = readRule(options.allow);
  const store =
    'ca' in options
      ? new TrustStore(readAnchors(options.ca, 'requireClientCertificate.ca'), 'refuse')
      : undefined;
  const maxAge =
    options.maxAge === undefined
      ? undefined
      : wholeNumber(options.maxAge, 'requireClientCertificate.maxAge', 'seconds', 1, 2 ** 31);

  const decide = (seen: Seen): Decision | Promise<Decision> => {
    const { connection } = seen;
    const now = Date.now();
    // Not what an earlier policy has found by anchors of its own: a partner of one route is no client of the listener.
    const facts = store === undefined ? connection.stateAt(now) : connection.stateFor(store, now);
    seen.state = facts;
    const certificate = facts.clientCertificate;
    if (certificate === undefined) return missing(facts);
    if (maxAge !== undefined && isTooOld(facts, maxAge, now)) {
      return refuse(
        'AUTHENTICATION_TOO_OLD',
        `verified at ${facts.authenticatedAt?.toISOString() ?? 'an unknown time'}, more than ${maxAge} s ago`,
      );
    }
    return rule === undefined ? allow : judge(rule, certificate, facts);
  };
  const reportOnly = flag(options.reportOnly, 'requireClientCertificate.reportOnly', false);
  return guard({
    name: 'requireClientCertificate',
    reportOnly,
    failure: 'CLIENT_CERTIFICATE_DENIED',
    decide,
  });
}

function readRule(rule: unknown): Rule | undefined {
  if (rule === undefined || typeof rule === 'function') return rule as Rule | undefined;
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

function isTooOld({ authenticatedAt }: TlsState, maxAge: number, now: number): boolean {
  return authenticatedAt === undefined || now - authenticatedAt.getTime() > maxAge * 1000;
}

function judge(rule: Rule, certificate: ClientCertificate, tls: TlsState): Decision | Promise<Decision> {
  const answer: unknown = rule(certificate, { tls });
  if (!(answer instanceof Promise)) return readDecision(answer);
  return answer.then(readDecision, (error: unknown) => denied(`the rule has failed: ${messageOf(error)}`));
}
