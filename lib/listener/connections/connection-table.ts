import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DropReason } from '../../events.ts';
import { addressKey } from './address.ts';
import { AddressCounts } from './address-counts.ts';
import { ConnectionEntry } from './connection-entry.ts';
import { publishDrop, reset } from './drops.ts';
import type { CheckedLimits } from './limits.ts';
import { OpenFiles } from './open-files.ts';
import { rawOf } from './raw-stream.ts';
import { hasStalled } from './stalled.ts';
import { Sweeper } from './sweeper.ts';

/** On the sockets themselves: a WeakMap would be asked twice for each request. */
const bearing = Symbol('portcullis.entry');

type Bearer = object & { [bearing]?: ConnectionEntry };

/** Who follows the connections, while there is a shutdown. */
export interface TableObserver {
  /** Whether the request may be run. */
  began(entry: ConnectionEntry, response: ServerResponse): boolean;
  answered(entry: ConnectionEntry, finished: boolean): void;
  /** `entry.requests` were in flight. */
  closed(entry: ConnectionEntry): void;
}

/** How many connections there are, by what they do. */
export interface ConnectionCounts {
  readonly handshaking: number;
  /** Between two requests, over HTTP/2 without an open stream. */
  readonly idle: number;
  /** With a request in flight. */
  readonly active: number;
  readonly upgraded: number;
}

/**
 * The open connections of one listener, and what `limits` say about them. It holds nothing of a connection that is
 * closed. A request costs it two look-ups and one listener that all share.
 */
export class ConnectionTable {
  readonly #limits: CheckedLimits;
  /** Without TLS there is no handshake to wait for. */
  readonly #plain: boolean;
  readonly #now: () => number;
  readonly #onDrop: (reason: DropReason) => void;
  readonly #entries = new Set<ConnectionEntry>();
  /** The oldest first. */
  readonly #handshaking = new Set<ConnectionEntry>();
  /** The longest idle first. */
  readonly #idle = new Set<ConnectionEntry>();
  readonly #addresses = new AddressCounts();
  readonly #files = new OpenFiles();
  /** From this many on the oldest make room. */
  readonly #crowded: number;
  /** One for all responses, which it is called with as `this`. */
  readonly #onClose: (this: ServerResponse) => void;
  /** Undefined where a client may take nothing for ever. */
  readonly #sweeper: Sweeper | undefined;
  #upgraded = 0;
  observer: TableObserver | undefined;

  constructor(
    limits: CheckedLimits,
    plain = false,
    now: () => number = () => performance.now(),
    onDrop: (reason: DropReason) => void = () => {},
  ) {
    this.#onDrop = onDrop;
    this.#limits = limits;
    this.#plain = plain;
    this.#now = now;
    const answered = (response: ServerResponse): void => this.#answered(response);
    this.#onClose = function onClose() {
      answered(this);
    };
    // Room for a burst between two turns of the loop; a small number is meant to the letter.
    const { maxConnections, sendTimeout } = limits;
    if (sendTimeout > 0)
      this.#sweeper = new Sweeper(sweepInterval(sendTimeout), () => this.#sweep(sendTimeout));
    this.#crowded =
      maxConnections === 0 ? Infinity : maxConnections - Math.min(64, Math.floor(maxConnections / 100));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Addresses that are counted now. */
  get addresses(): number {
    return this.#addresses.size;
  }

