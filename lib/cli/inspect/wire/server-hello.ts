import { createHash } from 'node:crypto';
import { Reader, WireError } from './bytes.ts';
import { extensions, versions, type Version } from './numbers.ts';

export interface ServerHello {
  /** What was chosen, `supported_versions` regarded; undefined for a version that nobody knows. */
  readonly version: Version | undefined;
  readonly suite: number;
  readonly compression: number;
  readonly extensions: ReadonlyMap<number, Buffer>;
  /** A HelloRetryRequest (RFC 8446 4.1.4). */
  readonly retry: boolean;
  /** Of `key_share`: what was chosen, and in a ServerHello the server's part. */
  readonly keyShare: { readonly group: number; readonly key: Buffer | undefined } | undefined;
}

/** RFC 8446 4.1.3: how a HelloRetryRequest is told from a ServerHello. */
const retryRandom = createHash('sha256').update('HelloRetryRequest').digest();

/** Reads the body of a ServerHello. Throws a WireError. */
export function readServerHello(body: Buffer): ServerHello {
  const reader = new Reader(body);
  const legacyVersion = reader.number(2);
  const random = reader.take(32);
  if (reader.vector(1).length > 32) throw new WireError('a session id that is too long');
  const suite = reader.number(2);
  const compression = reader.number(1);
  const found = reader.left === 0 ? new Map<number, Buffer>() : readExtensions(reader.vector(2));
  reader.end();
  const retry = random.equals(retryRandom);
  return {
    version: versionOf(found, legacyVersion),
    suite,
    compression,
    extensions: found,
    retry,
    keyShare: readKeyShare(found.get(extensions.keyShare), retry),
  };
}

/** Extensions by their number; one that comes twice is an error (RFC 8446 4.2). */
export function readExtensions(octets: Buffer): ReadonlyMap<number, Buffer> {
  const reader = new Reader(octets);
  const found = new Map<number, Buffer>();
  while (reader.left > 0) {
    const type = reader.number(2);
    if (found.has(type)) throw new WireError('an extension that comes twice');
    found.set(type, reader.vector(2));
  }
  return found;
}

function versionOf(found: ReadonlyMap<number, Buffer>, legacyVersion: number): Version | undefined {
  const selected = found.get(extensions.supportedVersions);
  if (selected !== undefined && selected.length !== 2) throw new WireError('bad supported_versions');
  return versionName(selected === undefined ? legacyVersion : selected.readUInt16BE(0));
}

const versionName = (value: number): Version | undefined =>
  (Object.keys(versions) as Version[]).find((name) => versions[name] === value);

function readKeyShare(content: Buffer | undefined, retry: boolean): ServerHello['keyShare'] {
  if (content === undefined) return undefined;
  const reader = new Reader(content);
  const group = reader.number(2);
  const key = retry ? undefined : reader.vector(2);
  reader.end();
  return { group, key };
}

/** The one protocol of an ALPN answer (RFC 7301 3.1). */
export function readAlpn(content: Buffer | undefined): string | undefined {
  if (content === undefined) return undefined;
  const reader = new Reader(content);
  const names = new Reader(reader.vector(2));
  const name = names.vector(1).toString('latin1');
  names.end();
  reader.end();
  return name;
}
