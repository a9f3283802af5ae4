/** Why a configuration was not accepted. Stable: switch on it. */
export type ConfigErrorCode =
  /** Something in a client’s `ca` that is no certificate of a CA. */
  | 'CA_INVALID'
  /** No CA by which a server could be verified. */
  | 'CA_MISSING'
  /** A certificate that cannot be read, is out of its dates, or is of another place in the chain. */
  | 'CERTIFICATE_INVALID'
  /** There is none, or not all that belongs to it; in production nothing is made up. */
  | 'CERTIFICATE_MISSING'
  /** Something in a client CA that is no certificate of a CA. */
  | 'CLIENT_CA_INVALID'
  /** A list of client CAs that is empty, or not there: there is no fallback to the system’s roots. */
  | 'CLIENT_CA_MISSING'
  /** A revocation list that cannot be read, or that none of the CAs has signed. */
  | 'CRL_INVALID'
  /** A list that served before is gone. */
  | 'CRL_MISSING'
  /** A private key that cannot be read: its form, or its passphrase. */
  | 'KEY_INVALID'
  /** A private key of another certificate. */
  | 'KEY_MISMATCH'
  /** Options, each good, that cannot be together. */
  | 'OPTION_CONFLICT'
  /** A value of the wrong type, or out of its range. */
  | 'OPTION_INVALID'
  /** A name that is no option: misspelt, or of another version. */
  | 'OPTION_UNKNOWN'
  /** An option of Node’s that weakens the profile; the remedy names the `dangerously…` one. */
  | 'OPTION_WEAKENS'
  /** A PFX with a CA inside, which Node would trust for clients. */
  | 'PFX_CONTAINS_CA'
  /** A PFX that cannot be read: its form, its passphrase, or old algorithms. */
  | 'PFX_INVALID'
  /** A text that is neither a pin (`sha256/…=`) nor a fingerprint. */
  | 'PIN_INVALID'
  /** A certificate request (CSR) that cannot be read, does not verify, or asks for what is not given. */
  | 'REQUEST_INVALID'
  /** A rule that is empty, or could never mean anything. */
  | 'RULE_INVALID';

/** Why a request was refused. Stable: switch on it. */
export type PolicyViolationCode =
  /** `maxAge`: the client proved its key too long ago. */
  | 'AUTHENTICATION_TOO_OLD'
  /** `requireTls({ ciphers })`. */
  | 'CIPHER_REFUSED'
  /** A rule refuses, or the deny list has it. */
  | 'CLIENT_CERTIFICATE_DENIED'
  /** Its end, or that of an issuer, has come; looked at for each request. */
  | 'CLIENT_CERTIFICATE_EXPIRED'
  /** Its beginning, or that of an issuer, has not come. */
  | 'CLIENT_CERTIFICATE_NOT_YET_VALID'
  /** It is not for client authentication (extended key usage, key usage). */
  | 'CLIENT_CERTIFICATE_PURPOSE'
  /** The client has shown none. */
  | 'CLIENT_CERTIFICATE_REQUIRED'
  /** A list or a responder says so, of it or of an issuer. */
  | 'CLIENT_CERTIFICATE_REVOKED'
  /** No path to a trust anchor, or one with a fault. */
  | 'CLIENT_CERTIFICATE_UNTRUSTED'
  /** `requireTls({ forwardSecrecy: true })`. */
  | 'FORWARD_SECRECY_REQUIRED'
  /** A trusted proxy’s header cannot be read, or contradicts itself. */
  | 'FORWARDED_CERTIFICATE_MALFORMED'
  /** `requireTls({ groups })`, or a group that is not known. */
  | 'GROUP_REFUSED'
  /** The request names another host than the handshake (RFC 9110 15.5.20). */
  | 'HOST_MISMATCH'
  /** None of the pins is that of its key. */
  | 'PIN_MISMATCH'
  /** `requireTls({ postQuantum: true })`. */
  | 'POST_QUANTUM_REQUIRED'
  /** No list or responder that should have told could. */
  | 'REVOCATION_STATUS_UNKNOWN'
  /** The request came over plain HTTP. */
  | 'TLS_REQUIRED'
  /** `requireTls({ minVersion })`. */
  | 'TLS_VERSION_REFUSED'
  /** The token is bound to another certificate, or to none (RFC 8705 3). */
  | 'TOKEN_NOT_BOUND';