  get counts(): ConnectionCounts {
    const [handshaking, idle, upgraded] = [this.#handshaking.size, this.#idle.size, this.#upgraded];
    return { handshaking, idle, active: this.#entries.size - handshaking - idle - upgraded, upgraded };
  }

  [Symbol.iterator](): IterableIterator<ConnectionEntry> {
    return this.#entries.values();
  }

  /** Of the socket that was accepted, or of the TLSSocket upon it. */
  find(socket: object): ConnectionEntry | undefined {
    const raw: Bearer | undefined = rawOf(socket);
    return (socket as Bearer)[bearing] ?? raw?.[bearing];
  }

  /**
   * Takes a connection as it comes, before anything is spent on it, or resets it. `local`: the listener has no
   * addresses (a pipe).
   */
  admit(raw: Duplex, local: boolean): boolean {
    const address = raw instanceof Socket && !local ? raw.remoteAddress : undefined;
    const unknown = raw instanceof Socket && !local && address === undefined;
    const counted = address !== undefined && !this.#limits.isExempt(address);
    const key = counted ? addressKey(address) : undefined;
    const reason = unknown ? 'ADDRESS_UNKNOWN' : (this.#refusalFor(key) ?? this.#makeRoom(raw));
    if (reason !== undefined) {
      this.#onDrop(reason);
      publishDrop(reason, raw as Socket);
      reset(raw);
      return false;
    }
    this.#add(new ConnectionEntry(raw, key, this.#now()));
    return true;
  }

  #refusalFor(key: string | undefined): DropReason | undefined {
    if (key === undefined) return undefined;
    const { connectionsPerAddress, handshakesPerAddress } = this.#limits;
    if (connectionsPerAddress > 0 && this.#addresses.connections(key) >= connectionsPerAddress)
      return 'CONNECTIONS_PER_ADDRESS';
    if (handshakesPerAddress > 0 && this.#addresses.handshakes(key) >= handshakesPerAddress)
      return 'HANDSHAKES_PER_ADDRESS';
    return undefined;
  }

  /** Whoever has taken longest gives way: to refuse the new ones would lock out everybody. */
  #makeRoom(raw: Duplex): DropReason | undefined {
    const { pendingHandshakes } = this.#limits;
    const excess = this.#files.excess(raw, this.#entries.size, this.#now());
    if (pendingHandshakes > 0 && this.#handshaking.size >= pendingHandshakes)
      this.cut(first(this.#handshaking)!, 'PENDING_HANDSHAKES');
    else if (excess === 0 && this.#entries.size >= this.#crowded) this.#evict('EVICTED');
    else for (let left = excess; left > 0; left--) if (!this.#evict('OPEN_FILES')) return 'OPEN_FILES';
    return undefined;
  }

  /** False where nobody has taken long. */
  #evict(reason: DropReason): boolean {
    const handshake = first(this.#handshaking);
    const late = handshake !== undefined && this.#now() - handshake.since >= usualHandshake;
    const oldest = late ? handshake : first(this.#idle);
    if (oldest !== undefined) this.cut(oldest, reason);
    return oldest !== undefined;
  }

  #add(entry: ConnectionEntry): void {
    this.#sweeper?.start();
    this.#entries.add(entry);
    (entry.raw as Bearer)[bearing] = entry;
    if (entry.key !== undefined) this.#addresses.add(entry.key, !this.#plain);
    if (this.#plain) {
      entry.phase = 'http1';
      this.#idle.add(entry);
    } else this.#handshaking.add(entry);
    // Its own entry: another listener may have been handed the socket since.
    entry.raw.once('close', () => this.#remove(entry));
  }

  #remove(entry: ConnectionEntry): void {
    if (!this.#entries.delete(entry)) return;
    this.#endHandshake(entry);
    this.#idle.delete(entry);
    if (entry.phase === 'upgraded') this.#upgraded--;
    if (entry.key !== undefined) this.#addresses.remove(entry.key);
    this.observer?.closed(entry);
    entry.requests = 0;
    entry.response = undefined;
    entry.leave = undefined;
  }

  #endHandshake(entry: ConnectionEntry): void {
    if (this.#handshaking.delete(entry) && entry.key !== undefined) this.#addresses.handshakeEnded(entry.key);
  }

  /** A handshake has ended well. False for a connection that has been cut meanwhile. */
  opened(socket: Duplex, http2: boolean): boolean {
    const entry = this.find(socket);
    if (entry === undefined || entry.cut || !this.#entries.has(entry)) return false;
    this.#endHandshake(entry);
    entry.socket = socket;
    (socket as Bearer)[bearing] = entry;
    entry.phase = http2 ? 'http2' : 'http1';
    entry.since = this.#now();
    if (!http2) this.#idle.add(entry);
    return true;
  }

  /** A request of HTTP/1.1 has come; false: nobody may run it, as its answer could not be sent any more. */
  began(socket: object, response: ServerResponse): boolean {
    const entry = (socket as Bearer)[bearing];
    if (entry === undefined || entry.phase === 'http2' || entry.response === response) return true;
    if (this.observer !== undefined && !this.observer.began(entry, response)) return false;
    if (entry.requests++ === 0) this.#idle.delete(entry);
    entry.response = response;
    if (entry.leaving) response.setHeader('Connection', 'close');
    response.on('close', this.#onClose);
    return true;
  }

  #answered(response: ServerResponse): void {
    const { req: request } = response;
    const entry = (request.socket as Bearer)[bearing];
    if (entry === undefined || !this.#entries.has(entry)) return;
    // Node 20 and 22 call a response finished whose connection was cut.
    this.observer?.answered(entry, response.writableFinished && !entry.raw.destroyed);
    // What is left of its body is still a request that may be too slow.
    if (entry.response === response && request.complete) entry.response = undefined;
    entry.since = this.#now();
    if (--entry.requests === 0 && entry.phase === 'http1') this.#idle.add(entry);
  }

  /** A session of HTTP/2 has begun; `leave` ends it, and its socket. */
  session(socket: object, leave: () => void): void {
    const entry = (socket as Bearer)[bearing];
    if (entry === undefined) return;
    entry.leave = leave;
    this.inUse(socket, false);
  }

  /** Whether a session of HTTP/2 has open streams, when that has changed. */
  inUse(socket: object, used: boolean): void {
    const entry = (socket as Bearer)[bearing];
    if (entry === undefined || entry.phase !== 'http2' || entry.cut || !this.#entries.has(entry)) return;
    this.#idle.delete(entry);
    if (used) return;
    entry.since = this.#now();
    this.#idle.add(entry);
  }

  /** The connection belongs to the app from now on (a WebSocket). */
  upgraded(socket: object): void {
    const entry = (socket as Bearer)[bearing];
    if (entry === undefined || entry.phase === 'upgraded' || !this.#entries.has(entry)) return;
    this.#idle.delete(entry);
    entry.phase = 'upgraded';
    this.#upgraded++;
  }

  /** Ends a connection because of the limits, and says so once. */
  cut(entry: ConnectionEntry, reason: DropReason): void {
    this.told(entry, reason);
    // Not chosen again while it closes.
    this.#endHandshake(entry);
    this.#idle.delete(entry);
    if (entry.leave === undefined) reset(entry.raw);
    else entry.leave();
  }

  /** Node ends the connection; this says why, unless that is known. */
  told(entry: ConnectionEntry, reason: DropReason): void {
    if (entry.cut) return;
    entry.cut = true;
    this.#onDrop(reason);
    publishDrop(reason, entry);
  }

  /** Ends all at once, those between accept and handshake too, which Node forgets. */
  destroyAll(): void {
    for (const entry of this.#entries) {
      entry.cut = true;
      entry.raw.destroy();
    }
  }

  #sweep(sendTimeout: number): boolean {
    const now = this.#now();
    for (const entry of this.#entries)
      if (entry.phase === 'http1' && hasStalled(entry, now, sendTimeout)) this.cut(entry, 'SEND_TIMEOUT');
    return this.#entries.size > 0;
  }
}

/** A client of good will has ended its handshake by then (ms). */
const usualHandshake = 1_000;

/** A small part of the time-out, and a second at most (ms). */
const sweepInterval = (sendTimeout: number): number =>
  Math.min(1_000, Math.max(10, Math.floor(sendTimeout / 4)));

const first = <Item>(items: Set<Item>): Item | undefined => items.values().next().value;
