import { close } from './session-ends.ts';
import type { SessionEntry } from './session-entry.ts';

interface Watched {
  received: number;
  /** When something came, its last stream ended, or it began. */
  since: number;
  /** It is told to go then, whatever it does. */
  readonly latest: number;
}

/**
 * Lets the clients of a listener go without losing a request. nghttp2 ignores each stream that comes behind a GOAWAY,
 * also behind one that refuses nothing yet (RFC 9113 6.8), and its client would wait for ever: so none is sent as long
 * as a request may be on its way. A session is served until nothing has been heard of it for `grace` ms, or `grace` ms
 * after the drain or itself began; the GOAWAY names the last stream that is served, and what comes behind it may be
 * repeated by its client elsewhere.
 */
export class SessionDrain {
  readonly #entries: Iterable<SessionEntry>;
  readonly #now: () => number;
  readonly #grace: number;
  readonly #started: number;
  readonly #watched = new WeakMap<SessionEntry, Watched>();
  readonly #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(entries: Iterable<SessionEntry>, now: () => number, grace: number) {
    this.#entries = entries;
    this.#now = now;
    this.#grace = grace;
    this.#started = now();
    for (const entry of entries) this.#watch(entry);
    this.#timer = setInterval(() => this.#look(), Math.max(1, grace / 10));
    this.#look();
  }

  /** It looks at nobody any more. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** After what has arrived has been read: a process that was busy would take for quiet whom it has not heard yet. */
  #look(): void {
    setImmediate(() => {
      if (this.#stopped) return;
      const now = this.#now();
      for (const entry of this.#entries) this.#lookAt(entry, now);
    });
  }

  #lookAt(entry: SessionEntry, now: number): void {
    const watched = this.#watched.get(entry) ?? this.#watch(entry);
    const { bytesRead } = entry.socket;
    if (bytesRead !== watched.received) watched.since = now;
    watched.received = bytesRead;
    const quiet = entry.open.size === 0 && now - Math.max(watched.since, entry.since) >= this.#grace;
    if (quiet || now >= watched.latest) close(entry);
  }

  /** `since` of an entry is when it began, as long as it has had no stream. */
  #watch(entry: SessionEntry): Watched {
    const { since, socket } = entry;
    const latest = Math.max(this.#started, since) + this.#grace;
    const watched = { received: socket.bytesRead, since, latest };
    this.#watched.set(entry, watched);
    return watched;
  }
}
