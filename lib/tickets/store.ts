/** The time for which one key is meant. */
export interface TicketKeyPeriod {
  /** The same for every process that rotates as often, and for no other period: `43200:41267`. */
  readonly id: string;
  /** Its end, in milliseconds since 1970: nobody should be able to get the key much later. */
  readonly expiresAt: number;
}

/**
 * Where several processes find one and the same ticket key. It is trusted with the keys: whoever reads them can read
 * the TLS 1.2 sessions that were recorded, and take up sessions of others, for as long as a period lasts. It is asked
 * beside the handshakes, never during one, and may fail: what serves then is bounded, see `tickets`.
 */
export interface TicketKeyStore {
  /**
   * The key of the period: the one that is stored, or else `candidate`, stored now for everybody, atomically. 48
   * octets. The period may be the current one or the next, and is asked for again now and then, so that a store
   * which has lost its content gets the key back. The caller keeps nothing of `candidate` and of what is given.
   */
  keyFor(period: TicketKeyPeriod, candidate: Buffer): Promise<Buffer>;
}

/** Octets of a ticket key, as Node wants it: name, HMAC key and AES key of 16 each. */
export const ticketKeyLength = 48;

/** Whether it can be a random key: a buffer that was zero-filled, or never filled, would let everybody in. */
export const isTicketKey = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === ticketKeyLength && new Set(value).size > 8;
