import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { AllowedHosts } from '../../trust/revocation/allowed-hosts.ts';
import type { RevocationList } from '../../trust/revocation/crl-list.ts';
import { readFetchedList } from '../../trust/revocation/crl-slowly.ts';
import { distributionPointsOf } from '../../trust/revocation/distribution-points.ts';
import type { RevocationFetchConfig } from '../../trust/revocation/fetch-options.ts';
import { ListPoint, type ListProblem, malformed } from '../../trust/revocation/list-point.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { Alarm } from '../reports/alarm.ts';
import type { Fetch, FetchAnswer } from './fetch.ts';
import { objectionTo } from './reach.ts';

/** What an attempt came to: `changed`, another list serves; `news`, it came out otherwise than the one before. */
export interface FetchReport {
  readonly point: ListPoint;
  readonly url: string;
  readonly problem: ListProblem | undefined;
  readonly changed: boolean;
  readonly news: boolean;
}

export interface ListFetcherParts {
  readonly config: RevocationFetchConfig;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly tell: (report: FetchReport) => void;
  /** A place is named that is not among the hosts. */
  readonly strange: (url: string) => void;
}

interface Followed {
  readonly point: ListPoint;
  readonly alarm: Alarm;
  /** Of the answer that the list came with, for the next question. */
  validators: { readonly url: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  asking: boolean;
}

/** A list of 100,000 entries takes 6 MiB; what lies in more places than these is not fetched, and so is unknown. */
const followedPlaces = 256;

/**
 * Fetches the lists that verified certificates name, in the background: once when the first of an issuer is judged, and
 * from then on ahead of the list's end, at the latest after `interval`. What was had serves until its own end, whatever
 * becomes of the server.
 */
export class ListFetcher {
  readonly #parts: ListFetcherParts;
  readonly #hosts: AllowedHosts;
  readonly #followed = new Map<string, Followed>();
  #places = new WeakMap<Certificate, readonly string[]>();
  #running = new AbortController();

