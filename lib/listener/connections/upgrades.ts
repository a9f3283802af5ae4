import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '../../clock.ts';
import { type ClientCertificate, type TlsState, watchUpgrade } from '../../connection/index.ts';
import { UpgradeEnds } from './upgrade-ends.ts';

/** How many are judged in one turn of the event loop: each may have its path verified anew. */
const atOnce = 50;

/**
 * The upgrades of a listener: which of them no `forUpgrade` has looked at, and those that were let in, by one or by
 * the listener itself, who have no next request at which a change of trust could reach them.
 */
export class Upgrades {
  readonly #admitted = new Map<Duplex, () => Promise<boolean>>();
  readonly #ends: UpgradeEnds;
  /** Whose certificate has ended, and who has not been judged since. */
  readonly #ended = new Set<Duplex>();
  #emitted = 0;
  #checked = 0;
  /** How often the trust has changed. */
  #round = 0;

  /** `clock` for tests. */
  constructor(clock: Clock = systemClock) {
    this.#ends = new UpgradeEnds((socket) => this.#hasEnded(socket), clock);
  }

  /** How many no `forUpgrade` has looked at. */
  get unguarded(): number {
    return this.#emitted - this.#checked;
  }

  /** 'upgrade', 'connect': before anybody hears of it. */
  began(request: IncomingMessage & { readonly tls?: TlsState }, socket: Duplex): void {
    this.#emitted += 1;
    let checked = false;
    watchUpgrade(request, {
      checked: () => {
        if (checked) return;
        checked = true;
        this.#checked += 1;
      },
      admitted: (again) => this.admit(socket, again, () => request.tls?.clientCertificate),
      epoch: () => this.#round,
    });
  }

  /**
   * Notes by whom one was let in; whoever did so before is asked again as well. `client`: as whom, where that may not be
   * the client of the connection.
   */
  admit(socket: Duplex, again: () => Promise<boolean>, client?: () => ClientCertificate | undefined): void {
    if (socket.destroyed) return;
    const before = this.#admitted.get(socket);
    if (before === undefined) socket.once('close', () => this.#forget(socket));
    this.#ends.watch(socket, client?.());
    this.#admitted.set(socket, async () => {
      if (before !== undefined && !(await before())) return false;
      if (!(await again())) return false;
      // Over another path, perhaps, with other ends.
      if (this.#admitted.has(socket)) this.#ends.watch(socket, client?.());
      return true;
    });
  }

  #forget(socket: Duplex): void {
    this.#admitted.delete(socket);
    this.#ended.delete(socket);
    this.#ends.forget(socket);
  }

  /** With all whose certificates end at the same time. */
  #hasEnded(socket: Duplex): void {
    if (this.#ended.size === 0) setImmediate(() => this.#judgeEnded());
    this.#ended.add(socket);
  }

  #judgeEnded(): void {
    let left = atOnce;
    for (const socket of this.#ended) {
      if (left-- === 0) break;
      this.#ended.delete(socket);
      void cutUnless(socket, this.#admitted.get(socket)!);
    }
    if (this.#ended.size > 0) setImmediate(() => this.#judgeEnded());
  }

  /** The trust has changed: cuts whom the policies that have let them in would refuse now. */
  judgeAgain(): void {
    const entries = [...this.#admitted];
    // Of two changes in a row the second judges all: what the first has not come to is not judged twice.
    const round = (this.#round += 1);
    const next = (): void => {
      if (this.#round !== round) return;
      for (const [socket, again] of entries.splice(0, atOnce)) void cutUnless(socket, again);
      if (entries.length > 0) setImmediate(next);
    };
    next();
  }
}

async function cutUnless(socket: Duplex, again: () => Promise<boolean>): Promise<void> {
  try {
    if (socket.destroyed || (await again())) return;
  } catch {
    // Whoever cannot be judged is not let in.
  }
  socket.destroy();
}
