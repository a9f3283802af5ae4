import { withoutName } from '../../../connection/session.ts';
import { explicitTag, readChildren, readElement, readSmallInteger, tags } from '../../../x509/der.ts';

/** Of a client's session: what the server gave to resume it by. */
export interface SessionTicket {
  readonly ticket: boolean;
  /** Seconds, as the server hints; undefined without a hint. */
  readonly lifetime: number | undefined;
}

/**
 * Reads the DER of `TLSSocket.getSession()` (i2d_SSL_SESSION): [9] is the lifetime hint, [10] the ticket. Undefined where
 * it cannot be read. The octets stay as they are, since the session is still to be resumed.
 */
export function readTicket(session: Buffer | undefined): SessionTicket | undefined {
  if (session === undefined) return undefined;
  try {
    const fields = readChildren(readElement(withoutName(session), tags.sequence));
    const hint = fields.find(({ tag }) => tag === explicitTag(9));
    const lifetime = hint && readSmallInteger(readElement(hint.content));
    return { ticket: fields.some(({ tag }) => tag === explicitTag(10)), lifetime };
  } catch {
    return undefined;
  }
}
