import { isIP } from 'node:net';
import { mozilla60 } from '../../profiles/mozilla-6.0.ts';
import { acceptedOf } from './accepted.ts';
import type { Roots } from './certificates/roots.ts';
import { judgeStapling } from './certificates/stapling.ts';
import { clientCertificateOf } from './client-certificate.ts';
import { judgeInspection, type Observed, verdictOf } from './findings/judge.ts';
import type { Inspection } from './inspection.ts';
import { negotiate, type Negotiation } from './negotiated/negotiate.ts';
import { askRedirect } from './negotiated/redirect.ts';
import { missingGroup } from './probe/groups.ts';
import { type Survey, survey } from './probe/survey.ts';
import { notTls, reach, type Reached, told } from './reach.ts';
import { Sightings } from './sightings.ts';
import type { Target } from './target.ts';

/** How to look at a server. */
export interface InspectOptions {
  /** SNI, and the name that the certificate must have; by default the host, and none for an address. */
  readonly serverName?: string | undefined;
  readonly roots: Roots;
  /** A client certificate, PEM. */
  readonly key?: string | undefined;
  readonly cert?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly profile: 'intermediate' | 'modern';
  /** Milliseconds that one connection may take. */
  readonly timeout: number;
  /** Only what was negotiated: no survey of what else is accepted. */
  readonly quick: boolean;
  /** The port of plain HTTP that shall send on to https. */
  readonly httpPort?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/**
 * Looks at a server from outside: what Node's client negotiates, and unless `quick` everything else that it accepts, by
 * hellos that are never followed up. Nothing is trusted, and nothing changes at the server. A CliFailure where nobody
 * answers, or nobody by TLS.
 */
export async function inspectServer(target: Target, options: InspectOptions): Promise<Inspection> {
  const { serverName = isIP(target.host) === 0 ? target.host : undefined, timeout, signal } = options;
  const reached = await reach(target, serverName, { timeout, signal });
  const { address, prober } = reached;
  const approach = {
    endpoint: { address, port: target.port },
    serverName,
    ca: options.roots.pem,
    key: options.key,
    cert: options.cert,
    passphrase: options.passphrase,
    timeout,
    signal,
  };
  const authority =
    target.port === 443 ? (serverName ?? target.host) : told({ ...target, host: serverName ?? target.host });
  const negotiation = await negotiate(approach, authority, options.quick);
  const unsupportedGroup = negotiation.failure === undefined ? null : await missingGroup(prober);
  const sightings = new Sightings(reached, negotiation);
  const surveyed = options.quick
    ? undefined
    : await survey(
        prober,
        () => sightings.certificateGroup,
        (answer) => sightings.see(answer),
        reached.knock,
      );
  requireTls(target, reached, negotiation, surveyed);
  const redirect =
    options.httpPort === undefined
      ? null
      : await askRedirect(address, options.httpPort, serverName ?? target.host, { timeout, signal });
  signal.throwIfAborted();
  const chains = sightings.chains({ ...options, host: serverName ?? target.host });
  const observed: Observed = {
    schema: 1,
    target: { ...target, address, serverName: serverName ?? null },
    inspectedAt: new Date(options.now).toISOString(),
    profile: options.profile,
    guideline: mozilla60.version,
    negotiated: negotiation.negotiated,
    handshakeError: negotiation.failure === undefined ? null : wordsOf(negotiation.failure),
    unsupportedGroup,
    roots: options.roots.kind,
    chains: chains.map(({ served }) => served),
    stapling: chains[0] === undefined ? null : judgeStapling(sightings.ocspResponse, chains[0], options.now),
    clientCertificate: clientCertificateOf(sightings, negotiation, options.cert !== undefined),
    resumption: negotiation.resumption,
    accepted: surveyed === undefined ? null : acceptedOf(surveyed, negotiation.clientRenegotiation),
    http: negotiation.http,
    redirect,
  };
  const findings = judgeInspection(observed, chains, options.now);
  return Object.freeze({ ...observed, verdict: verdictOf(findings), findings });
}

const wordsOf = ({ code, message }: { code: string; message: string }): string => `${code}: ${message}`;

/** Whoever has sent neither a hello nor an alert does not speak TLS. */
function requireTls(
  target: Target,
  { introductions }: Reached,
  { negotiated, failure }: Negotiation,
  surveyed: Survey | undefined,
): void {
  const isTls =
    negotiated !== null ||
    introductions.some(({ hello, alert }) => hello !== undefined || alert !== undefined) ||
    (surveyed !== undefined && (surveyed.versions.length > 0 || surveyed.sslv2 !== undefined));
  if (isTls) return;
  const why = introductions.some(({ ending }) => ending.kind === 'silent')
    ? 'does not answer'
    : 'does not speak TLS';
  throw notTls(target, `${why}${failure === undefined ? '' : ` (${failure.code})`}`);
}
