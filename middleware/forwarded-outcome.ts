import type { Request } from 'express';
import {
  type Client,
  connectionOf,
  ForwardedClient,
  forwardedClientOf,
  noteForwardedClient,
} from '../lib/connection/index.ts';
import { messageOf } from '../lib/errors.ts';
import {
  type ForwardedFormat,
  MalformedError,
  refusedByProxy,
  removeHeaders,
} from '../lib/forwarded/index.ts';
import { allow, type Decision, refuse } from '../lib/policy/decision.ts';
import { type CertificateProblem, untrusted } from '../lib/trust/problem.ts';
import type { TrustStore } from '../lib/trust/trust-store.ts';
import type { ProxyTrust, Standing } from './proxy-trust.ts';
import type { Caching } from './response-caching.ts';

/** How headers are read, and of whom. */
export interface ForwardedSettings {
  readonly format: ForwardedFormat;
  readonly trust: ProxyTrust;
  readonly store: TrustStore | undefined;
  readonly refuses: boolean;
  readonly keeps: boolean;
  readonly plainHttp: boolean;
  readonly caching: Caching;
}

/** What was decided of a request; undefined where it brought nothing to decide on. */
export interface Outcome {
  readonly decision: Decision;
  readonly enforced: boolean;
  /** Of the settings that decided, where they trust by a rule. */
  readonly rule?: string | undefined;
}

const enforced = (decision: Decision): Outcome => ({ decision, enforced: true });
const malformed = (detail: string): Outcome => enforced(refuse('FORWARDED_CERTIFICATE_MALFORMED', detail));

/**
 * By whose settings a request is read. Rules come before addresses: where one holds, or gave no answer, the connection's
 * certificate is no user's.
 */
function choose(
  all: readonly ForwardedSettings[],
  standings: readonly Standing[],
): ForwardedSettings | 'other' | 'unknown' {
  const proxies = all.filter((_, index) => standings[index] === 'proxy');
  const byRule = proxies.find(({ trust }) => trust.byCertificate);
  if (byRule !== undefined) return byRule;
  return standings.includes('unknown') ? 'unknown' : (proxies[0] ?? 'other');
}

/**
 * Takes the headers off a request, and notes whom they name: by the first of several settings whose proxy it comes from.
 * Whatever goes wrong refuses; it never throws.
 */
export function attemptAll(
  all: readonly ForwardedSettings[],
  request: Request,
  standings: readonly Standing[],
): Outcome[] {
  const chosen = choose(all, standings);
  if (typeof chosen === 'string')
    return all.flatMap((settings) => ruled(settings, attempt(settings, request, chosen)));
  const outcome = attempt(chosen, request, 'proxy');
  const kept = (name: string): boolean => chosen.keeps && chosen.format.names.isExactly(name);
  const others = all.filter((settings) => settings !== chosen);
  return [
    ...ruled(chosen, outcome),
    ...others.flatMap(({ format, refuses }) =>
      removeHeaders(request, format.names, kept) ? [stranger(byOther, refuses)] : [],
    ),
  ];
}

const ruled = ({ trust: { rule } }: ForwardedSettings, outcome: Outcome | undefined): Outcome[] =>
  outcome === undefined ? [] : [{ ...outcome, rule }];

function attempt(settings: ForwardedSettings, request: Request, standing: Standing): Outcome | undefined {
  const connection = connectionOf(request.socket);
  try {
    if (standing === 'unknown') show(request, nobodyFor(connection, unknownPeer));
    if (standing !== 'proxy') return discard(settings, request, byStranger);
    if (connection === undefined && !settings.plainHttp) return discard(settings, request, overPlainHttp);
    return accept(settings, request, connection);
  } catch (error) {
    const reason =
      error instanceof MalformedError ? error.message : `the headers could not be read: ${messageOf(error)}`;
    // An app that goes on after the error finds nobody there, and least of all the proxy.
    const problem = { code: 'FORWARDED_CERTIFICATE_MALFORMED', reason } as const;
    show(request, nobodyFor(connection, problem));
    return malformed(reason);
  }
}

/** From now on it is this client's request. */
function show(request: Request, client: ForwardedClient): void {
  noteForwardedClient(request, client);
  request.tls = client.unjudgedState(Date.now());
}

