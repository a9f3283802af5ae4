import type { KeyObject } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../errors.ts';
import { type KeyPair, readKeyPairs } from '../credentials/key-pair.ts';
import { type CertificateOption, type NamedSource, readCertificateSources } from '../credentials/source.ts';
import { checkKeys, flag, oneOf } from '../options.ts';
import { readProfile, type TlsProfile } from '../profiles/profile.ts';
import { readTickets, type TicketConfig, type TicketOptions } from '../tickets/config.ts';
import { type ClientAuth, type ClientAuthOptions, readClientAuth } from './client-auth.ts';
import { type CheckedLimits, type Limits, readLimits, type UnlimitedName } from './connections/limits.ts';
import { type Logger, readLogger } from './logger.ts';
import { checkHttpsOptions, knownHttpsOptions, passedOn } from './passed-on.ts';
import { protocolOptions } from './protocol.ts';
import { readRedirect, type RedirectConfig, type RedirectOptions } from './redirect/redirect-options.ts';
import { readSignals, type SignalsConfig, type SignalsOptions } from './lifecycle/signals.ts';
import { readStapling, type StaplingConfig, type StaplingOptions } from './stapling/stapling-options.ts';
import { readWatch, type Watched } from './lifecycle/watching.ts';

type OwnOrRefused =
  | 'ALPNCallback'
  | 'ca'
  | 'crl'
  | 'requestCert'
  | 'rejectUnauthorized'
  | 'secureProtocol'
  | 'secureContext'
  | 'dhparam'
  | 'pskCallback'
  | 'pskIdentityHint';

/** What `createServer` takes: the options of `https.createServer` that weaken nothing, and its own. */
export interface PortcullisOptions extends Omit<ServerOptions, OwnOrRefused> {
  /** `intermediate` (the default) or `modern` of Mozilla's guideline, or a profile of one's own. */
  readonly profile?: 'intermediate' | 'modern' | Partial<TlsProfile> | undefined;
  /** Asks clients for certificates: `optional` or `required`, by CAs of one’s own. Off by default; on, nothing is resumed. */
  readonly clientAuth?: ClientAuthOptions | undefined;
  /** Where certificates come from, and come again: the first is the default, the others are chosen by SNI. */
  readonly certificate?: CertificateOption | undefined;
  /** Reload certificates, CAs and CRLs when their files change; on for whatever is given as a file. */
  readonly watch?: boolean | undefined;
  /** What a client gets that names a server which no certificate has: the default one, or alert 112 (RFC 6066 3). */
  readonly unknownServerName?: 'default' | 'refuse' | undefined;
  /** In milliseconds and connections; every one finite. */
  readonly limits?: { readonly [Name in keyof Limits]?: Limits[Name] | undefined } | undefined;
  /** Serve HTTP/2 beside HTTP/1.1 on the one port, as ALPN chooses; off by default. */
  readonly http2?: boolean | undefined;
  /** A plain listener that answers 308 to https; off by default. */
  readonly redirect?: RedirectOptions | undefined;
  /** Signals on which it shuts down or reloads; none by default. */
  readonly signals?: SignalsOptions | undefined;
  /** Session tickets; on by default with keys that rotate every 12 hours, and always off with `clientAuth`. */
  readonly tickets?: boolean | TicketOptions | undefined;
  /** Staples the responder's word on each certificate, asked for in advance (RFC 6066 8); off by default. */
  readonly ocspStapling?: boolean | StaplingOptions | undefined;
  /** Where it says what an operator should know: pino's shape; `console` by default, `false` for silence. */
  readonly logger?: Logger | false | undefined;
  /** Below the profile’s. OpenSSL 3 wants `dangerouslySecurityLevel: 0` as well for TLS 1.0 and 1.1. */
  readonly dangerouslyMinVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | undefined;
  /** Without TLS 1.3. */
  readonly dangerouslyMaxVersion?: 'TLSv1.2' | undefined;
  /** In place of the profile’s, by OpenSSL’s names. */
  readonly dangerouslyCiphers?: string | readonly string[] | undefined;
  /** In place of the profile’s, in the order of preference. */
  readonly dangerouslyGroups?: string | readonly string[] | undefined;
  /** In place of OpenSSL’s own, by its names. */
  readonly dangerouslySignatureAlgorithms?: string | readonly string[] | undefined;
  /** OpenSSL's security level, 0 or 1. */
  readonly dangerouslySecurityLevel?: number | undefined;
  /** More of OpenSSL’s `SSL_OP_…` bits. */
  readonly dangerouslySecureOptions?: number | undefined;
  /** Client-initiated renegotiation (TLS 1.2). Impossible together with `clientAuth`. */
  readonly dangerouslyAllowRenegotiation?: boolean | undefined;
  /** With `clientAuth`: requests may name another host than the handshake. */
  readonly dangerouslyAllowHostMismatch?: boolean | undefined;
  /** Node’s lenient HTTP parser: requests may be smuggled. */
  readonly dangerouslyInsecureHTTPParser?: boolean | undefined;
  /** Limits that are switched off. */
  readonly dangerouslyUnlimited?: ReadonlyArray<UnlimitedName> | undefined;
}

