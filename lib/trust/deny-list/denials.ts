import { type Clock, systemClock } from '../../clock.ts';
import { publish } from '../../events.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateProblem } from '../problem.ts';
import { DenialIndex } from './denial-index.ts';
import type { Denial, DeniedCertificate } from './entry.ts';
import { labelOf } from './label.ts';

/** What a list says to those that use it. */
export interface DenialsFollower {
  /** Somebody may be denied now who was not. */
  readonly changed: () => void;
  readonly logger: { info(message: string): void; warn(message: string): void };
}

/** Where the entries come from, where that is not this process. */
export interface DenialsFeed {
  /** Somebody uses the list, or, at the end, nobody does any more. */
  readonly start: () => void;
  readonly stop: () => void;
}

/** Far more than a list for the hour in which no CRL is out yet; each entry costs about 0.5 KiB. */
export const maxDenials = 100_000;

/** How many entries an event names. */
const maxNamed = 100;
let lists = 0;

/**
 * Who is denied, as connections ask it: an index, and a version that is another one after each change, so that a
 * request costs a comparison. An entry whose time is over denies nobody from that moment on, without a timer.
 */
export class Denials {
  readonly source: 'memory' | 'redis';
  /** Another one for each list. */
  identity: string = `list ${++lists}`;
  readonly clock: Clock;
  /** Entries at most. */
  readonly limit: number;
  readonly #index = new DenialIndex();
  readonly #followers = new Set<DenialsFollower>();
  readonly #feed: DenialsFeed | undefined;
  #unavailable: 'refuse' | 'allow' | undefined;
  #settled: boolean;
  #version = 1;
  /** When the first entry may be over (ms). */
  #soonest = Infinity;
  #trouble: string | undefined;
  #logged = false;

  constructor(
    source: 'memory' | 'redis',
    clock: Clock = systemClock,
    feed?: DenialsFeed,
    limit: number = maxDenials,
  ) {
    this.limit = limit;
    this.source = source;
    this.clock = clock;
    this.#feed = feed;
    this.#settled = feed === undefined;
  }

  get version(): number {
    return this.#version;
  }

  /** Whether it is known if the entries can be had: until then a listener lets its connections wait. */
  get settled(): boolean {
    return this.#settled;
  }

  /** What is wrong with the source now. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** How many use it. */
  get followers(): number {
    return this.#followers.size;
  }

  get size(): number {
    this.#purge();
    return this.#index.size;
  }

