import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { connectionOf, forwardedClientOf } from '../lib/connection/index.ts';
import { ConfigError, PolicyViolation } from '../lib/errors.ts';
import { isHeard } from '../lib/events.ts';
import { type ForwardedFormatOptions, formatOptions, readFormat } from '../lib/forwarded/index.ts';
import { checkArguments, checkKeys, flag, oneOf } from '../lib/options.ts';
import { refuse } from '../lib/policy/decision.ts';
import type { Rule } from '../lib/policy/rule.ts';
import type { CertificateInputs } from '../lib/trust/anchors.ts';
import type { PathCheck } from '../lib/trust/profile/path-check.ts';
import { readRouteTrust } from '../lib/trust/route-trust.ts';
import { attemptAll, type ForwardedSettings, type Outcome, standsAsBefore } from './forwarded-outcome.ts';
import { isAdmitted, judgement, report } from './guard.ts';
import { readProxyTrust, type Standing } from './proxy-trust.ts';
import { type Caching, markResponse } from './response-caching.ts';

/** Which header to read, and from whom. */
export interface ForwardedClientCertificateOptions extends ForwardedFormatOptions {
  /**
   * Who may say who a client is, mandatory: the proxy's addresses or CIDRs, `loopback`, `unix` (a Unix socket), or a rule
   * on the proxy's own certificate, which the listener has verified.
   */
  readonly trust: string | readonly string[] | Rule;
  /** Trust anchors by which forwarded certificates are verified here, whether or not the proxy has done so. */
  readonly ca?: CertificateInputs;
  /** Checks of the path to `ca` that are let go (docs/path-checks.md). Only together with `ca`. */
  readonly dangerouslyAllow?: readonly PathCheck[] | undefined;
  /** What happens to the headers of anybody else: `remove` (the default), or `refuse` with 400. */
  readonly untrusted?: 'remove' | 'refuse' | undefined;
  /** Leaves the headers of the proxy on the request, where they are removed as well by default. */
  readonly keepHeaders?: boolean | undefined;
  /** What answers tell caches (RFC 9440 2.4): `vary` (the default) on the headers, `no-store`, or `none`. */
  readonly caching?: Caching | undefined;
  /** Takes a proxy at its word over plain HTTP, too: for one on this machine, or in a network that is encrypted itself. */
  readonly dangerouslyAllowPlainHttp?: boolean | undefined;
}

const path = 'forwardedClientCertificate';
const keys = [
  ...formatOptions,
  'trust',
  'ca',
  'dangerouslyAllow',
  'untrusted',
  'keepHeaders',
  'caching',
  'dangerouslyAllowPlainHttp',
];

/**
 * Takes the client's certificate from the headers of a proxy that ends TLS. It trusts the socket alone as to who the proxy
 * is, and the proxy as to whom it has let in: `req.tls.source` is `forwarded`, and a policy counts such a client only with
 * `acceptForwarded: true`. From anybody else the headers are removed, look-alikes (`Client_Cert`) and trailers included.
 *
 * ```ts
 * app.use(forwardedClientCertificate({ format: 'nginx', trust: '10.0.0.5' }));
 * app.use('/admin', requireClientCertificate({ acceptForwarded: true }));
 * ```
 *
 * What the proxy has verified is looked at here for its dates, purpose and strength, and by the listener's revocation and
 * deny list, at each request. What it has not verified counts only by `ca`, here or at a route. Put it before every policy
 * of the app. docs/forwarded-certificates.md has the formats. For several proxies give a list: the first whose proxy a
 * request comes from reads it. A second one further on narrows: its `trust`, `ca` and `verifiedByProxy` count as well.
 *
 * Refuses with 400: `FORWARDED_CERTIFICATE_MALFORMED`. ConfigErrors: `OPTION_INVALID`, `OPTION_CONFLICT`,
 * `OPTION_UNKNOWN`, `OPTION_WEAKENS`, and of `ca`: `CLIENT_CA_MISSING`, `CLIENT_CA_INVALID`.
 */
export function forwardedClientCertificate(
  options: ForwardedClientCertificateOptions | readonly ForwardedClientCertificateOptions[],
): RequestHandler {
  checkArguments(arguments, 1, path, 'Give several proxies in a list.');
  const all = Array.isArray(options) ? readAll(options) : [readSettings(options, path)];

  return judgement(function forwardedClientCertificateMiddleware(
    request: Request,
    response: Response,
    next: NextFunction,
  ): void {
    const isAgain = isAdmitted(request);
    const settle = (standings: readonly Standing[]): void => {
      const outcomes = isAgain
        ? againOn(standsAsBefore(all, request, standings))
        : attemptAll(all, request, standings);
      for (const outcome of outcomes) tell(outcome, request, forwardedClientCertificateMiddleware);
      const refusal = outcomes.find(({ enforced, decision }) => enforced && !decision.allow)?.decision;
      if (refusal === undefined || refusal.allow) return next();
      connectionOf(request.socket)?.refused(refusal.code);
      next(new PolicyViolation(refusal.code, refusal.detail));
    };
    if (!isAgain) for (const { caching, format } of all) markResponse(response, caching, format.vary);
    const standings = all.map(({ trust }) => trust.standingOf(request));
    if (standings.every((standing) => typeof standing === 'string')) settle(standings);
    else void Promise.all(standings.map(async (standing) => standing)).then(settle);
  });
}

function readAll(list: readonly unknown[]): readonly ForwardedSettings[] {
  if (list.length === 0)
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'the list is empty',
      'Give { format, trust } for each proxy.',
    );
  const all = Array.from(list, (options, index) => readSettings(options, `${path}[${index}]`));
  // A stranger is one to all of them, and whose headers it has sent does not show.
  const refuses = all.some((settings) => settings.refuses);
  return all.map((settings) => Object.assign(settings, { refuses }));
}

function readSettings(value: unknown, at: string): ForwardedSettings {
  checkKeys(value, keys, at);
  const options = value as ForwardedClientCertificateOptions;
  const { untrusted, caching } = options;
  return {
    format: readFormat(options as unknown as Readonly<Record<string, unknown>>, at),
    trust: readProxyTrust(options.trust, `${at}.trust`),
    store: readRouteTrust(options, at),
    refuses:
      untrusted !== undefined && oneOf(untrusted, ['remove', 'refuse'], `${at}.untrusted`) === 'refuse',
    keeps: flag(options.keepHeaders, `${at}.keepHeaders`, false),
    plainHttp: flag(options.dangerouslyAllowPlainHttp, `${at}.dangerouslyAllowPlainHttp`, false),
    caching: caching === undefined ? 'vary' : oneOf(caching, ['vary', 'no-store', 'none'], `${at}.caching`),
  };
}

const againOn = (isAsBefore: boolean): readonly Outcome[] => (isAsBefore ? [] : [proxyChanged]);

/** Of an upgrade that was let in: for whom the proxy speaks, if it is one at all, is no longer known. */
const proxyChanged: Outcome = {
  decision: refuse(
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'trust: it is not known any more whether a proxy has forwarded it',
  ),
  enforced: true,
};

function tell(
  { decision, enforced: isEnforced, rule }: Outcome,
  request: Request,
  middleware: RequestHandler,
): void {
  if (!isHeard('portcullis:decision')) return;
  const state = forwardedClientOf(request)?.stateAt(Date.now());
  const seen = decision.allow && state !== undefined ? { state } : undefined;
  report({ name: path, rule, reportOnly: !isEnforced, middleware }, decision, request, seen);
}