/** The options, read and validated once. */
export interface ListenerConfig {
  readonly profile: TlsProfile;
  readonly clientAuth: ClientAuth | undefined;
  /** All options as they were given, for a reload to read again. Frozen. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Of the option `certificate`. */
  readonly sources: readonly NamedSource[] | undefined;
  readonly watched: Watched | undefined;
  readonly refuseUnknownName: boolean;
  /** Undefined without tickets, and where the user gives the key. */
  readonly tickets: TicketConfig | undefined;
  /** Of `key`, `cert` and `pfx`. Empty: the development certificate is to be used. */
  readonly keyPairs: readonly KeyPair[];
  readonly limits: CheckedLimits;
  readonly matchHost: boolean;
  readonly allowRenegotiation: boolean;
  readonly http2: boolean;
  readonly redirect: RedirectConfig | undefined;
  readonly signals: SignalsConfig | undefined;
  readonly stapling: StaplingConfig | undefined;
  readonly logger: Logger;
  /** For `https.Server`, complete but for key and certificate. */
  readonly https: ServerOptions;
}

const ownKeys = [
  'cert',
  'certificate',
  'ciphers',
  'clientAuth',
  'dangerouslyAllowHostMismatch',
  'dangerouslyAllowRenegotiation',
  'dangerouslyCiphers',
  'dangerouslyGroups',
  'dangerouslyInsecureHTTPParser',
  'dangerouslyMaxVersion',
  'dangerouslyMinVersion',
  'dangerouslySecureOptions',
  'dangerouslySecurityLevel',
  'dangerouslySignatureAlgorithms',
  'dangerouslyUnlimited',
  'ecdhCurve',
  'handshakeTimeout',
  'headersTimeout',
  'honorCipherOrder',
  'http2',
  'keepAliveTimeout',
  'key',
  'limits',
  'logger',
  'maxConnections',
  'maxVersion',
  'minVersion',
  'ocspStapling',
  'passphrase',
  'pfx',
  'profile',
  'redirect',
  'requestTimeout',
  'secureOptions',
  'sigalgs',
  'signals',
  'tickets',
  'unknownServerName',
  'watch',
];

/** Slow clients are looked for this often (ms); by Node's default of 30 s a limit of 10 s holds nobody for long. */
const checkingInterval = 1_000;

