import {
  childAfter,
  type DerElement,
  explicitTag,
  readElement,
  readOnlyChild,
  readSmallInteger,
  tags,
} from '../x509/der.ts';

/** What OpenSSL's SSL_SESSION tells and Node's API does not. */
export interface SessionFacts {
  /** IANA number of the key exchange group; undefined where the key exchange had none. */
  readonly group: number | undefined;
  /** When the full handshake was, in milliseconds since 1970: a resumed session keeps it. */
  readonly establishedAt: number | undefined;
  /** The client's certificate in DER. Its key was proven in the full handshake, whether or not anybody trusts it. */
  readonly peerCertificate: Buffer | undefined;
  /** X509_V_OK is 0. After a renegotiation it is that of the new handshake, which `socket.authorized` is not. */
  readonly verifyResult: number;
  /** RFC 7627; TLS 1.3 has no need of it and does not say so. */
  readonly extendedMasterSecret: boolean;
}

/**
 * Reads the DER that `TLSSocket.getSession()` gives (i2d_SSL_SESSION, ssl/ssl_asn1.c), and wipes it: it holds the
 * master secret. Whatever is not understood gives undefined, which nobody trusts.
 */
export function readSession(session: Buffer | undefined): SessionFacts | undefined {
  if (session === undefined) return undefined;
  try {
    return readFacts(readElement(withoutName(session), tags.sequence));
  } catch {
    return undefined;
  } finally {
    session.fill(0);
  }
}

const named = Buffer.from('\0nodejs:tls:session:1\0', 'latin1');

/** A client's session, which Node since 22.23 binds to the host's name: that stands in front, with its length in two octets. */
export function withoutName(session: Buffer): Buffer {
  if (session[0] === tags.sequence || !session.subarray(0, named.length).equals(named)) return session;
  return session.subarray(named.length + 2 + session.readUInt16BE(named.length));
}

/** SSL_SESS_FLAG_EXTMS (include/openssl/ssl.h). */
const extendedMasterSecret = 0x1;

/** In one go, as each connection has one: of what is not looked at no view is made. */
function readFacts(session: DerElement): SessionFacts {
  let group: number | undefined;
  let seconds: number | undefined;
  let verifyResult: number | undefined;
  let flags: number | undefined;
  let peerCertificate: Buffer | undefined;
  for (let field = childAfter(session); field !== undefined; field = childAfter(session, field)) {
    switch (field.tag) {
      case explicitTag(1):
        seconds ??= readInteger(field);
        break;
      case explicitTag(3):
        peerCertificate ??= Buffer.from(field.content);
        break;
      case explicitTag(5):
        verifyResult ??= readInteger(field);
        break;
      case explicitTag(13):
        flags ??= readInteger(field);
        break;
      case explicitTag(19):
        group ??= readInteger(field);
        break;
    }
  }
  return {
    group,
    establishedAt: seconds === undefined ? undefined : seconds * 1000,
    peerCertificate,
    verifyResult: verifyResult ?? 0,
    extendedMasterSecret: ((flags ?? 0) & extendedMasterSecret) !== 0,
  };
}

const readInteger = (field: DerElement): number => readSmallInteger(readOnlyChild(field));
