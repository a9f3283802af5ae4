import type { Duplex } from 'node:stream';
import { type ClientCertificate, takenConnection } from '../../connection/index.ts';
import { type Clock, systemClock } from '../../clock.ts';

/** A clock that is set right is noticed after this long (ms). */
const longestSleep = 60_000;

/** When the certificates of upgraded connections end: without a next request, nothing else would look at the clock. */
export class UpgradeEnds {
  readonly #clock: Clock;
  readonly #ended: (socket: Duplex) => void;
  /** The ends of each (ms since 1970), and whether it has been told of. */
  readonly #ends = new Map<Duplex, Map<number, boolean>>();
  #sleep: { readonly until: number; readonly cancel: () => void } | undefined;

  /** `ended` is told once of each end. */
  constructor(ended: (socket: Duplex) => void, clock: Clock = systemClock) {
    this.#ended = ended;
    this.#clock = clock;
  }

  /**
   * Adds the ends of the certificate of the connection, and of the one by which its request was let in: of a forwarded
   * client, or over a path to a CA of the route. Without either there is no end.
   */
  watch(socket: Duplex, client?: ClientCertificate): void {
    const own = takenConnection(socket)?.stateAt(this.#clock.now()).clientCertificate;
    const added = [...endsOf(own), ...endsOf(client)];
    if (added.length === 0) return;
    const ends = this.#ends.get(socket) ?? new Map<number, boolean>();
    this.#ends.set(socket, ends);
    for (const end of added) {
      if (ends.has(end)) continue;
      ends.set(end, false);
      this.#sleepUntil(end);
    }
  }

  forget(socket: Duplex): void {
    if (this.#ends.delete(socket) && this.#ends.size === 0) this.#stop();
  }

  /** Or until an earlier end. */
  #sleepUntil(end: number): void {
    if (this.#sleep !== undefined && this.#sleep.until <= end) return;
    this.#stop();
    // `notAfter` itself is still valid (RFC 5280 4.1.2.5).
    const wait = Math.min(Math.max(end + 1 - this.#clock.now(), 1), longestSleep);
    this.#sleep = { until: end, cancel: this.#clock.after(wait, () => this.#wake()) };
  }

  #wake(): void {
    this.#stop();
    const now = this.#clock.now();
    let next = Infinity;
    for (const [socket, ends] of this.#ends) {
      let tell = false;
      for (const [end, told] of ends) {
        if (told) continue;
        if (now <= end) next = Math.min(next, end);
        else {
          ends.set(end, true);
          tell = true;
        }
      }
      if (tell) this.#ended(socket);
    }
    if (next < Infinity) this.#sleepUntil(next);
  }

  #stop(): void {
    this.#sleep?.cancel();
    this.#sleep = undefined;
  }
}

/** Of all on the path of a client. */
const endsOf = (client: ClientCertificate | undefined): number[] =>
  client === undefined ? [] : [client, ...client.chain].map(({ notAfter }) => notAfter.getTime());
