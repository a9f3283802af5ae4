import type { Request, RequestHandler } from 'express';
import { renewedState } from '../lib/connection/index.ts';
import { isThenable, systemClock, within } from '../lib/clock.ts';
import { ConfigError } from '../lib/errors.ts';
import { checkArguments, checkKeys, describe, flag, oneOf, wholeNumber } from '../lib/options.ts';
import {
  type BindingMode,
  type Confirmation,
  type Holder,
  judgeConfirmation,
} from '../lib/policy/bound-token.ts';
import type { Decision } from '../lib/policy/decision.ts';
import { guard, type Seen } from './guard.ts';
import { whenKnown } from './when-known.ts';

/** Where the confirmation comes from (RFC 8705 3.1), and what counts. */
export interface RequireBoundTokenOptions {
  /**
   * The claim `cnf` of the request's access token, which you have verified: signature, issuer, audience, dates. It is
   * undefined for a token without. A throw or a rejection refuses.
   */
  readonly confirmation: (request: Request) => Confirmation | undefined | Promise<Confirmation | undefined>;
  /** `required` (the default): only bound tokens pass; `if-bound`: one without `cnf` does as well. */
  readonly mode?: BindingMode | undefined;
  /** Accepts a client whose certificate a trusted proxy has passed on, too (`forwardedClientCertificate`). */
  readonly acceptForwarded?: boolean | undefined;
  /**
   * Accepts a client that has signed its certificate itself, too (RFC 8705 2.2): nobody vouches for it, but it has
   * proven its key in this connection, and the token names the certificate.
   */
  readonly selfSigned?: boolean | undefined;
  /** Milliseconds that `confirmation` may take; 5,000 by default. */
  readonly timeout?: number | undefined;
  /** Publishes the refusal and lets the request pass. */
  readonly reportOnly?: boolean | undefined;
}

const keys = ['confirmation', 'mode', 'acceptForwarded', 'selfSigned', 'timeout', 'reportOnly'];

/**
 * Lets requests pass whose access token is bound to the client's certificate (RFC 8705 3): `cnf["x5t#S256"]` is the
 * thumbprint of the certificate, verified as `req.tls.clientCertificate` is, compared in constant time. A stolen token
 * is of no use without the client's key. It trusts `confirmation` to have verified the token, and to answer 401 itself
 * where there is none.
 *
 * ```ts
 * requireBoundToken({ confirmation: (request) => request.auth.payload.cnf })
 * ```
 *
 * Refuses with 401 and `WWW-Authenticate: Bearer error="invalid_token"` (RFC 6750 3.1): `TOKEN_NOT_BOUND`; also in mode
 * `if-bound` a `cnf` that is malformed, or binds by other means alone. Without TLS with 403: `TLS_REQUIRED`.
 *
 * ConfigErrors: `OPTION_INVALID`, `OPTION_UNKNOWN`.
 */
export function requireBoundToken(options: RequireBoundTokenOptions): RequestHandler {
  checkArguments(arguments, 1, 'requireBoundToken');
  checkKeys(options, keys, 'requireBoundToken');
  const confirmation = readConfirmation(options.confirmation);
  const { mode: given, timeout: patience = 5_000 } = options;
  const mode =
    given === undefined ? 'required' : oneOf(given, ['required', 'if-bound'], 'requireBoundToken.mode');
  const timeout = wholeNumber(patience, 'requireBoundToken.timeout', 'milliseconds', 1, 600_000);
  const acceptForwarded = flag(options.acceptForwarded, 'requireBoundToken.acceptForwarded', false);
  const selfSigned = flag(options.selfSigned, 'requireBoundToken.selfSigned', false);
  const reportOnly = flag(options.reportOnly, 'requireBoundToken.reportOnly', false);

  const look = (seen: Seen): Decision | Promise<Decision> => {
    const judge = (cnf: unknown): Decision => {
      // While the token was looked at, the certificate may have expired, or been revoked.
      seen.state = renewedState(seen.connection, seen.state, Date.now());
      return judgeConfirmation(cnf, () => holderOf(seen, selfSigned), mode);
    };
    const cnf: unknown = confirmation(seen.request);
    if (!isThenable(cnf)) return judge(cnf);
    const message = `confirmation() gave no answer within ${timeout} ms`;
    return within(systemClock, timeout, message, Promise.resolve(cnf)).then(judge);
  };
  return guard({
    name: 'requireBoundToken',
    acceptForwarded,
    reportOnly,
    failure: 'TOKEN_NOT_BOUND',
    decide: (seen) => whenKnown(seen, undefined, look),
  });
}

function holderOf({ state, connection }: Seen, selfSigned: boolean): Holder {
  const { clientCertificate, clientCertificateError } = state;
  const holder = clientCertificate ?? (selfSigned ? connection.selfSigned(Date.now()) : undefined);
  if (holder !== undefined) return holder;
  return {
    missing:
      clientCertificateError === undefined
        ? 'the client sent no certificate, or the listener did not ask for one (clientAuth)'
        : `the client's certificate does not count: ${clientCertificateError.code}, ${clientCertificateError.reason}`,
  };
}

function readConfirmation(given: unknown): (request: Request) => unknown {
  if (typeof given === 'function') return given as (request: Request) => unknown;
  throw new ConfigError(
    'OPTION_INVALID',
    'requireBoundToken.confirmation',
    given === undefined ? 'it is mandatory' : `expected a function, got ${describe(given)}`,
    "Give a function that verifies the request's token and returns its claim cnf.",
  );
}
