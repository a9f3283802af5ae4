import type { KeyObject } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../errors.ts';
import { type KeyPair, readKeyPairs } from '../credentials/key-pair.ts';
import { checkKeys, flag } from '../options.ts';
import { readProfile, type TlsProfile } from '../profiles/profile.ts';
import { type ClientAuth, type ClientAuthOptions, readClientAuth } from './client-auth.ts';
import { type Limits, readLimits } from './limits.ts';
import { type Logger, readLogger } from './logger.ts';
import { checkHttpsOptions, knownHttpsOptions, passedOn } from './passed-on.ts';
import { protocolOptions } from './protocol.ts';
import { readRedirect, type RedirectConfig, type RedirectOptions } from './redirect-options.ts';
import { checkServerCertificates } from './server-certificates.ts';

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
  readonly clientAuth?: ClientAuthOptions | undefined;
  /** In milliseconds and connections; every one finite. */
  readonly limits?: { readonly [Name in keyof Limits]?: Limits[Name] | undefined } | undefined;
  /** A plain listener that answers 308 to https; off by default. */
  readonly redirect?: RedirectOptions | undefined;
  /** Session tickets; on by default, and always off with `clientAuth`. */
  readonly tickets?: boolean | undefined;
  /** Where it says what an operator should know: pino's shape; `console` by default, `false` for silence. */
  readonly logger?: Logger | false | undefined;
  readonly dangerouslyMinVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | undefined;
  readonly dangerouslyMaxVersion?: 'TLSv1.2' | undefined;
  readonly dangerouslyCiphers?: string | readonly string[] | undefined;
  readonly dangerouslyGroups?: string | readonly string[] | undefined;
  readonly dangerouslySignatureAlgorithms?: string | readonly string[] | undefined;
  /** OpenSSL's security level, 0 or 1. */
  readonly dangerouslySecurityLevel?: number | undefined;
  readonly dangerouslySecureOptions?: number | undefined;
  /** Client-initiated renegotiation (TLS 1.2). Impossible together with `clientAuth`. */
  readonly dangerouslyAllowRenegotiation?: boolean | undefined;
  /** With `clientAuth`: requests may name another host than the handshake. */
  readonly dangerouslyAllowHostMismatch?: boolean | undefined;
  readonly dangerouslyInsecureHTTPParser?: boolean | undefined;
  /** Limits that are switched off. */
  readonly dangerouslyUnlimited?: ReadonlyArray<Exclude<keyof Limits, 'handshakeTimeout'>> | undefined;
}

/** The options, read and validated once. */
export interface ListenerConfig {
  readonly profile: TlsProfile;
  readonly clientAuth: ClientAuth | undefined;
  /** Empty: the development certificate is to be used. */
  readonly keyPairs: readonly KeyPair[];
  readonly limits: Limits;
  readonly matchHost: boolean;
  readonly allowRenegotiation: boolean;
  readonly redirect: RedirectConfig | undefined;
  readonly logger: Logger;
  /** For `https.Server`, complete but for key and certificate. */
  readonly https: ServerOptions;
}

const ownKeys = [
  'cert',
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
  'keepAliveTimeout',
  'key',
  'limits',
  'logger',
  'maxConnections',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'profile',
  'redirect',
  'requestTimeout',
  'secureOptions',
  'sigalgs',
  'tickets',
];

/** Slow clients are looked for this often (ms); by Node's default of 30 s a limit of 10 s holds nobody for long. */
const checkingInterval = 1_000;

/** Reads all options, or throws the first ConfigError. */
export function readOptions(options: unknown): ListenerConfig {
  checkKeys(options, [...ownKeys, ...knownHttpsOptions], 'options');
  // Read once, whatever getters there are, and without a prototype that could be polluted.
  const given: Readonly<Record<string, unknown>> = Object.freeze(Object.assign(Object.create(null), options));
  const profile = readProfile(given['profile']);
  const clientAuth = readClientAuth(given['clientAuth']);
  checkHttpsOptions(given, clientAuth !== undefined);
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
  const limits = readLimits(given);
  const config: ListenerConfig = {
    profile,
    clientAuth,
    keyPairs: readKeyPairs(given),
    limits,
    matchHost:
      clientAuth !== undefined &&
      !flag(given['dangerouslyAllowHostMismatch'], 'dangerouslyAllowHostMismatch', false),
    allowRenegotiation,
    redirect: readRedirect(given['redirect']),
    logger: readLogger(given['logger']),
    https: {
      connectionsCheckingInterval: checkingInterval,
      ...passedOn(given),
      ...protocolOptions(given, profile, tickets),
      ALPNProtocols: ['http/1.1'],
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
  checkServerCertificates(given, config.keyPairs, clientAuth !== undefined);
  checkContext(config);
  return config;
}

function readTickets(value: unknown, clientAuth: boolean): boolean {
  const tickets = flag(value, 'tickets', !clientAuth);
  if (!tickets || !clientAuth) return tickets;
  throw new ConfigError(
    'OPTION_CONFLICT',
    'tickets',
    'with clientAuth nothing is resumed, as a resumed session is not verified again',
    'Leave it out.',
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
function checkContext(config: ListenerConfig): void {
  try {
    createSecureContext({ ...config.https, ...credentialOptions(config.keyPairs) });
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
