/** Who refuses a handshake says why in this process, though never to the client. */
export interface HandshakeWord {
  /** A PolicyViolationCode where a certificate was at fault, or OpenSSL's or Node's code. */
  readonly code: string;
  readonly reason: string;
}

/**
 * The server has refused the handshake: by an alert, a reset or a plain end, during it or, over TLS 1.3, right after.
 * However it reached the client, it is this error.
 */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused';
  /** Always this. */
  readonly code = 'HANDSHAKE_REFUSED';
  /**
   * Why, by the server's own word: a PolicyViolationCode as `CLIENT_CERTIFICATE_EXPIRED`, or a code as
   * `ERR_SSL_UNSUPPORTED_PROTOCOL`; undefined where it has said nothing.
   */
  readonly reason: string | undefined;

  constructor(word: HandshakeWord | undefined, cause: unknown) {
    const why = word === undefined ? 'it has not said why' : `${word.code}: ${word.reason}`;
    super(`the server refused the handshake (${why})`, cause === undefined ? undefined : { cause });
    this.reason = word?.code;
  }
}

/**
 * There is no connection as it was asked for: `SESSION_NOT_RESUMED` after `.resumed()`, `HTTP2_NOT_NEGOTIATED` or
 * `HTTP1_NOT_NEGOTIATED` where the server does not speak what `.over()` has said. No request was sent.
 */
export class ConnectionUnfit extends Error {
  override readonly name = 'ConnectionUnfit';
  /** What was asked for, and is not so. */
  readonly code: 'SESSION_NOT_RESUMED' | 'HTTP2_NOT_NEGOTIATED' | 'HTTP1_NOT_NEGOTIATED';

  constructor(code: ConnectionUnfit['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What a refusal looks like to a client, of whatever version and protocol. */
export function mayBeRefusal(error: unknown): boolean {
  const { code, timeout } = Object(error) as { code?: unknown; timeout?: unknown };
  if (typeof code !== 'string' || timeout !== undefined) return false;
  return ends.has(code) || (code.startsWith('ERR_SSL_') && code.includes('ALERT'));
}

const ends: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_STREAM_ERROR',
]);
