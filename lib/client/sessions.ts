import { BoundedMap } from '../bounded-map.ts';
import type { Presented } from './judgement.ts';

/** A session that may be resumed, and what its full handshake had to show. */
export interface KeptSession {
  readonly session: Buffer;
  readonly presented: Presented;
}

const keptServers = 256;
/** A server sends two over TLS 1.3. */
const keptEach = 2;

/**
 * The sessions of one client, by server. Each is offered once, as whoever sees a ticket twice knows the client again
 * (RFC 8446 C.4), and only to that host, port and ALPN. A change of the configuration forgets them all.
 */
export class SessionStore {
  readonly #kept = new BoundedMap<string, readonly KeptSession[]>(keptServers);

  take(key: string): KeptSession | undefined {
    const [newest, ...others] = this.#kept.get(key) ?? [];
    if (newest !== undefined) this.#kept.set(key, others);
    return newest;
  }

  keep(key: string, kept: KeptSession): void {
    this.#kept.set(key, [kept, ...(this.#kept.get(key) ?? [])].slice(0, keptEach));
  }
}
