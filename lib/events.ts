import { channel } from 'node:diagnostics_channel';
import { messageOf, type PolicyViolationCode } from './errors.ts';
import { warnProcess } from './warnings.ts';

/** `portcullis:handshake`: a handshake that was completed, and let in by the listener. */
export interface HandshakeEvent {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  /** IANA name. */
  readonly cipher: string;
  /** IANA name of the key exchange group; undefined where it is not known. */
  readonly group: string | undefined;
  /** What ALPN has chosen: `h2` or `http/1.1`; undefined where the client offered nothing. */
  readonly alpn: string | undefined;
  /** SNI; undefined without, and for a resumed session of TLS 1.2. */
  readonly serverName: string | undefined;
  /** Whether a session was resumed; never with `clientAuth`. */
  readonly resumed: boolean;
  /** Of the verified client; undefined without one. */
  readonly fingerprint256: string | undefined;
  /** Why a presented certificate does not count. */
  readonly clientCertificateError:
    | { readonly code: PolicyViolationCode; readonly reason: string }
    | undefined;
  /** The address of the other end; undefined where it is not known any more. */
  readonly remoteAddress: string | undefined;
  /** Its port. */
  readonly remotePort: number | undefined;
}

/** `portcullis:handshake-error`: a handshake that failed, or whose client the listener refused. */
export interface HandshakeErrorEvent {
  /** Node's or OpenSSL's code (`ERR_SSL_NO_SHARED_CIPHER`), or a PolicyViolationCode. */
  readonly code: string;
  /** The same in words. */
  readonly reason: string;
  /** The address of the other end; undefined where it is not known any more. */
  readonly remoteAddress: string | undefined;
  /** Its port. */
  readonly remotePort: number | undefined;
}

/** `portcullis:decision`: a policy has let a request pass or refused it. */
export interface DecisionEvent {
  /** The middleware, as it is exported. */
  readonly policy: string;
  /** The name of the rule that was asked; undefined where the policy has none. */
  readonly rule: string | undefined;
  /** What the policy says; see `enforced` for what came of it. */
  readonly outcome: 'allow' | 'refuse';
  /** False where `reportOnly` let a refused request pass. */
  readonly enforced: boolean;
  /** Of a refusal. */
  readonly code: PolicyViolationCode | undefined;
  /** What was expected and what was seen. For the operator, never for the client. */
  readonly detail: string | undefined;
  /** Of the verified client; undefined without one. */
  readonly fingerprint256: string | undefined;
  /** The address of the other end; undefined where it is not known any more. */
  readonly remoteAddress: string | undefined;
  /** Of the request: `GET`. */
  readonly method: string | undefined;
  /** The request's path without its query, which may hold secrets. */
  readonly path: string | undefined;
  /**
   * The pattern under which Express has come to the policy, mounts included: `/accounts/:id`. Of as many as there are
   * routes, whatever clients send. Undefined outside Express, and where the listener itself decides.
   */
  readonly route: string | undefined;
  /** `request.id`, as pino-http and the like set it; undefined where it is not there, or not a plain short text. */
  readonly requestId: string | undefined;
}

/** `portcullis:reload`: certificate or trust were exchanged, or could not be, and what served before serves on. */
export interface ReloadEvent {
  /** `failed`: nothing was exchanged. */
  readonly outcome: 'reloaded' | 'failed';
  /** Who asked for it: `reload()`, a watched file or source, SIGHUP. */
  readonly trigger: 'call' | 'watch' | 'signal';
  /** What is another than before; empty where nothing is, and where it failed. */
  readonly changed: ReadonlyArray<'certificate' | 'trust'>;
  /** Those that serve now; empty where the reload failed. */
  readonly certificates: ReadonlyArray<{
    readonly names: readonly string[];
    readonly fingerprint256: string;
    readonly notAfter: Date;
  }>;
  /** Of the ConfigError, where it failed. */
  readonly code: string | undefined;
  /** The same in words. */
  readonly reason: string | undefined;
}

