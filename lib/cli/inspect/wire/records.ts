import { WireError } from './bytes.ts';
import { contentTypes } from './numbers.ts';

export interface TlsRecord {
  readonly type: number;
  readonly payload: Buffer;
  /** Its five octets of header, which authenticate an encrypted record (RFC 8446 5.2). */
  readonly header: Buffer;
}

/** RFC 5246 6.2.3: what encryption may add to 2^14 octets. */
const longestRecord = 16_384 + 2048;

/** What stands where a TLS record belongs. */
export type Stranger = 'http' | 'greeting' | 'something else';

/** Something else than TLS. */
export class StrangerError extends WireError {
  readonly stranger: Stranger;

  constructor(stranger: Stranger) {
    super(`${stranger} instead of TLS`);
    this.stranger = stranger;
  }
}

/** Cuts a stream into records (RFC 8446 5.1), however it comes in pieces. */
export class RecordReader {
  #octets: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): TlsRecord[] {
    this.#octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
    const records: TlsRecord[] = [];
    for (;;) {
      const record = this.#next();
      if (record === undefined) return records;
      records.push(record);
    }
  }

  #next(): TlsRecord | undefined {
    const octets = this.#octets;
    const type = octets[0];
    if (type === undefined) return undefined;
    if (type < contentTypes.changeCipherSpec || type > contentTypes.heartbeat) throw strange(octets);
    if (octets.length > 1 && octets[1] !== 3) throw strange(octets);
    if (octets.length < 5) return undefined;
    const length = octets.readUInt16BE(3);
    if (length > longestRecord) throw new WireError('a record that is too long');
    if (octets.length < 5 + length) return undefined;
    this.#octets = octets.subarray(5 + length);
    return { type, header: octets.subarray(0, 5), payload: octets.subarray(5, 5 + length) };
  }
}

function strange(octets: Buffer): StrangerError {
  const text = octets.subarray(0, 8).toString('latin1');
  if (text.startsWith('HTTP') || /^<(?:!|html)/i.test(text)) return new StrangerError('http');
  // FTP, SMTP, POP3, IMAP, SSH and MySQL speak first.
  return new StrangerError(
    /^(?:[1-5]\d\d[ -]|\+OK|\* OK|SSH-|-ERR)/.test(text) ? 'greeting' : 'something else',
  );
}

/** A handshake message: its body, and the whole of it for the transcript. */
export interface HandshakeMessage {
  readonly type: number;
  readonly body: Buffer;
  readonly raw: Buffer;
}

/** Longer than any chain that a client would accept. */
const longestMessage = 131_072;

/** Puts handshake messages together, which may be spread over records or share one (RFC 8446 5.1). */
export class MessageReader {
  #octets: Buffer = Buffer.alloc(0);

  push(payload: Buffer): HandshakeMessage[] {
    if (payload.length === 0) throw new WireError('an empty handshake record');
    this.#octets = Buffer.concat([this.#octets, payload]);
    const found: HandshakeMessage[] = [];
    while (this.#octets.length >= 4) {
      const length = this.#octets.readUIntBE(1, 3);
      if (length > longestMessage) throw new WireError('a handshake message that is too long');
      if (this.#octets.length < 4 + length) break;
      const raw = this.#octets.subarray(0, 4 + length);
      this.#octets = this.#octets.subarray(4 + length);
      found.push({ type: raw[0]!, body: raw.subarray(4), raw });
    }
    return found;
  }
}
