import { printable } from './printable.ts';

/** Which of the four it is. Stable: switch on it. */
export type TlsClientErrorCode =
  /** The certificate is not accepted; `reason` says why. */
  | 'CERTIFICATE_VERIFICATION_FAILED'
  /** There was no handshake with this server: versions, ciphers, or its refusal of the client. */
  | 'HANDSHAKE_FAILED'
  /** The certificate is good, and of another name. */
  | 'HOSTNAME_MISMATCH'
  /** The path is good, and none of its keys is pinned. */
  | 'PIN_MISMATCH';

/** Why a server's certificate is not accepted. Stable: switch on it. */
export type CertificateFailure =
  /** It or one of its issuers has expired. */
  | 'CERTIFICATE_EXPIRED'
  /** It or one of its issuers is not valid yet. */
  | 'CERTIFICATE_NOT_YET_VALID'
  /** It or one of its issuers is not meant for TLS servers, or is a CA's. */
  | 'CERTIFICATE_PURPOSE'
  /** It or one of its issuers is revoked: by a list, or by the OCSP response that the server itself has stapled. */
  | 'CERTIFICATE_REVOKED'
  /** It is signed by its own key, and is no trust anchor. */
  | 'CERTIFICATE_SELF_SIGNED'
  /** Any other fault of the path: a signature, a constraint, a weak key, a form that RFC 5280 forbids. */
  | 'CERTIFICATE_UNTRUSTED'
  /** No trust anchor is above it, or an intermediate was not sent. */
  | 'ISSUER_UNKNOWN'
  /** Nobody can say whether it is revoked: a list has run out or is missing, a stapled response that must be there is not. */
  | 'REVOCATION_STATUS_UNKNOWN';

/** What an error says beside its code. */
export interface FailureDetails {
  readonly host: string;
  readonly port: number;
  readonly expected: string;
  readonly seen: string;
}

interface Wording {
  readonly problem: string;
  readonly remedy: string;
  readonly cause?: unknown;
}

/**
 * A server that was reached, and is not spoken to. Nothing of the request has left, nor has the client's certificate
 * (but see `HandshakeError`). Apart from the errors of sockets (`ECONNREFUSED`, `ENOTFOUND`, `ECONNRESET` …), which stay
 * what they are. What comes from the server in it is made printable. To try again is of no use before somebody has looked.
 */
export abstract class TlsClientError extends Error {
  /** Which error it is. */
  abstract readonly code: TlsClientErrorCode;
  /** As it was asked for, or the option `servername`. */
  readonly host: string;
  /** As it was asked for. */
  readonly port: number;
  /** What would have been accepted: names, pins, versions. */
  readonly expected: string;
  /** What the server has shown instead. */
  readonly seen: string;

  constructor(details: FailureDetails, { problem, remedy, cause }: Wording) {
    const host = printable(details.host);
    super(`${host}:${details.port}: ${problem}. ${remedy}`, cause === undefined ? undefined : { cause });
    this.host = host;
    this.port = details.port;
    this.expected = printable(details.expected);
    this.seen = printable(details.seen);
  }
}

const problems: Readonly<Record<CertificateFailure, readonly [problem: string, remedy: string]>> = {
  CERTIFICATE_EXPIRED: [
    "the server's certificate, or one of its issuers, has expired",
    'It has to be renewed there; check the clock of this machine, too.',
  ],
  CERTIFICATE_NOT_YET_VALID: [
    "the server's certificate, or one of its issuers, is not valid yet",
    'Check the clocks of both machines.',
  ],
  CERTIFICATE_PURPOSE: [
    "the server's certificate is not meant for a TLS server",
    'It needs an end-entity certificate with the extended key usage serverAuth.',
  ],
  CERTIFICATE_REVOKED: ["the server's certificate is revoked", 'Send it nothing, and tell its operator.'],
  CERTIFICATE_SELF_SIGNED: [
    "the server's certificate is signed by itself",
    'Issue it by a CA of your own, and give that in `ca`.',
  ],
  CERTIFICATE_UNTRUSTED: ["the path of the server's certificate is not in order", 'See what was seen.'],
  ISSUER_UNKNOWN: [
    'no trusted CA stands above the certificate of the server',
    'Give its root in `ca`, or let the server send its intermediates. If it is new: somebody may sit in between.',
  ],
  REVOCATION_STATUS_UNKNOWN: [
    "whether the server's certificate is revoked is not known",
    'Fetch the current lists of all its CAs, or see `revocation`.',
  ],
};

/** The path of the server's certificate is refused; `reason` says why, `seen` in words. */
export class CertificateVerificationError extends TlsClientError {
  override readonly name = 'CertificateVerificationError';
  /** Always this. */
  readonly code = 'CERTIFICATE_VERIFICATION_FAILED';
  /** Why; see `CertificateFailure`. */
  readonly reason: CertificateFailure;

  constructor(reason: CertificateFailure, details: FailureDetails, cause?: unknown) {
    const [problem, remedy] = problems[reason];
    super(details, { problem, remedy, cause });
    this.reason = reason;
  }
}

/** The certificate is in order, and is another host's; `seen` are its names. */
export class HostnameMismatchError extends TlsClientError {
  override readonly name = 'HostnameMismatchError';
  /** Always this. */
  readonly code = 'HOSTNAME_MISMATCH';

  constructor(details: FailureDetails) {
    super(details, {
      problem: "the server's certificate is not for this host",
      remedy: 'Only the names of its subjectAltName count: ask for one of them, or issue it for this one.',
    });
  }
}

/** The certificate is in order, and has none of the pinned keys; `seen` are its pins. */
export class PinMismatchError extends TlsClientError {
  override readonly name = 'PinMismatchError';
  /** Always this. */
  readonly code = 'PIN_MISMATCH';

  constructor(details: FailureDetails) {
    super(details, {
      problem: 'the server has none of the pinned keys',
      remedy:
        'If its operator has changed the key, add the pin that they tell you; else somebody sits in between.',
    });
  }
}

/** Why a handshake came to nothing: OpenSSL's code as Node gives it (`ERR_SSL_…`), or one of these. */
export type HandshakeFailure =
  /** A library has put another agent in place of the one that verifies, for a proxy. */
  | 'AGENT_REPLACED'
  /** It took longer than `handshakeTimeout`. */
  | 'HANDSHAKE_TIMEOUT'
  /** The URL is of another protocol: nothing would be verified. */
  | 'NOT_HTTPS'
  /** The server has chosen a version, a cipher or (ALPN) a protocol that was not offered. */
  | 'PROTOCOL_REFUSED'
  /** The server has begun a second handshake, which would be another server. */
  | 'RENEGOTIATION'
  | (string & {});

/**
 * No connection came about that the profile allows: the server speaks other versions or ciphers only, or no TLS, or it
 * has refused this client. In the last case over TLS 1.3 the alert may come after the request has been sent to it,
 * which it has not answered.
 */
export class HandshakeError extends TlsClientError {
  override readonly name = 'HandshakeError';
  /** Always this. */
  readonly code = 'HANDSHAKE_FAILED';
  /** Why; see `HandshakeFailure`. */
  readonly reason: HandshakeFailure;
  /** The name of the alert that the server has sent (RFC 8446 6), as `handshake_failure`; `alert_57` where it has none. */
  readonly alert: string | undefined;

  constructor(
    {
      reason,
      alert,
      ...wording
    }: Wording & { readonly reason: HandshakeFailure; readonly alert?: string | undefined },
    details: FailureDetails,
  ) {
    super(details, wording);
    this.reason = reason;
    this.alert = alert;
  }
}