/**
 * A configuration that Portcullis does not accept. Thrown where an option is read: by whatever takes options, at once.
 * What is read later, as at a reload or from a file, is a rejection with one, or the event `'reloadError'`, and what
 * served before serves on. No request ends with one, unless a handler calls something with options of its own.
 * `path` names the option (`clientAuth.ca[1]`), `remedy` says what to write instead.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** What is wrong; see `ConfigErrorCode`. */
  readonly code: ConfigErrorCode;
  /** The option, as it was written: `clientAuth.ca[1]`. */
  readonly path: string;
  /** What to write instead, in a sentence. */
  readonly remedy: string;

  constructor(code: ConfigErrorCode, path: string, problem: string, remedy: string, cause?: unknown) {
    super(`${path}: ${problem}. ${remedy}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
    this.remedy = remedy;
  }
}

/** What a client is told. Constant, so that no answer carries a certificate's content or OpenSSL's words. */
const publicMessages: Readonly<Record<PolicyViolationCode, string>> = {
  AUTHENTICATION_TOO_OLD: 'The authentication is too old: open a new connection',
  CIPHER_REFUSED: 'TLS cipher refused',
  CLIENT_CERTIFICATE_DENIED: 'Client certificate refused',
  CLIENT_CERTIFICATE_EXPIRED: 'Client certificate expired',
  CLIENT_CERTIFICATE_NOT_YET_VALID: 'Client certificate not yet valid',
  CLIENT_CERTIFICATE_PURPOSE: 'Client certificate not meant for client authentication',
  CLIENT_CERTIFICATE_REQUIRED: 'Client certificate required',
  CLIENT_CERTIFICATE_REVOKED: 'Client certificate revoked',
  CLIENT_CERTIFICATE_UNTRUSTED: 'Client certificate not trusted',
  FORWARD_SECRECY_REQUIRED: 'Forward secrecy required',
  FORWARDED_CERTIFICATE_MALFORMED: 'Forwarded client certificate malformed',
  GROUP_REFUSED: 'TLS key exchange group refused',
  HOST_MISMATCH: 'Misdirected request: this connection was opened for another host',
  PIN_MISMATCH: 'Client certificate refused',
  POST_QUANTUM_REQUIRED: 'Post-quantum key exchange required',
  REVOCATION_STATUS_UNKNOWN: 'Client certificate status unknown',
  TLS_REQUIRED: 'TLS required',
  TLS_VERSION_REFUSED: 'TLS version refused',
  TOKEN_NOT_BOUND: 'Token not bound to the client certificate',
};

/** Whether `value` is one of the codes: what a rule of somebody else's gives may be anything. */
export const isPolicyViolationCode = (value: unknown): value is PolicyViolationCode =>
  typeof value === 'string' && Object.hasOwn(publicMessages, value);

const statuses: Readonly<Partial<Record<PolicyViolationCode, number>>> = {
  FORWARDED_CERTIFICATE_MALFORMED: 400,
  HOST_MISMATCH: 421,
  TOKEN_NOT_BOUND: 401,
};

const headers: Readonly<Partial<Record<PolicyViolationCode, Readonly<Record<string, string>>>>> = {
  // RFC 6750 3.1, as RFC 8705 3 asks.
  TOKEN_NOT_BOUND: Object.freeze({ 'WWW-Authenticate': 'Bearer error="invalid_token"' }),
};

/**
 * A refusal, as given to Express's `next`. `status`, `code` and `message` may be shown to anyone;
 * `detail` says what was expected and what was seen, and is for the operator: it is on the prototype, so that
 * neither `JSON.stringify` nor a spread takes it along. There is no stack: a refusal is not a fault of the program,
 * and Express's own error handler prints stacks outside production.
 */
export class PolicyViolation extends Error {
  override readonly name = 'PolicyViolation';
  /** Of the answer: 403, but 400 for a malformed header, 401 for a token, 421 for another host. */
  readonly status: number;
  /** Why; see `PolicyViolationCode`. */
  readonly code: PolicyViolationCode;
  readonly #detail: string;

  constructor(code: PolicyViolationCode, detail: string) {
    super(publicMessages[code]);
    this.code = code;
    this.status = statuses[code] ?? 403;
    this.#detail = detail;
    this.stack = `PolicyViolation: ${this.message}`;
  }

  /** What belongs to the answer beside its status: Express's own error handler sets them, as `problemDetails` does. */
  get headers(): Readonly<Record<string, string>> | undefined {
    return headers[this.code];
  }

  /** What was expected and what was seen. Never send it to a client. */
  get detail(): string {
    return this.#detail;
  }
}

/** What a caught value says of itself, whatever was thrown: even an object that cannot be made a string. */
export function messageOf(error: unknown): string {
  try {
    return typeof error === 'object' && error !== null && 'message' in error
      ? String(error.message)
      : String(error);
  } catch {
    return 'something without a message';
  }
}
