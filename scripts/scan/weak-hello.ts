/** What a scanner's hello asks for: as much of it as a control has to know. */
export interface Hello {
  readonly version: number;
  readonly sessionId: Buffer;
  readonly suites: readonly number[];
  readonly extensions: ReadonlyMap<number, Buffer>;
}

const u8 = (value: number): Buffer => Buffer.of(value);
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const vector8 = (content: Buffer): Buffer => Buffer.concat([u8(content.length), content]);
const vector16 = (content: Buffer): Buffer => Buffer.concat([u16(content.length), content]);
const vector24 = (content: Buffer): Buffer => Buffer.concat([u8(content.length >> 16), vector16(content)]);

/** A ClientHello of SSL 3.0 to TLS 1.3 in one record, without its header (RFC 5246 7.4.1.2); undefined for all else. */
export function readHello(fragment: Buffer): Hello | undefined {
  const isWhole = fragment.length >= 4 && fragment.length >= 4 + fragment.readUIntBE(1, 3);
  if (fragment[0] !== 1 || !isWhole) return undefined;
  let at = 4;
  const take = (length: number): Buffer => fragment.subarray(at, (at += length));
  const version = take(2).readUInt16BE();
  take(32);
  const sessionId = take(take(1)[0]!);
  const suites = take(take(2).readUInt16BE());
  take(take(1)[0]!);
  const extensions = new Map<number, Buffer>();
  if (at < fragment.length) take(2);
  while (at < fragment.length) {
    const type = take(2).readUInt16BE();
    extensions.set(type, take(take(2).readUInt16BE()));
  }
  const numbers = Array.from({ length: suites.length / 2 }, (_, index) => suites.readUInt16BE(2 * index));
  return { version, sessionId, suites: numbers, extensions };
}

interface Flight {
  readonly version: number;
  readonly suite: number;
  readonly sessionId?: Buffer;
  readonly certificate: Buffer;
  readonly extensions?: ReadonlyMap<number, Buffer>;
  /** The modulus of an ephemeral Diffie-Hellman group; none with static RSA. */
  readonly prime?: Buffer;
}

export const record = (type: number, version: number, fragment: Buffer): Buffer =>
  Buffer.concat([u8(type), u16(version), vector16(fragment)]);

export const alert = (version: number, description: number): Buffer =>
  record(21, version, Buffer.of(2, description));

/** ServerHello to ServerHelloDone, each in a record of its own, as sslscan looks for the last one there. */
export function flight(options: Flight): Buffer {
  const { version, suite, sessionId = Buffer.alloc(0), certificate, extensions, prime } = options;
  const listed = [...(extensions ?? [])].map(([type, content]) =>
    Buffer.concat([u16(type), vector16(content)]),
  );
  const hello = [u16(version), Buffer.alloc(32, 1), vector8(sessionId), u16(suite), u8(0)];
  if (listed.length > 0) hello.push(vector16(Buffer.concat(listed)));
  const messages = [
    message(2, Buffer.concat(hello)),
    message(11, vector24(vector24(certificate))),
    ...(prime === undefined ? [] : [message(12, keyExchange(version, prime))]),
    message(14, Buffer.alloc(0)),
  ];
  return Buffer.concat(messages.map((octets) => record(22, version, octets)));
}

const message = (type: number, body: Buffer): Buffer => Buffer.concat([u8(type), vector24(body)]);

/** RFC 5246 7.4.3. The signature is of nobody: scanners do not look at it. */
const keyExchange = (version: number, prime: Buffer): Buffer =>
  Buffer.concat([
    vector16(prime),
    vector16(u8(2)),
    vector16(Buffer.alloc(prime.length, 3)),
    version < 0x0303 ? Buffer.alloc(0) : Buffer.of(4, 1),
    vector16(Buffer.alloc(256, 4)),
  ]);

/** SSLv2's SERVER-HELLO, with ciphers as numbers of three octets. */
export function sslv2Hello(certificate: Buffer, ciphers: readonly number[]): Buffer {
  const specs = Buffer.concat(
    ciphers.map((cipher) => Buffer.concat([u8(cipher >> 16), u16(cipher & 0xffff)])),
  );
  const lengths = [certificate.length, specs.length, 16].map(u16);
  return sslv2Record(
    Buffer.concat([Buffer.of(4, 0, 1, 0, 2), ...lengths, certificate, specs, Buffer.alloc(16, 7)]),
  );
}

/**
 * SSLv2's SERVER-VERIFY: by it a server tells that it has taken the key, whatever the key was. With one octet more, as
 * nmap 7.93 reads one beyond the record.
 */
export const sslv2Verify = (): Buffer =>
  Buffer.concat([sslv2Record(Buffer.concat([u8(5), Buffer.alloc(16, 5)])), u8(0)]);

const sslv2Record = (body: Buffer): Buffer => Buffer.concat([u16(0x8000 | body.length), body]);
