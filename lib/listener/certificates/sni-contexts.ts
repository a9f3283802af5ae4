import type { SecureContext, TLSSocket } from 'node:tls';
import type { CertificateChoice } from '../../credentials/choice.ts';
import type { KeyPair } from '../../credentials/key-pair.ts';
import { checkServable, replacesCertificates } from './sni-limits.ts';
import { preferredPair } from './sni-preference.ts';
import { refuseServerName } from './sni-refusal.ts';

/** Makes a context of key pairs, with every other setting of the server: its trust anchors are those that count. */
export type MakeContext = (pairs: readonly KeyPair[]) => SecureContext;

/** The contexts of one choice of certificates, made once: a handshake only looks them up. Immutable. */
export class SniContexts {
  readonly #choice: CertificateChoice;
  readonly #contexts: ReadonlyMap<KeyPair, SecureContext>;

  /**
   * Throws what `make` throws, and a ConfigError `OPTION_CONFLICT` for certificates that a Node before 24.20 and 26.7
   * cannot keep apart. `replaces` says whether this Node is a newer one.
   */
  constructor(
    choice: CertificateChoice,
    make: MakeContext,
    replaces: boolean = replacesCertificates(process.versions.node),
  ) {
    if (!replaces) checkServable(choice);
    const pairs = new Set([...choice.lists].filter((list) => list !== choice.default).flat());
    this.#contexts = new Map([...pairs].map((pair) => [pair, make([pair])]));
    this.#choice = choice;
  }

  /** All that `apply` may give. */
  get contexts(): Iterable<SecureContext> {
    return this.#contexts.values();
  }

  /** Whether a certificate has this name. */
  knows(serverName: string): boolean {
    return this.#choice.choose(serverName) !== undefined;
  }

  /**
   * What a socket in its handshake shows for this name; nothing for the default, which the server's own context has.
   * Where a name has several certificates Node 20 and 22 take all of them, and newer ones the last: that which fits
   * the client's signature algorithms.
   */
  apply(socket: TLSSocket, serverName: string): SecureContext | undefined {
    const pairs = this.#choice.choose(serverName) ?? this.#choice.default;
    if (pairs === this.#choice.default) return undefined;
    const preferred = pairs.length === 1 ? pairs[0] : preferredPair(socket, pairs);
    for (const pair of pairs) {
      const context = this.#contexts.get(pair);
      if (pair !== preferred && context !== undefined) socket.setKeyCert(context);
    }
    return preferred && this.#contexts.get(preferred);
  }
}

type Done = (error: Error | null, context?: SecureContext) => void;

/**
 * The `SNICallback` of a server whose certificates may be exchanged: `current` gives the contexts that serve now. A
 * name that no certificate has gets the default one, or with `refuseUnknown` the alert `unrecognized_name` (RFC 6066 3)
 * and a 'tlsClientError' `SERVER_NAME_UNKNOWN`. Without SNI Node does not call it, and the default is served.
 */
export function sniCallback(
  current: () => SniContexts,
  refuseUnknown: boolean,
): (this: TLSSocket, serverName: string, done: Done) => void {
  return function onServerName(serverName, done) {
    let context: SecureContext | undefined;
    try {
      const contexts = current();
      if (refuseUnknown && !contexts.knows(serverName)) return refuseServerName(this, done);
      context = contexts.apply(this, serverName);
    } catch (error) {
      return done(
        error instanceof Error ? error : new Error('no certificate could be chosen', { cause: error }),
      );
    }
    return done(null, context);
  };
}
