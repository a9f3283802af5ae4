import type { ServerOptions } from 'node:https';
import { BlockList } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors.ts';
import { describeSecret, flag, wholeNumber } from '../options.ts';
import { guardedSniCallback } from './certificates/sni-callback.ts';

type Read = (value: unknown, path: string) => unknown;

const boolean: Read = (value, path) => flag(value, path, false);
const number =
  (unit: string, min: number, max: number): Read =>
  (value, path) =>
    wholeNumber(value, path, unit, min, max);
const day = 86_400_000;
const mebibyte = 1_048_576;

/**
 * Options of `https.createServer` that weaken nothing within these bounds and go on as they are. Node itself would take
 * a class that is none and fail at the first request, and look for slow clients once in an hour.
 */
const readers: Readonly<Record<string, Read>> = {
  allowHalfOpen: boolean,
  blockList: (value, path) => expect(value instanceof BlockList, value, path, 'a net.BlockList'),
  connectionsCheckingInterval: number('milliseconds', 1, 30_000),
  enableTrace: boolean,
  highWaterMark: number('octets', 1, 64 * mebibyte),
  IncomingMessage: callable,
  joinDuplicateHeaders: boolean,
  keepAlive: boolean,
  keepAliveInitialDelay: number('milliseconds', 0, day),
  keepAliveTimeoutBuffer: number('milliseconds', 0, 60_000),
  maxHeaderSize: number('octets', 1, mebibyte),
  noDelay: boolean,
  optimizeEmptyRequests: boolean,
  pauseOnConnect: boolean,
  rejectNonStandardBodyWrites: boolean,
  ServerResponse: callable,
  sessionIdContext: (value, path) =>
    expect(
      typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 32,
      value,
      path,
      'a text of 1 to 32 octets',
    ),
  sessionTimeout: number('seconds', 1, 604_800), // RFC 8446 4.6.1: seven days at most
  shouldUpgradeCallback: callable,
  SNICallback: callable,
  ticketKeys: (value, path) =>
    expect(ArrayBuffer.isView(value) && value.byteLength === 48, value, path, 'a buffer of 48 octets'),
  uniqueHeaders: (value, path) => expect(Array.isArray(value), value, path, 'a list'),
};

function callable(value: unknown, path: string): void {
  expect(typeof value === 'function', value, path, 'a function');
}

function expect(fits: boolean, value: unknown, path: string, wanted: string): void {
  if (fits) return;
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected ${wanted}, got ${describeSecret(value)}`,
    'Correct it, or leave it out.',
  );
}

/** What goes on to `https.Server`, read: unchanged, but that an `SNICallback` can harm the process no more. */
export function passedOn(given: Readonly<Record<string, unknown>>): ServerOptions {
  const entries = Object.entries(readers).flatMap(([name, read]) => {
    if (given[name] === undefined) return [];
    read(given[name], name);
    return [[name, given[name]]];
  });
  const options: ServerOptions = Object.fromEntries(entries);
  return options.SNICallback === undefined
    ? options
    : { ...options, SNICallback: guardedSniCallback(options.SNICallback) };
}

/** Options of `https.createServer` that have another home here, or none: what to write instead. */
const refused: Readonly<Record<string, string>> = {
  ca: 'To verify clients give clientAuth: { mode, ca }; intermediates of the server certificate follow it in `cert`.',
  crl: 'Revocation belongs to the client authentication.',
  requestCert: "Give clientAuth: { mode: 'optional', ca }.",
  rejectUnauthorized: "Give clientAuth: { mode: 'required', ca }.",
  ALPNCallback:
    "Leave it out: 'http/1.1' is offered, and any other protocol invites cross-protocol attacks (ALPACA).",
  allowPartialTrustChain: 'Node ignores it in a server: give the root in clientAuth.ca.',
  secureProtocol: 'Give `profile` or `minVersion`.',
  secureContext: 'Its settings cannot be seen: give key and cert.',
  dhparam: 'No profile has DHE: leave it out.',
  pskCallback: 'Pre-shared keys are in no profile: leave it out.',
  pskIdentityHint: 'Pre-shared keys are in no profile: leave it out.',
  clientCertEngine: 'Engines are gone from OpenSSL 3: leave it out.',
  privateKeyEngine: 'Engines are gone from OpenSSL 3: give `key`.',
  privateKeyIdentifier: 'Engines are gone from OpenSSL 3: give `key`.',
  timeout: 'Give limits: { requestTimeout, keepAliveTimeout, sendTimeout }.',
};

/** Node's values that mean what this package does anyway. */
const harmless: Readonly<Record<string, unknown>> = {
  requestCert: false,
  rejectUnauthorized: true,
};

export const knownHttpsOptions: readonly string[] = [
  ...Object.keys(readers),
  ...Object.keys(refused),
  'insecureHTTPParser',
  'requireHostHeader',
  'ALPNProtocols',
];

/** Refuses Node's own options where they would weaken the listener, with what to write instead. */
export function checkHttpsOptions(
  given: Readonly<Record<string, unknown>>,
  clientAuth: boolean,
  http2: boolean,
): void {
  for (const [name, remedy] of Object.entries(refused)) {
    // With clientAuth they would say what another option says: `rejectUnauthorized` beside the mode 'optional'.
    if (given[name] === undefined || (!clientAuth && given[name] === harmless[name])) continue;
    throw new ConfigError('OPTION_WEAKENS', name, 'it is not taken here', remedy);
  }
  if (given['insecureHTTPParser'] !== undefined && given['insecureHTTPParser'] !== false) {
    throw new ConfigError(
      'OPTION_WEAKENS',
      'insecureHTTPParser',
      'it invites request smuggling',
      'If that is meant, say so with dangerouslyInsecureHTTPParser.',
    );
  }
  if (given['requireHostHeader'] !== undefined && given['requireHostHeader'] !== true) {
    throw new ConfigError(
      'OPTION_WEAKENS',
      'requireHostHeader',
      'RFC 9112 3.2 demands a Host in HTTP/1.1',
      'Leave it out.',
    );
  }
  const alpn = given['ALPNProtocols'];
  const served = http2 ? ['h2', 'http/1.1'] : ['http/1.1'];
  if (alpn !== undefined && !(Array.isArray(alpn) && isDeepStrictEqual([...alpn], served))) {
    throw new ConfigError(
      'OPTION_WEAKENS',
      'ALPNProtocols',
      'a protocol that is not served here invites cross-protocol attacks (ALPACA)',
      http2
        ? "Leave it out: 'h2' and 'http/1.1' are offered."
        : "Leave it out: 'http/1.1' is offered. For HTTP/2 give http2: true.",
    );
  }
  if (!clientAuth) return;
  for (const name of ['ticketKeys', 'sessionTimeout']) {
    if (given[name] === undefined) continue;
    throw new ConfigError(
      'OPTION_CONFLICT',
      name,
      'with clientAuth nothing is resumed, as a resumed session is not verified again',
      'Leave it out.',
    );
  }
  if (given['SNICallback'] !== undefined) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'SNICallback',
      'its contexts bring trust anchors of their own, which clientAuth.ca knows nothing of',
      'Leave it out.',
    );
  }
}