  /** Of the entries that count now. */
  get keys(): readonly string[] {
    this.#purge();
    return [...this.#index.values()].map(({ key }) => key);
  }

  /** Those that count now, in the order in which they came. */
  get entries(): readonly DeniedCertificate[] {
    this.#purge();
    return Object.freeze([...this.#index.values()].map(({ denied }) => denied));
  }

  has(key: string): boolean {
    const denial = this.#index.get(key);
    return denial !== undefined && !this.#isOver(denial);
  }

  /**
   * Why the client of a verified path is refused, though it is verified: it, or a CA above it, is denied
   * (`CLIENT_CERTIFICATE_DENIED`), or whether it is cannot be known yet (`REVOCATION_STATUS_UNKNOWN`). `path` is leaf
   * first. `isWhole: false`: Node hides the intermediates above its last certificate.
   */
  check(path: readonly Certificate[], isWhole: boolean = true): CertificateProblem | undefined {
    for (const certificate of path) {
      const denial = this.#first(this.#index.matching(certificate));
      if (denial === undefined) continue;
      return { ...deniedBy(denial, certificate === path[0] ? 'it' : 'a CA above it'), outcast: certificate };
    }
    const hidden = isWhole ? undefined : this.#first(this.#index.issuersOf(path.at(-1)!));
    if (hidden !== undefined) return deniedBy(hidden, 'its issuer, by its name,');
    return this.#unavailable === 'refuse' ? unavailable : undefined;
  }

  /** Puts entries in and takes others out, as one change; tells of those that are new, or gone. */
  change(put: readonly Denial[], taken: readonly string[]): void {
    const added = put.filter((denial) => !this.#isOver(denial));
    for (const denial of put) {
      this.#index.put(denial);
      this.#soonest = Math.min(this.#soonest, denial.denied.until ?? Infinity);
    }
    const removed = taken.flatMap((key) => {
      const denial = this.#index.get(key);
      return denial !== undefined && this.#index.delete(key) && !this.#isOver(denial) ? [denial] : [];
    });
    if (put.length === 0 && removed.length === 0) return;
    this.#tell('added', added);
    this.#tell('removed', removed);
    this.#changed();
  }

  /** Nothing is known of the source, or (undefined) its entries are there. */
  setUnavailable(how: 'refuse' | 'allow' | undefined): void {
    if (this.#unavailable === how) return;
    this.#unavailable = how;
    this.#changed();
  }

  /** For a feed: its first answer is there, or there is none. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#changed();
  }

  /** The source fails, or (undefined) is well again; told once. */
  setTrouble(reason: string | undefined): void {
    const before = this.#trouble;
    this.#trouble = reason;
    if ((before === undefined) === (reason === undefined)) return;
    publish('portcullis:deny-list', () => ({
      outcome: reason === undefined ? 'recovered' : 'degraded',
      ...this.#facts([]),
      reason,
    }));
    this.#log();
  }

  /** Tells `follower` of changes from now on, and starts the feed; returns what ends that. */
  follow(follower: DenialsFollower): () => void {
    this.#followers.add(follower);
    if (this.#followers.size === 1) this.#feed?.start();
    if (this.#trouble !== undefined) this.#log();
    return () => {
      if (this.#followers.delete(follower) && this.#followers.size === 0) this.#feed?.stop();
    };
  }

  #changed(): void {
    this.#version++;
    for (const { changed } of this.#followers) changed();
  }

  #first(denials: Iterable<Denial>): Denial | undefined {
    for (const denial of denials) if (!this.#isOver(denial)) return denial;
    return undefined;
  }

  #isOver({ denied: { until } }: Denial): boolean {
    return until !== undefined && until <= this.clock.now();
  }

  #purge(): void {
    if (this.#soonest > this.clock.now()) return;
    this.#soonest = Infinity;
    for (const denial of this.#index.values()) {
      if (this.#isOver(denial)) this.#index.delete(denial.key);
      else this.#soonest = Math.min(this.#soonest, denial.denied.until ?? Infinity);
    }
  }

  #tell(outcome: 'added' | 'removed', denials: readonly Denial[]): void {
    if (denials.length > 0)
      publish('portcullis:deny-list', () => ({ outcome, ...this.#facts(denials), reason: undefined }));
  }

  #facts(denials: readonly Denial[]): {
    source: 'memory' | 'redis';
    count: number;
    entries: readonly string[];
    size: number;
  } {
    const entries = Object.freeze(denials.slice(0, maxNamed).map(({ denied }) => labelOf(denied)));
    return { source: this.source, count: denials.length, entries, size: this.#index.size };
  }

  /** To one listener only, however many use the list. */
  #log(): void {
    const [follower] = this.#followers;
    const isTrouble = this.#trouble !== undefined;
    if (follower === undefined || this.#logged === isTrouble) return;
    this.#logged = isTrouble;
    if (isTrouble)
      follower.logger.warn(
        `Portcullis: the deny list is not up to date, what it said last goes on to count: ${this.#trouble}`,
      );
    else follower.logger.info('Portcullis: the deny list is up to date again.');
  }
}

const deniedBy = ({ denied }: Denial, who: string): CertificateProblem => ({
  code: 'CLIENT_CERTIFICATE_DENIED',
  reason: `${who} stands in the deny list: ${labelOf(denied)}${denied.reason === undefined ? '' : ` (${denied.reason})`}`,
  passing: true,
});

const unavailable: CertificateProblem = {
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: 'the deny list has not been read yet',
  passing: true,
};