/** Why the listener has cut a connection. Stable: switch on it. */
export type DropReason =
  /** It was never let in: its address, or the server, has as many as `limits` allow. */
  | 'HANDSHAKES_PER_ADDRESS'
  | 'CONNECTIONS_PER_ADDRESS'
  | 'MAX_CONNECTIONS'
  /** It had been reset before anybody could ask for its address. */
  | 'ADDRESS_UNKNOWN'
  /** The oldest handshake, or idle connection, made room for a newer one. */
  | 'PENDING_HANDSHAKES'
  | 'EVICTED'
  /** The process has almost as many files open as it may: an old connection made room, or a new one was not let in. */
  | 'OPEN_FILES'
  /** It was too slow. */
  | 'HANDSHAKE_TIMEOUT'
  | 'HEADERS_TIMEOUT'
  | 'REQUEST_TIMEOUT'
  | 'SEND_TIMEOUT'
  /** HTTP/2: the client reset too many streams, sent too many PING or SETTINGS frames, broke the protocol, or is gone. */
  | 'HTTP2_RESETS'
  | 'HTTP2_FLOOD'
  | 'HTTP2_PROTOCOL';

/**
 * `portcullis:drop`: a connection, or over HTTP/2 a stream of it, that the listener has cut because of its limits. An
 * idle connection that ends after `keepAliveTimeout` is none.
 */
export interface DropEvent {
  /** Which limit; see `DropReason`. */
  readonly reason: DropReason;
  /** The address of the other end; undefined where it is not known any more. */
  readonly remoteAddress: string | undefined;
  /** Its port. */
  readonly remotePort: number | undefined;
}

/**
 * `portcullis:ticket-rotation`: another session ticket key serves, or the one that serves is shared from now on
 * (`rotated`); what shares it fails (`degraded`), or answers again (`recovered`). The key itself is never published.
 */
export interface TicketRotationEvent {
  /** What has happened, as above. */
  readonly outcome: 'rotated' | 'degraded' | 'recovered';
  /** `own`: random, of this process alone; `shared`: with others; `kept`: shared, of the period before. */
  readonly origin: 'own' | 'shared' | 'kept';
  /** By what it is shared: the primary of a cluster, or a store as Redis; undefined for an own one. */
  readonly sharedBy: 'cluster' | 'store' | undefined;
  /** When it is destroyed at the latest. */
  readonly expiresAt: Date;
  /** Of a degradation. */
  readonly reason: string | undefined;
}

/** `portcullis:certificate-expiry`: a certificate that ends soon, or has ended; once for each threshold. */
export interface CertificateExpiryEvent {
  /** Whose certificate it is: this server's, or one of the CAs of its clients. */
  readonly role: 'server' | 'client CA';
  /** DNS names and addresses of a server, the subject's name of a CA. */
  readonly names: readonly string[];
  /** SHA-256 of the DER: 'AB:CD:…'. */
  readonly fingerprint256: string;
  /** When it ends. */
  readonly notAfter: Date;
  /** Whole days that are left; negative once it has expired. */
  readonly daysLeft: number;
  /** In days: the one that was crossed; 0: it has expired. */
  readonly threshold: 30 | 14 | 7 | 1 | 0;
}

/**
 * `portcullis:deny-list`: certificates are denied from now on (`added`), or not any more (`removed`; not told of those
 * whose `until` is over); what shares the list fails (`degraded`), or answers again (`recovered`).
 */
export interface DenyListEvent {
  /** What has happened, as above. */
  readonly outcome: 'added' | 'removed' | 'degraded' | 'recovered';
  /** Which list: `denyList()`, or `redisDenyList()`. */
  readonly source: 'memory' | 'redis';
  /** How many were added or removed. */
  readonly count: number;
  /** The first 100 of them: a fingerprint, a pin, or a serial number and its issuer. */
  readonly entries: readonly string[];
  /** Entries in the list, afterwards. */
  readonly size: number;
  /** Of `degraded`. */
  readonly reason: string | undefined;
}

/** `portcullis:ocsp`: a responder was asked about a served certificate, for stapling. */
export interface OcspEvent {
  /** `failed`: there was no answer, or none that could be verified; what was stapled before is, until its end. */
  readonly outcome: 'good' | 'revoked' | 'failed';
  /** DNS names and addresses of the certificate. */
  readonly names: readonly string[];
  /** SHA-256 of its DER: 'AB:CD:…'. */
  readonly fingerprint256: string;
  /** Until when the answer holds. */
  readonly nextUpdate: Date | undefined;
  /** Of a failure: `OCSP_UNREACHABLE`, `OCSP_MALFORMED`, `OCSP_UNTRUSTED` and the like. */
  readonly code: string | undefined;
  /** The same in words. */
  readonly reason: string | undefined;
}

