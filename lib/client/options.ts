import type { KeyObject } from 'node:crypto';
import type { CertificateFiles, PfxFile } from '../credentials/files/file-source.ts';
import type { KeyPair } from '../credentials/key-pair.ts';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe, oneOf, wholeNumber } from '../options.ts';
import { type PinSet, readPins } from '../policy/pins.ts';
import type { TlsProfile } from '../profiles/profile.ts';
import type { CertificateInputs } from '../trust/anchors.ts';
import type { PathCheck } from '../trust/profile/path-check.ts';
import type { RevocationListInputs } from '../trust/revocation/crl-input.ts';
import type { ClientTrust } from '../trust/trust-store.ts';
import { warnProcess } from '../warnings.ts';
import { ClientContext } from './context.ts';
import { type ClientCredentials, readCredentials } from './credentials.ts';
import { readHostName } from './host-name.ts';
import { type ClientProtocol, readProtocol } from './protocol.ts';
import { readTrust } from './trust.ts';
import { readWatched, type WatchedInputs } from './watched.ts';

/** Which revocation lists count; nothing is fetched by a client. */
export interface ClientRevocationOptions {
  /** The server's own certificate, or every one of its path but the root; default `'chain'`. */
  readonly check?: 'leaf' | 'chain' | undefined;
  /** A certificate of whose issuer there is no list; default: `'deny'` for issuers that have one, `'allow'` for others. */
  readonly unknown?: 'allow' | 'deny' | undefined;
  /** A list whose `nextUpdate` has passed; default `'deny'`. */
  readonly expired?: 'allow' | 'deny' | undefined;
}

/** What `createAgent` and `createFetch` both take. */
export interface TlsClientOptions {
  /**
   * The CAs below which servers are believed: PEM, DER, an `X509Certificate`, `{ file }` or `{ directory }`, and nobody
   * beside them. Left out:
   * the public roots that this Node brings along, whatever the environment says.
   */
  readonly ca?: CertificateInputs;
  /** The client's own key and certificate, with its intermediates, as in `node:https`. */
  readonly key?: string | Buffer | KeyObject | readonly (string | Buffer | KeyObject)[] | undefined;
  /** The certificate of `key`, its intermediates behind it. */
  readonly cert?: string | Buffer | readonly (string | Buffer)[] | undefined;
  /** Both, as PKCS#12. */
  readonly pfx?: string | Buffer | undefined;
  /** Of an encrypted key, or the PFX. */
  readonly passphrase?: string | undefined;
  /** The same from files, which are watched. */
  readonly certificate?: CertificateFiles | PfxFile | undefined;
  /**
   * SPKI pins (`sha256/…=`, RFC 7469) or SHA-256 fingerprints: one of them must be there, in a certificate that is in
   * order all the same. Give a second one, of a key kept offline.
   */
  readonly pins?: string | readonly string[];
  /** `leaf` (the default): the server's own certificate; `chain`: that or a CA of its verified path, the root included. */
  readonly pinsOn?: 'leaf' | 'chain' | undefined;
  /** `intermediate` (the default) or `modern` of Mozilla's guideline, or a profile of one's own. */
  readonly profile?: 'intermediate' | 'modern' | Partial<TlsProfile> | undefined;
  /** May only raise that of the profile. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** The name or address that the certificate must have, and that is sent as SNI; default: the host of each request. */
  readonly servername?: string | undefined;
  /** Complete CRLs of the CAs above the servers: PEM, DER, `{ file }` or `{ directory }`. */
  readonly crl?: RevocationListInputs | undefined;
  /** What a list that is missing or has run out means. */
  readonly revocation?: ClientRevocationOptions | undefined;
  /**
   * The OCSP response that a server sends along (RFC 6066 8): `check` (the default) refuses one that says 'revoked', and
   * asks for one where the certificate demands it (RFC 7633); `require` refuses a server without a good one.
   */
  readonly stapling?: 'check' | 'require' | undefined;
  /** Reload `certificate`, and `ca` and `crl` from files, when they change; on for whatever is given as a file. */
  readonly watch?: boolean | undefined;
  /** Until the connection stands, in milliseconds; 10 s by default. Then the error is `ETIMEDOUT`. */
  readonly connectTimeout?: number | undefined;
  /** From then on until the end of the handshake, in milliseconds; 10 s by default. */
  readonly handshakeTimeout?: number | undefined;
  /** A server is always verified: nothing else is taken. */
  readonly rejectUnauthorized?: true;
  /** Checks of the path that are let go, by their ids (docs/path-checks.md). What OpenSSL refuses stays refused. */
  readonly dangerouslyAllow?: readonly PathCheck[] | undefined;
}

