/** Why a configuration was not accepted. Stable: switch on it. */
export type ConfigErrorCode =
  | 'CERTIFICATE_INVALID'
  | 'CERTIFICATE_MISSING'
  | 'CLIENT_CA_INVALID'
  | 'CLIENT_CA_MISSING'
  | 'CRL_INVALID'
  | 'CRL_MISSING'
  | 'KEY_INVALID'
  | 'KEY_MISMATCH'
  | 'OPTION_CONFLICT'
  | 'OPTION_INVALID'
  | 'OPTION_UNKNOWN'
  | 'OPTION_WEAKENS'
  | 'PFX_CONTAINS_CA'
  | 'PFX_INVALID'
  | 'PIN_INVALID'
  | 'RULE_INVALID';

/** Why a request was refused. Stable: switch on it. */
export type PolicyViolationCode =
  | 'AUTHENTICATION_TOO_OLD'
  | 'CIPHER_REFUSED'
  | 'CLIENT_CERTIFICATE_DENIED'
  | 'CLIENT_CERTIFICATE_EXPIRED'
  | 'CLIENT_CERTIFICATE_NOT_YET_VALID'
  | 'CLIENT_CERTIFICATE_PURPOSE'
  | 'CLIENT_CERTIFICATE_REQUIRED'
  | 'CLIENT_CERTIFICATE_REVOKED'
  | 'CLIENT_CERTIFICATE_UNTRUSTED'
  | 'FORWARD_SECRECY_REQUIRED'
  | 'FORWARDED_CERTIFICATE_MALFORMED'
  | 'GROUP_REFUSED'
  | 'HOST_MISMATCH'
  | 'PIN_MISMATCH'
  | 'POST_QUANTUM_REQUIRED'
  | 'REVOCATION_STATUS_UNKNOWN'
  | 'TLS_REQUIRED'
  | 'TLS_VERSION_REFUSED'
  | 'TOKEN_NOT_BOUND';

/**
 * A configuration that Portcullis does not accept. Thrown when an option is read, never while serving.
 * `path` names the option (`clientAuth.ca[1]`), `remedy` says what to write instead.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly path: string;
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
  readonly status: number;
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