/**
 * `portcullis:revocation`: a revocation list was fetched, or cannot be (`list`: once per change of state), or a responder
 * was asked about a client's certificate (`ocsp`: every time).
 */
export interface RevocationEvent {
  /** A revocation list, or a responder. */
  readonly source: 'list' | 'ocsp';
  /** `fetched` and `failed` of a list; what a responder says, or `failed` where it does not. */
  readonly outcome: 'fetched' | 'good' | 'revoked' | 'failed';
  /** Without its query. */
  readonly url: string;
  /** The name of the CA. */
  readonly issuer: string;
  /** Of the client's certificate, or the intermediate, that a responder was asked about. */
  readonly fingerprint256: string | undefined;
  /** Of the list that serves, or of the answer. */
  readonly thisUpdate: Date | undefined;
  /** Until when that holds. */
  readonly nextUpdate: Date | undefined;
  /** Of a failure: `CRL_UNREACHABLE`, `CRL_UNTRUSTED`, `OCSP_UNREACHABLE`, `OCSP_UNKNOWN` and the like. */
  readonly code: string | undefined;
  /** The same in words. */
  readonly reason: string | undefined;
}

/** The names of the diagnostics channels, and what each carries. */
export interface EventTypes {
  /** A handshake that was completed, and let in. */
  readonly 'portcullis:handshake': HandshakeEvent;
  /** A handshake that failed, or whose client was refused. */
  readonly 'portcullis:handshake-error': HandshakeErrorEvent;
  /** A policy has let a request pass, or refused it. */
  readonly 'portcullis:decision': DecisionEvent;
  /** Certificate or trust were exchanged, or could not be. */
  readonly 'portcullis:reload': ReloadEvent;
  /** The deny list has changed, or can no longer be shared. */
  readonly 'portcullis:deny-list': DenyListEvent;
  /** A connection was cut because of a limit. */
  readonly 'portcullis:drop': DropEvent;
  /** A certificate ends soon, or has ended. */
  readonly 'portcullis:certificate-expiry': CertificateExpiryEvent;
  /** A responder was asked about a served certificate. */
  readonly 'portcullis:ocsp': OcspEvent;
  /** A list was fetched, or a responder was asked about a client. */
  readonly 'portcullis:revocation': RevocationEvent;
  /** Another ticket key serves, or the sharing of keys has changed. */
  readonly 'portcullis:ticket-rotation': TicketRotationEvent;
}

const channels = {
  'portcullis:handshake': channel('portcullis:handshake'),
  'portcullis:handshake-error': channel('portcullis:handshake-error'),
  'portcullis:decision': channel('portcullis:decision'),
  'portcullis:reload': channel('portcullis:reload'),
  'portcullis:deny-list': channel('portcullis:deny-list'),
  'portcullis:drop': channel('portcullis:drop'),
  'portcullis:certificate-expiry': channel('portcullis:certificate-expiry'),
  'portcullis:ocsp': channel('portcullis:ocsp'),
  'portcullis:revocation': channel('portcullis:revocation'),
  'portcullis:ticket-rotation': channel('portcullis:ticket-rotation'),
};

/** Whether anybody listens: where a request would have to remember what an event may ask for. */
export const isHeard = (name: keyof EventTypes): boolean => channels[name].hasSubscribers;

/**
 * Publishes an event, which is made only where somebody listens. Node's own `publish` turns what a subscriber throws
 * into an uncaught exception, so that a log that fails ends the server: here it becomes a warning.
 */
export function publish<Name extends keyof EventTypes>(name: Name, event: () => EventTypes[Name]): void {
  const target = channels[name];
  if (!target.hasSubscribers) return;
  const payload = Object.freeze(event());
  const { _subscribers: subscribers } = target as { _subscribers?: unknown };
  if (!Array.isArray(subscribers)) {
    target.publish(payload);
    return;
  }
  for (const subscriber of [...subscribers] as Array<(payload: unknown, name: string) => unknown>) {
    try {
      const outcome = subscriber(payload, name);
      // A rejection that nobody handles would end the process as well.
      if (outcome instanceof Promise) outcome.catch((error: unknown) => warn(name, error));
    } catch (error) {
      warn(name, error);
    }
  }
}

const warn = (name: string, error: unknown): void =>
  warnProcess('PORTCULLIS_SUBSCRIBER_THREW', `A subscriber of ${name} has thrown: ${messageOf(error)}`);