  /** Takes over what `before` has, as far as its places may still be asked. */
  constructor(parts: ListFetcherParts, before?: ListFetcher) {
    this.#parts = parts;
    this.#hosts = new AllowedHosts(parts.config.hosts);
    for (const { point } of before?.followed ?? []) {
      const urls = point.urls.filter((url) => this.#hosts.allowed(url) !== undefined);
      if (urls.length > 0) this.#follow(new ListPoint(point.certificate, point.issuer, urls, point));
    }
  }

  /** The newest list of each place. */
  get lists(): readonly RevocationList[] {
    return [...this.#followed.values()].flatMap(({ point }) => point.list ?? []);
  }

  get followed(): ReadonlyArray<Pick<Followed, 'point'>> {
    return [...this.#followed.values()];
  }

  start(): void {
    if (!this.#running.signal.aborted) return;
    this.#running = new AbortController();
    this.refresh();
  }

  /** Asks for every list now. */
  refresh(): void {
    if (this.#running.signal.aborted) return;
    for (const { alarm, asking } of this.#followed.values())
      if (!asking) alarm.setFor(this.#parts.clock.now());
  }

  /** Ends what is under way. The lists stay. */
  stop(): void {
    this.#running.abort();
    for (const { alarm } of this.#followed.values()) alarm.stop();
  }

  /**
   * Whether the certificate of a verified path names a list that may be fetched. Where `issuer` is known, it will be, as
   * far as there is room: without it nobody could say who has signed the list.
   */
  wants(certificate: Certificate, issuer: Certificate | undefined): boolean {
    const urls = this.#placesOf(certificate);
    if (urls.length === 0) return false;
    if (issuer === undefined) return true;
    if (!this.#followed.has(keyOf(issuer, urls)) && this.#makeRoom())
      this.#follow(new ListPoint(certificate, issuer, urls));
    return true;
  }

  #placesOf(certificate: Certificate): readonly string[] {
    let places = this.#places.get(certificate);
    if (places === undefined) {
      const named = distributionPointsOf(certificate);
      places = named.flatMap((url) => this.#hosts.allowed(url) ?? []);
      if (places.length === 0 && named.length > 0) this.#parts.strange(named[0]!);
      this.#places.set(certificate, places);
    }
    return places;
  }

  #follow(point: ListPoint): void {
    const followed: Followed = {
      point,
      alarm: new Alarm(this.#parts.clock, () => void this.#attempt(followed)),
      validators: undefined,
      asking: false,
    };
    this.#followed.set(keyOf(point.issuer, point.urls), followed);
    if (!this.#running.signal.aborted) followed.alarm.setFor(this.#parts.clock.now());
  }

  /** Those that lead nowhere make room; a list that serves does not. */
  #makeRoom(): boolean {
    const now = this.#parts.clock.now();
    for (const [key, { point, alarm, asking }] of this.#followed) {
      if (this.#followed.size < followedPlaces) break;
      const isVain = point.problem !== undefined && (point.list === undefined || now > point.list.nextUpdate);
      if (!isVain || asking) continue;
      alarm.stop();
      this.#followed.delete(key);
    }
    return this.#followed.size < followedPlaces;
  }

  /** Never rejects: whatever a server does is an outcome of a kind. */
  async #attempt(followed: Followed): Promise<void> {
    const { clock, config, random, tell } = this.#parts;
    const { point, alarm } = followed;
    const running = this.#running;
    const [before, hadProblem] = [point.list, point.problem !== undefined];
    const wasNew = before === undefined && !hadProblem;
    followed.asking = true;
    let [url, problem] = ['', undefined as ListProblem | undefined];
    for (url of point.urls) {
      // oxlint-disable-next-line no-await-in-loop -- another place is asked only where the one before it fails
      problem = await this.#from(url, followed, running.signal);
      if (problem === undefined || running.signal.aborted) break;
    }
    followed.asking = false;
    if (running.signal.aborted) {
      // Stopped meanwhile, and started again: that has passed over what was being asked.
      if (!this.#running.signal.aborted) alarm.setFor(clock.now());
      return;
    }
    point.settle(problem);
    alarm.setFor(point.nextAttempt(clock.now(), config.interval, random()));
    const changed = point.list !== before;
    try {
      tell({
        point,
        url,
        problem,
        changed,
        news: changed || wasNew || hadProblem !== (problem !== undefined),
      });
    } catch {
      // A logger that throws has lost its own line.
    }
  }

  async #from(url: string, followed: Followed, signal: AbortSignal): Promise<ListProblem | undefined> {
    const { fetch, config, clock } = this.#parts;
    const { timeout, maxBytes } = config;
    const { point, validators } = followed;
    const headers = validators?.url === url ? validators.headers : {};
    const objection = objectionTo(this.#hosts, 'clientAuth.revocation.fetch.hosts');
    let answer: FetchAnswer;
    try {
      answer = await fetch({ url, headers, timeout, maxBytes, signal, objection });
    } catch (error) {
      return { code: 'CRL_UNREACHABLE', reason: messageOf(error) };
    }
    followed.validators = undefined;
    let problem: ListProblem | undefined;
    if (answer.status === 304) problem = point.unchanged(clock.now());
    else {
      try {
        const list = await readFetchedList(answer.body);
        if (signal.aborted) return undefined;
        problem = point.take(list, clock.now());
      } catch (error) {
        return malformed(error);
      }
    }
    // What does not count is not to be answered with 304 the next time.
    if (problem === undefined)
      followed.validators = { url, headers: { ...headers, ...validatorsOf(answer) } };
    return problem;
  }
}

/** RFC 9110 13.1: both, as servers differ in which they know. */
function validatorsOf({ headers }: FetchAnswer): Record<string, string> {
  const { etag, 'last-modified': modified } = headers;
  return {
    ...(etag !== undefined && { 'If-None-Match': etag }),
    ...(modified !== undefined && { 'If-Modified-Since': modified }),
  };
}

const keyOf = ({ sha256 }: Certificate, urls: readonly string[]): string => [sha256, ...urls].join(' ');
