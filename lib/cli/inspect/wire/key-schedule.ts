import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { vector, number, WireError } from './bytes.ts';
import type { TlsRecord } from './records.ts';

interface Aead {
  readonly hash: 'sha256' | 'sha384';
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keyLength: 16 | 32;
}

const aeads: Readonly<Record<number, Aead>> = {
  0x1301: { hash: 'sha256', cipher: 'aes-128-gcm', keyLength: 16 },
  0x1302: { hash: 'sha384', cipher: 'aes-256-gcm', keyLength: 32 },
  0x1303: { hash: 'sha256', cipher: 'chacha20-poly1305', keyLength: 32 },
};

/** The suites under which a server's flight can be read here. */
export const readableSuites: readonly number[] = Object.keys(aeads).map(Number);

/** Opens the records in which a TLS 1.3 server sends the rest of its flight (RFC 8446 5.2, 7.1). */
export class FlightKeys {
  readonly #aead: Aead;
  readonly #key: Buffer;
  readonly #iv: Buffer;
  #sequence = 0;

  /** `transcript`: ClientHello and ServerHello. Throws a WireError for a suite that is not readable here. */
  constructor(suite: number, sharedSecret: Buffer, transcript: Buffer) {
    const aead = aeads[suite];
    if (aead === undefined) throw new WireError('a suite that was not offered');
    const { hash, keyLength } = aead;
    const length = hash === 'sha256' ? 32 : 48;
    const zeros = Buffer.alloc(length);
    const early = hmac(hash, zeros, zeros);
    const derived = expandLabel(hash, early, 'derived', digest(hash, Buffer.alloc(0)), length);
    const handshake = hmac(hash, derived, sharedSecret);
    const traffic = expandLabel(hash, handshake, 's hs traffic', digest(hash, transcript), length);
    this.#aead = aead;
    this.#key = expandLabel(hash, traffic, 'key', Buffer.alloc(0), keyLength);
    this.#iv = expandLabel(hash, traffic, 'iv', Buffer.alloc(0), 12);
  }

  /** The type and content inside an encrypted record. Throws a WireError where it was not made with these keys. */
  open({ header, payload }: TlsRecord): { type: number; content: Buffer } {
    if (payload.length < 17) throw new WireError('an encrypted record that is too short');
    const nonce = Buffer.from(this.#iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence++) >>> 0, 8);
    const { cipher } = this.#aead;
    const decipher = createDecipheriv(cipher as 'aes-128-gcm', this.#key, nonce, { authTagLength: 16 });
    decipher.setAAD(header).setAuthTag(payload.subarray(-16));
    try {
      const inner = Buffer.concat([decipher.update(payload.subarray(0, -16)), decipher.final()]);
      return withoutPadding(inner);
    } catch {
      throw new WireError('a record that cannot be decrypted');
    }
  }
}

/** RFC 8446 5.2: zeroes after the type, which is the last octet that is none. */
function withoutPadding(inner: Buffer): { type: number; content: Buffer } {
  let last = inner.length - 1;
  while (last >= 0 && inner[last] === 0) last -= 1;
  if (last < 0) throw new WireError('a record without a type');
  return { type: inner[last]!, content: inner.subarray(0, last) };
}

const digest = (hash: string, octets: Buffer): Buffer => createHash(hash).update(octets).digest();
const hmac = (hash: string, key: Buffer, octets: Buffer): Buffer =>
  createHmac(hash, key).update(octets).digest();

function expandLabel(
  hash: Aead['hash'],
  secret: Buffer,
  label: string,
  context: Buffer,
  length: number,
): Buffer {
  const info = Buffer.concat([
    number(2, length),
    vector(1, Buffer.from(`tls13 ${label}`, 'latin1')),
    vector(1, context),
  ]);
  // HKDF-Expand alone (RFC 5869 2.3): a block of HMAC is as long as anything that is asked for here.
  return createHmac(hash, secret)
    .update(Buffer.concat([info, Buffer.of(1)]))
    .digest()
    .subarray(0, length);
}
