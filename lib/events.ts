import { channel } from 'node:diagnostics_channel';
import { messageOf, type PolicyViolationCode } from './errors.ts';

/** `portcullis:handshake`: a handshake that was completed, and let in by the listener. */
export interface HandshakeEvent {
  readonly protocol: string;
  /** IANA name. */
  readonly cipher: string;
  readonly group: string | undefined;
  readonly alpn: string | undefined;
  readonly serverName: string | undefined;
  readonly resumed: boolean;
  /** Of the verified client; undefined without one. */
  readonly fingerprint256: string | undefined;
  /** Why a presented certificate does not count. */
  readonly clientCertificateError:
    | { readonly code: PolicyViolationCode; readonly reason: string }
    | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** `portcullis:handshake-error`: a handshake that failed, or whose client the listener refused. */
export interface HandshakeErrorEvent {
  /** Node's or OpenSSL's code (`ERR_SSL_NO_SHARED_CIPHER`), or a PolicyViolationCode. */
  readonly code: string;
  /** The same in words. */
  readonly reason: string;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** `portcullis:decision`: a policy has let a request pass or refused it. */
export interface DecisionEvent {
  /** The middleware, as it is exported. */
  readonly policy: string;
  readonly outcome: 'allow' | 'refuse';
  /** False where `reportOnly` let a refused request pass. */
  readonly enforced: boolean;
  /** Of a refusal. */
  readonly code: PolicyViolationCode | undefined;
  /** What was expected and what was seen. For the operator, never for the client. */
  readonly detail: string | undefined;
  /** Of the verified client; undefined without one. */
  readonly fingerprint256: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly method: string | undefined;
  /** The request's path without its query, which may hold secrets. */
  readonly path: string | undefined;
}

/** `portcullis:reload`: certificate or trust were exchanged, or could not be, and what served before serves on. */
export interface ReloadEvent {
  readonly outcome: 'reloaded' | 'failed';
  /** Who asked for it: `reload()`, a watched file or source, SIGHUP. */
  readonly trigger: 'call' | 'watch' | 'signal';
  readonly changed: ReadonlyArray<'certificate' | 'trust'>;
  /** Those that serve now; empty where the reload failed. */
  readonly certificates: ReadonlyArray<{
    readonly names: readonly string[];
    readonly fingerprint256: string;
    readonly notAfter: Date;
  }>;
  /** Of the ConfigError, where it failed. */
  readonly code: string | undefined;
  readonly reason: string | undefined;
}

/** The names of the diagnostics channels, and what each carries. */
export interface EventTypes {
  readonly 'portcullis:handshake': HandshakeEvent;
  readonly 'portcullis:handshake-error': HandshakeErrorEvent;
  readonly 'portcullis:decision': DecisionEvent;
  readonly 'portcullis:reload': ReloadEvent;
}

const channels = {
  'portcullis:handshake': channel('portcullis:handshake'),
  'portcullis:handshake-error': channel('portcullis:handshake-error'),
  'portcullis:decision': channel('portcullis:decision'),
  'portcullis:reload': channel('portcullis:reload'),
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

function warn(name: string, error: unknown): void {
  process.emitWarning(`A subscriber of ${name} has thrown: ${messageOf(error)}`, {
    code: 'PORTCULLIS_SUBSCRIBER_THREW',
  });
}