/** What was taken at its word in a request. */
interface Accepted {
  /** Names and values, in turn. */
  readonly lines: readonly string[];
  /** By whose settings. */
  readonly by: readonly ForwardedSettings[];
}

const accepted = new WeakMap<Request, Accepted>();

/**
 * Whether the proxy of a request that was let in is the same still, and a client still none. By addresses nobody can turn
 * into a proxy.
 */
export function standsAsBefore(
  all: readonly ForwardedSettings[],
  request: Request,
  standings: readonly Standing[],
): boolean {
  const before = all.find((settings) => accepted.get(request)?.by.includes(settings));
  const now = choose(all, standings);
  if (before !== undefined) return now === before;
  return typeof now === 'string' ? now === 'other' : !now.trust.byCertificate;
}

/** Instead of any client, and of the proxy as well. */
const nobodyFor = (connection: Client | undefined, problem: CertificateProblem): ForwardedClient =>
  new ForwardedClient(connection, refusedByProxy(problem), undefined);

const unknownPeer: CertificateProblem = {
  code: 'CLIENT_CERTIFICATE_DENIED',
  reason: "the rule of forwardedClientCertificate gave no answer as to whether the connection is the proxy's",
};

const byStranger = 'from somebody whom nobody trusts to forward one';
const byOther = 'as another proxy writes it';
const overPlainHttp = 'over plain HTTP (dangerouslyAllowPlainHttp)';

/** Removes the headers, and the client of whom they have told; of one that brings some there is something to tell. */
function discard({ format, refuses }: ForwardedSettings, request: Request, why: string): Outcome | undefined {
  const isFound = removeHeaders(request, format.names);
  const isAccepted = format.names.linesIn(accepted.get(request)?.lines ?? []).length > 0;
  if (!isFound && !isAccepted) return undefined;
  if (isAccepted) show(request, nobodyFor(connectionOf(request.socket), untrusted(told(why))));
  return stranger(why, refuses);
}

const told = (why: string): string => `a forwarded certificate ${why}`;
const stranger = (why: string, refuses: boolean): Outcome => ({ ...malformed(told(why)), enforced: refuses });

function accept(
  settings: ForwardedSettings,
  request: Request,
  connection: Client | undefined,
): Outcome | undefined {
  const { trust, store, format } = settings;
  const lines = take(settings, request);
  const assertion = format.read(lines);
  const isThere = lines.length > 0;
  if (!trust.byCertificate) {
    // Whoever forwards nothing from there is a client like any other, with a certificate of its own or without.
    if (!isThere) return undefined;
    if (connection !== undefined && presents(connection))
      throw new MalformedError('beside a certificate of the connection itself (trust: a rule on it)');
  }
  const earlier = forwardedClientOf(request);
  if (earlier !== undefined && !earlier.agreesWith(assertion))
    throw new MalformedError('two headers tell of different clients');
  show(
    request,
    earlier?.isNobody === false
      ? earlier.narrowed(assertion, store)
      : new ForwardedClient(connection, assertion, store),
  );
  note(settings, request, lines);
  return isThere ? enforced(allow) : undefined;
}

/** Removes the headers. Gives them, and those that another one has removed here before: both are to be believed. */
function take({ format: { names }, keeps }: ForwardedSettings, request: Request): readonly string[] {
  const lines = names.linesIn(request.rawHeaders);
  removeHeaders(request, names, keeps ? (name) => names.isExactly(name) : undefined);
  const earlier = accepted.get(request)?.lines;
  return earlier === undefined ? lines : [...lines, ...names.linesIn(without(lines, earlier))];
}

function note(settings: ForwardedSettings, request: Request, lines: readonly string[]): void {
  const { lines: earlier = [], by = [] } = accepted.get(request) ?? {};
  accepted.set(request, { lines: [...lines, ...without(lines, earlier)], by: [...by, settings] });
}

/** Those of `earlier` whose names do not stand in `lines`. */
function without(lines: readonly string[], earlier: readonly string[]): readonly string[] {
  const names = new Set(lines.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  return earlier.filter((_, index) => !names.has(earlier[index - (index % 2)]!.toLowerCase()));
}

/** Whether there is a certificate in the handshake, whatever it is worth. */
function presents(connection: Client): boolean {
  const { clientCertificate, clientCertificateError } = connection.stateAt(Date.now());
  return clientCertificate !== undefined || clientCertificateError !== undefined;
}
