import type { TLSSocket } from 'node:tls';
import { explainVerdict } from '../connection/openssl.ts';
import type { HandshakeErrorEvent } from '../events.ts';

/** A name that is refused, in the handshake or, where a session was resumed, at its end. */
export const serverNameUnknown: Readonly<{ code: string; reason: string }> = Object.freeze({
  code: 'SERVER_NAME_UNKNOWN',
  reason: 'the client asks for a name that no certificate has',
});

const reasons: Readonly<Record<string, string>> = {
  ECONNRESET:
    'the client closed the connection during the handshake; over TLS 1.3 it may have refused this server’s certificate',
  EPIPE: 'the client closed the connection during the handshake',
  ERR_SSL_BAD_SIGNATURE: 'the client’s signature does not fit its certificate: it does not hold the key',
  ERR_SSL_PROVIDER_SIGNATURE_FAILURE:
    'the client’s signature does not fit its certificate: it does not hold the key',
  ERR_SSL_HTTP_REQUEST: 'plain HTTP was spoken to the TLS port',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'a proxy’s CONNECT was spoken to the TLS port',
  ERR_SSL_INAPPROPRIATE_FALLBACK: 'the client fell back to an older TLS version than both sides speak',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the client’s ALPN list has no protocol that is served here',
  ERR_SSL_NO_SHARED_CIPHER: 'the client offers no cipher of the profile',
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 'the client offers no signature algorithm of the profile',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'the client offers no key exchange group of the profile',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'the client cannot verify a signature of this server’s key',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'a client certificate is required, and the client sent none',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the client refused this server’s certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client finds this server’s certificate expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the client refused this server’s certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not know the CA of this server’s certificate',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client speaks only TLS versions that are switched off',
  ERR_SSL_VERSION_TOO_LOW: 'the client speaks only TLS versions that are switched off',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what arrived is no TLS',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the client did not finish the handshake in time',
  SERVER_NAME_UNKNOWN: serverNameUnknown.reason,
};

/** A failed handshake for its event: a code that is stable, and words for a person. */
export function describeHandshakeError(error: unknown, socket: TLSSocket): HandshakeErrorEvent {
  const { authorizationError } = socket as { authorizationError?: unknown };
  const peer = peerOf(socket);
  if (typeof authorizationError === 'string') {
    const { code, reason } = explainVerdict(authorizationError);
    return { code, reason: `the client certificate was refused: ${reason}`, ...peer };
  }
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'UNKNOWN';
  return { code, reason: reasons[code] ?? 'the handshake failed', ...peer };
}

/**
 * Who spoke. A TLSSocket that was reset knows no address any more; the raw socket beneath it has kept it, if somebody
 * asked for it while it was open.
 */
export function peerOf(socket: TLSSocket): Pick<HandshakeErrorEvent, 'remoteAddress' | 'remotePort'> {
  const raw = (socket as unknown as { _parent?: { remoteAddress?: string; remotePort?: number } })._parent;
  return {
    remoteAddress: socket.remoteAddress ?? raw?.remoteAddress,
    remotePort: socket.remotePort ?? raw?.remotePort,
  };
}
