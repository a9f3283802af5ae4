import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet, { type HelmetOptions } from 'helmet';
import { connectionOf, isLocalHost } from '../lib/connection/index.ts';
import { ConfigError } from '../lib/errors.ts';
import { checkArguments, checkKeys } from '../lib/options.ts';
import { readProfile, type TlsProfile } from '../lib/profiles/profile.ts';
import { type HeaderLine, readyHeaders } from './ready-headers.ts';

/** helmet's options, and the profile whose HSTS duration is meant (`intermediate`, two years, by default). */
export type SecurityHeadersOptions = HelmetOptions & {
  readonly profile?: 'intermediate' | 'modern' | Partial<TlsProfile> | undefined;
};

type Helmet = ReturnType<typeof helmet>;

/** helmet passes over a misspelt one without a word. The type keeps the list complete. */
const helmetKeys: Readonly<Record<keyof HelmetOptions, true>> = {
  contentSecurityPolicy: true,
  crossOriginEmbedderPolicy: true,
  crossOriginOpenerPolicy: true,
  crossOriginResourcePolicy: true,
  dnsPrefetchControl: true,
  frameguard: true,
  hidePoweredBy: true,
  hsts: true,
  ieNoOpen: true,
  noSniff: true,
  originAgentCluster: true,
  permittedCrossDomainPolicies: true,
  referrerPolicy: true,
  strictTransportSecurity: true,
  xContentTypeOptions: true,
  xDnsPrefetchControl: true,
  xDownloadOptions: true,
  xFrameOptions: true,
  xPermittedCrossDomainPolicies: true,
  xPoweredBy: true,
  xXssProtection: true,
  xssFilter: true,
};

/**
 * helmet's headers, with Strict-Transport-Security from the profile. That header and CSP's `upgrade-insecure-requests`
 * are left out over plain HTTP, where RFC 6797 7.2 forbids the first, and for localhost, where both would lock a
 * developer out of other servers. It looks at the socket: a header that claims TLS counts for nothing.
 *
 * helmet runs once, at construction, and at each request only where a CSP directive is a function.
 * What helmet does not accept is a ConfigError `OPTION_INVALID`, what it does not know `OPTION_UNKNOWN`.
 */
export function securityHeaders(options: SecurityHeadersOptions = {}): RequestHandler {
  checkArguments(arguments, 1, 'securityHeaders');
  checkKeys(options, ['profile', ...Object.keys(helmetKeys)], 'securityHeaders');
  const { profile, ...given } = options;
  const middleware = makeHelmet(withProfile(given, readProfile(profile)));
  return isConstant(given) ? precomputed(middleware) : computedEachTime(middleware);
}

function precomputed(middleware: Helmet): RequestHandler {
  const { lines, removed } = record(middleware);
  const insecureLines = lines.flatMap(([name, value]): HeaderLine[] => {
    const kept = withoutUpgrades(name, value);
    return kept === undefined ? [] : [[name, kept]];
  });
  const setSecure = readyHeaders(lines, removed);
  const setInsecure = readyHeaders(insecureLines, removed);
  const isSecure = secureRequests();
  return function securityHeadersMiddleware(request: Request, response: Response, next: NextFunction): void {
    if (isSecure(request)) setSecure(response);
    else setInsecure(response);
    next();
  };
}

function computedEachTime(middleware: Helmet): RequestHandler {
  const isSecure = secureRequests();
  return function securityHeadersMiddleware(request: Request, response: Response, next: NextFunction): void {
    middleware(request, response, (error?: unknown) => {
      if (error === undefined && !isSecure(request)) removeUpgrades(response);
      next(error);
    });
  };
}

/** Which requests came over TLS, and not for localhost. Remembers the last Host: most requests name the same. */
function secureRequests(): (request: Request) => boolean {
  let last: string | undefined;
  let isLocal = false;
  return ({ socket, headers: { host } }) => {
    if (host !== last) [last, isLocal] = [host, isLocalHost(host)];
    return !isLocal && connectionOf(socket) !== undefined;
  };
}

const hsts = 'Strict-Transport-Security';
/** As helmet spells them. */
const policies = ['Content-Security-Policy', 'Content-Security-Policy-Report-Only'];

function removeUpgrades(response: ServerResponse): void {
  for (const name of [hsts, ...policies]) {
    const value = response.getHeader(name);
    if (typeof value !== 'string') continue;
    const kept = withoutUpgrades(name, value);
    if (kept === undefined) response.removeHeader(name);
    else if (kept !== value) response.setHeader(name, kept);
  }
}

/** A header without what would turn a browser to https for good; undefined where nothing is left. */
function withoutUpgrades(name: string, value: string): string | undefined {
  if (name === hsts) return undefined;
  if (!policies.includes(name)) return value;
  const directives = value.split(';').filter((directive) => directive.trim() !== 'upgrade-insecure-requests');
  return directives.length === 0 ? undefined : directives.join(';');
}

function withProfile(options: HelmetOptions, profile: TlsProfile): HelmetOptions {
  const name = 'hsts' in options ? 'hsts' : 'strictTransportSecurity';
  const given = options[name];
  if (given === false) return options;
  return { ...options, [name]: { maxAge: profile.hstsMaxAge, ...(typeof given === 'object' ? given : {}) } };
}

function makeHelmet(options: HelmetOptions): Helmet {
  try {
    return helmet(options);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new ConfigError('OPTION_INVALID', 'securityHeaders', problem, "See helmet's documentation.", error);
  }
}

/** Whether no CSP directive is a function, which helmet asks anew at each request. */
function isConstant({ contentSecurityPolicy }: HelmetOptions): boolean {
  if (typeof contentSecurityPolicy !== 'object') return true;
  return Object.values(contentSecurityPolicy.directives ?? {}).every(
    (value) =>
      value === null || typeof value !== 'object' || [...value].every((item) => typeof item !== 'function'),
  );
}

/** What helmet sets, and what it removes, on a response that nobody receives. */
function record(middleware: Helmet): { readonly lines: HeaderLine[]; readonly removed: string[] } {
  const lines: HeaderLine[] = [];
  const removed: string[] = [];
  const recorder = {
    setHeader: (name: string, value: string) => lines.push([name, value]),
    removeHeader: (name: string) => removed.push(name),
  };
  middleware(new IncomingMessage(new Socket()), recorder as unknown as ServerResponse, () => undefined);
  return { lines, removed };
}