/** Reads all options, or throws the first ConfigError. `kept` are taken for what `key`, `cert` and `pfx` hold. */
export function readOptions(options: unknown, kept?: readonly KeyPair[]): ListenerConfig {
  checkKeys(options, [...ownKeys, ...knownHttpsOptions], 'options');
  // Read once, whatever getters there are, and without a prototype that could be polluted.
  const given: Readonly<Record<string, unknown>> = Object.freeze(Object.assign(Object.create(null), options));
  const profile = readProfile(given['profile']);
  const sources = readSources(given);
  // Before what it watches is read.
  const watched = readWatch(given, sources);
  const clientAuth = readClientAuth(given['clientAuth']);
  const http2 = flag(given['http2'], 'http2', false);
  checkHttpsOptions(given, clientAuth !== undefined, http2);
  const allowRenegotiation = flag(
    given['dangerouslyAllowRenegotiation'],
    'dangerouslyAllowRenegotiation',
    false,
  );
  if (allowRenegotiation && clientAuth !== undefined) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'dangerouslyAllowRenegotiation',
      'by renegotiating a client changes its certificate',
      'Leave it out where clientAuth is set.',
    );
  }
  const tickets = readTickets(given['tickets'], clientAuth !== undefined);
  checkTicketKeys(given, tickets);
  const limits = readLimits(given);
  const config: ListenerConfig = {
    profile,
    clientAuth,
    given,
    sources,
    watched,
    refuseUnknownName: readUnknownName(given),
    tickets: given['ticketKeys'] === undefined ? tickets : undefined,
    keyPairs: kept ?? readKeyPairs(given),
    limits,
    matchHost:
      clientAuth !== undefined &&
      !flag(given['dangerouslyAllowHostMismatch'], 'dangerouslyAllowHostMismatch', false),
    allowRenegotiation,
    http2,
    redirect: readRedirect(given['redirect']),
    signals: readSignals(given['signals']),
    stapling: readStapling(given['ocspStapling']),
    logger: readLogger(given['logger']),
    https: {
      connectionsCheckingInterval: checkingInterval,
      ...passedOn(given),
      ...protocolOptions(given, profile, tickets !== undefined),
      ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: limits.handshakeTimeout,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      insecureHTTPParser: flag(
        given['dangerouslyInsecureHTTPParser'],
        'dangerouslyInsecureHTTPParser',
        false,
      ),
      ...clientAuthOptions(clientAuth),
    },
  };
  checkContext(config);
  return config;
}

/** `certificate` says all; beside it `key` would say it twice, and an `SNICallback` would choose against it. */
function readSources(given: Readonly<Record<string, unknown>>): readonly NamedSource[] | undefined {
  const sources = readCertificateSources(given['certificate']);
  const twice = ['key', 'cert', 'pfx', 'passphrase', 'SNICallback'].find((name) => given[name] !== undefined);
  if (sources !== undefined && twice !== undefined) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      twice,
      'the option certificate is there as well',
      'Give one of them.',
    );
  }
  return sources;
}

function readUnknownName(given: Readonly<Record<string, unknown>>): boolean {
  const answer = given['unknownServerName'];
  if (answer === undefined || oneOf(answer, ['default', 'refuse'], 'unknownServerName') === 'default')
    return false;
  if (given['SNICallback'] === undefined) return true;
  throw new ConfigError(
    'OPTION_CONFLICT',
    'unknownServerName',
    'an SNICallback decides on names itself',
    'Leave one of them out.',
  );
}

/** A key that the user gives is not rotated here: they have to, by `setTicketKeys`. */
function checkTicketKeys(given: Readonly<Record<string, unknown>>, tickets: TicketConfig | undefined): void {
  if (given['ticketKeys'] === undefined) return;
  if (tickets !== undefined && (given['tickets'] === undefined || given['tickets'] === true)) return;
  throw new ConfigError(
    'OPTION_CONFLICT',
    'ticketKeys',
    'the option tickets says otherwise',
    'Leave it out: keys are made, rotated and shared by tickets: { rotateEvery, store }.',
  );
}

/** What `https.Server` needs to ask for certificates; the root store stays empty but for the anchors. */
function clientAuthOptions(clientAuth: ClientAuth | undefined): ServerOptions {
  if (clientAuth === undefined) return { requestCert: false };
  return {
    requestCert: true,
    rejectUnauthorized: clientAuth.required,
    ca: clientAuth.trust.anchors.map(({ pem }) => pem),
  };
}

/** Key and certificate in the form in which Node takes several. A root is left out, as no client believes one sent. */
export function credentialOptions(pairs: readonly KeyPair[]): Pick<ServerOptions, 'key' | 'cert'> {
  return {
    key: pairs.map(({ key }) => exported(key)),
    cert: pairs.map(({ leaf, issuers }) =>
      [leaf, ...issuers.filter(({ isSelfIssued }) => !isSelfIssued)].map(({ pem }) => pem).join(''),
    ),
  };
}

const exported = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** OpenSSL's own objections, before a server exists that fails every handshake. */
function checkContext({ https }: ListenerConfig): void {
  try {
    createSecureContext(https);
  } catch (error) {
    throw new ConfigError(
      'OPTION_INVALID',
      'options',
      'OpenSSL does not accept them',
      'See the cause.',
      error,
    );
  }
}
