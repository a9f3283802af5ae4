import { randomBytes } from 'node:crypto';
import { number, numbers, vector } from './bytes.ts';
import { contentTypes, extensions, messages, signalling, versions, type Version } from './numbers.ts';

export interface KeyShare {
  readonly group: number;
  readonly key: Buffer;
}

/** What a ClientHello offers. Lists are in the order of preference. */
export interface Offer {
  readonly version: Exclude<Version, 'SSLv2'>;
  readonly suites: readonly number[];
  /** Undefined: no SNI, as for an address. */
  readonly serverName: string | undefined;
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  readonly alpn?: readonly string[] | undefined;
  /** RFC 3749: 1 is DEFLATE, 64 LZS. Without it only the null compression is offered. */
  readonly compression?: readonly number[];
  /** TLS 1.3 only. None is an invitation to a HelloRetryRequest (RFC 8446 4.2.8). */
  readonly keyShares?: readonly KeyShare[];
  /** RFC 7507: says that a higher version has failed. */
  readonly fallback?: boolean;
}

/** A ClientHello (RFC 8446 4.1.2, RFC 5246 7.4.1.2) as a handshake message. */
export function clientHello(offer: Offer): Buffer {
  const { version, suites, fallback = false, compression = [] } = offer;
  const signals = [
    ...(version === 'TLSv1.3' ? [] : [signalling.renegotiation]),
    ...(fallback ? [signalling.fallback] : []),
  ];
  const head = Buffer.concat([
    number(2, Math.min(versions[version], versions['TLSv1.2'])),
    randomBytes(32),
    // A TLS 1.3 client in middlebox compatibility mode has a session id (RFC 8446 D.4).
    vector(1, version === 'TLSv1.3' ? randomBytes(32) : Buffer.alloc(0)),
    vector(2, numbers(2, [...suites, ...signals])),
    vector(1, numbers(1, [...compression, 0])),
  ]);
  // SSLv3 has no extensions (RFC 6101 5.6.1.2), and its old servers stumble over them.
  const tail = version === 'SSLv3' ? Buffer.alloc(0) : withPadding(head.length, extensionsOf(offer));
  return message(messages.clientHello, Buffer.concat([head, tail]));
}

/** A handshake message with its type and length. */
const message = (type: number, body: Buffer): Buffer => Buffer.concat([number(1, type), vector(3, body)]);

/** A message in one record. The version of the record of a first hello is low (RFC 8446 5.1). */
export function helloRecord(hello: Buffer, version: Version): Buffer {
  const low = Math.min(versions[version], versions['TLSv1.0']);
  return Buffer.concat([number(1, contentTypes.handshake), number(2, low), vector(2, hello)]);
}

const extension = (type: number, ...content: readonly Buffer[]): Buffer =>
  Buffer.concat([number(2, type), vector(2, ...content)]);

function extensionsOf(offer: Offer): Buffer[] {
  const { version, serverName, groups, signatureSchemes, alpn, keyShares = [] } = offer;
  const is13 = version === 'TLSv1.3';
  const found: Buffer[] = [];
  if (serverName !== undefined) {
    const name = Buffer.concat([number(1, 0), vector(2, Buffer.from(serverName, 'latin1'))]);
    found.push(extension(extensions.serverName, vector(2, name)));
  }
  found.push(extension(extensions.statusRequest, Buffer.of(1, 0, 0, 0, 0)));
  if (groups.length > 0) found.push(extension(extensions.supportedGroups, vector(2, numbers(2, groups))));
  if (!is13) {
    found.push(extension(extensions.pointFormats, vector(1, Buffer.of(0, 1, 2))));
    found.push(extension(extensions.extendedMasterSecret));
    found.push(extension(extensions.sessionTicket));
    found.push(extension(extensions.heartbeat, Buffer.of(1)));
  }
  if (version === 'TLSv1.2' || is13)
    found.push(extension(extensions.signatureAlgorithms, vector(2, numbers(2, signatureSchemes))));
  if (alpn !== undefined) {
    const names = alpn.map((name) => vector(1, Buffer.from(name, 'latin1')));
    found.push(extension(extensions.alpn, vector(2, ...names)));
  }
  if (is13) {
    found.push(extension(extensions.supportedVersions, vector(1, number(2, versions['TLSv1.3']))));
    found.push(extension(extensions.pskModes, vector(1, Buffer.of(1))));
    const shares = keyShares.map(({ group, key }) => Buffer.concat([number(2, group), vector(2, key)]));
    found.push(extension(extensions.keyShare, vector(2, ...shares)));
  }
  return found;
}

/** RFC 7685: some load balancers hang on a hello of 256 to 511 octets. */
function withPadding(headLength: number, found: readonly Buffer[]): Buffer {
  const length = 4 + headLength + 2 + found.reduce((sum, one) => sum + one.length, 0);
  if (length < 256 || length > 511) return vector(2, ...found);
  const missing = Math.max(512 - length - 4, 0);
  return vector(2, ...found, extension(extensions.padding, Buffer.alloc(missing)));
}