/** The options, read and validated once. */
export interface ClientConfig {
  /** As they were given, for a reload to read again. Frozen. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly credentials: ClientCredentials;
  readonly trust: ClientTrust;
  readonly pins: PinSet | undefined;
  readonly onChain: boolean;
  readonly protocol: ClientProtocol;
  readonly servername: string | undefined;
  readonly requireStaple: boolean;
  readonly connectTimeout: number;
  readonly handshakeTimeout: number;
  readonly watched: WatchedInputs | undefined;
  readonly context: ClientContext;
}

/** Of `TlsClientOptions`. */
export const clientKeys = [
  'ca',
  'cert',
  'certificate',
  'connectTimeout',
  'crl',
  'dangerouslyAllow',
  'handshakeTimeout',
  'key',
  'minVersion',
  'passphrase',
  'pfx',
  'pins',
  'pinsOn',
  'profile',
  'rejectUnauthorized',
  'revocation',
  'servername',
  'stapling',
  'watch',
] as const;

/** Node's options that would say something else here, and what to write instead. */
const refused: Readonly<Record<string, string>> = {
  ALPNProtocols: 'Leave it out; for HTTP/2 give createFetch http2: true.',
  allowPartialTrustChain: 'Give the root in `ca`, and narrow it down by `pins`.',
  checkServerIdentity:
    'The host name is always checked: give `servername` where it is another than that of the URL.',
  ciphers: 'Give `profile`.',
  ecdhCurve: 'Give `profile`.',
  maxCachedSessions: 'Sessions are kept here, and judged again: leave it out.',
  maxVersion: 'The best version that both sides speak is taken: leave it out.',
  rejectUnauthorized: 'A server is always verified: give its CA in `ca`.',
  secureContext: 'Its settings cannot be seen: give key and cert, ca, and profile.',
  secureOptions: 'Leave it out.',
  secureProtocol: 'Give `profile` or `minVersion`.',
  session: 'Sessions are kept here: leave it out.',
  sigalgs: 'Give `profile`.',
};

/** Reads all options, or throws the first ConfigError. `more` are the keys of the caller's own; `kept` the key pairs of before. */
export function readClientOptions(
  options: unknown,
  more: readonly string[],
  kept?: readonly KeyPair[],
): ClientConfig {
  refuseNodes(options);
  checkKeys(options, [...clientKeys, ...more], 'options');
  // Read once, whatever getters there are, and without a prototype that could be polluted.
  const given: Readonly<Record<string, unknown>> = Object.freeze(Object.assign(Object.create(null), options));
  const protocol = readProtocol(given['profile'], given['minVersion']);
  // Before what it watches is read.
  const watched = readWatched(given);
  const trust = readTrust(given);
  const credentials = readCredentials(given, kept);
  return Object.freeze({
    given,
    credentials,
    trust,
    ...readPinning(given),
    protocol,
    servername: readServername(given['servername']),
    requireStaple: oneOf(given['stapling'] ?? 'check', ['check', 'require'], 'stapling') === 'require',
    connectTimeout: milliseconds(given, 'connectTimeout'),
    handshakeTimeout: milliseconds(given, 'handshakeTimeout'),
    watched,
    context: new ClientContext(protocol, trust, credentials.pairs),
  });
}

function refuseNodes(options: unknown): void {
  if (typeof options !== 'object' || options === null) return;
  for (const [name, remedy] of Object.entries(refused)) {
    if (Object.hasOwn(options, name) && !isWhatIsDone(name, options))
      throw new ConfigError('OPTION_WEAKENS', name, 'it is not taken here', remedy);
  }
}

/** Whoever moves from `https.Agent` may have asked for verification by name. */
const isWhatIsDone = (name: string, options: object): boolean =>
  name === 'rejectUnauthorized' && (options as Record<string, unknown>)[name] === true;

/** `pins: undefined` is refused: a misspelt variable is no wish for any key. */
function readPinning(given: Readonly<Record<string, unknown>>): Pick<ClientConfig, 'pins' | 'onChain'> {
  const on = given['pinsOn'];
  const onChain = on !== undefined && oneOf(on, ['leaf', 'chain'], 'pinsOn') === 'chain';
  if ('pins' in given) return { pins: readPins(given['pins'], 'pins'), onChain };
  if (on === undefined) return { pins: undefined, onChain };
  throw new ConfigError('OPTION_CONFLICT', 'pinsOn', 'given without pins', 'Give pins, or leave it out.');
}

function readServername(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const name = typeof value === 'string' ? readHostName(value) : undefined;
  if (name !== undefined) return name.text;
  throw new ConfigError(
    'OPTION_INVALID',
    'servername',
    `${describe(value)} is no name or address of a host`,
    'Give it without scheme and port, or leave it out.',
  );
}

const milliseconds = (given: Readonly<Record<string, unknown>>, name: string): number =>
  wholeNumber(given[name] ?? 10_000, name, 'milliseconds', 1, 600_000);

/** For the start, and each reload that brings other pins. */
export function warnOfSinglePin({ pins }: ClientConfig): void {
  if (pins === undefined || pins.size > 1) return;
  warnProcess(
    'PORTCULLIS_NO_BACKUP_PIN',
    'There is no backup pin: if that key is lost, no server can be reached. Add the pin of a key kept offline.',
  );
}
