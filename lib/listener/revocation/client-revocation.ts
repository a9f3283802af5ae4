import { type Clock, systemClock } from '../../clock.ts';
import { OcspClient } from '../../trust/ocsp/ocsp-client.ts';
import { AllowedHosts } from '../../trust/revocation/allowed-hosts.ts';
import type { RevocationPolicy } from '../../trust/revocation/revocation-options.ts';
import type { ClientTrust } from '../../trust/trust-store.ts';
import { postOcsp } from '../stapling/stapling-fetch.ts';
import type { Live } from '../serving.ts';
import { type Fetch, fetchBounded } from './fetch.ts';
import { ListFetcher } from './list-fetcher.ts';
import { objectionTo } from './reach.ts';
import { RevocationNews } from './revocation-news.ts';

export interface ClientRevocationParts {
  readonly live: Live;
  /** The trust of open connections has changed, other than by a reload. */
  readonly changed: () => void;
  readonly clock?: Clock;
  readonly fetch?: Fetch;
  readonly random?: () => number;
}

/**
 * What a listener fetches and asks about the revocation of its clients. It gives the trust that serves the lists that
 * were fetched, and the responders, for as long as it serves; a reload neither sees nor loses them.
 */
export class ClientRevocation {
  readonly #parts: Required<ClientRevocationParts>;
  readonly #news: RevocationNews;
  #policy: RevocationPolicy | undefined;
  #fetcher: ListFetcher | undefined;
  #ocsp: OcspClient | undefined;
  /** As it was read, and as it serves. */
  #read: ClientTrust | undefined;
  #serving: ClientTrust | undefined;
  #stopped = false;

  constructor(parts: ClientRevocationParts) {
    this.#parts = { clock: systemClock, fetch: fetchBounded, random: Math.random, ...parts };
    this.#news = new RevocationNews(parts.live.config.logger);
    this.adopt();
  }

  /**
   * What serves has been exchanged, or read again: lists are fetched anew, and responders asked. Where there are none of
   * them, the same trust stays the same object, so that nobody is judged anew for nothing.
   */
  adopt(): void {
    const trust = this.#parts.live.config.clientAuth?.trust;
    if (trust === undefined || trust === this.#serving) return;
    if (trust !== this.#read) this.#configure(trust.revocation?.policy);
    this.#read = trust;
    this.#fetcher?.refresh();
    this.#ocsp?.refresh();
    this.#compose();
    this.#put();
  }

  /** 'listening'. */
  start(): void {
    this.#stopped = false;
    this.#fetcher?.start();
    this.#ocsp?.start();
  }

  /** 'close'. */
  stop(): void {
    this.#stopped = true;
    this.#fetcher?.stop();
    this.#ocsp?.stop();
  }

  #configure(policy: RevocationPolicy | undefined): void {
    const before = this.#policy;
    this.#policy = policy;
    if (!isSame(before?.fetch, policy?.fetch)) this.#fetcher = this.#makeFetcher(policy?.fetch);
    if (!isSame(before?.ocsp, policy?.ocsp)) this.#ocsp = this.#makeOcsp(policy?.ocsp);
    if (this.#stopped) this.stop();
  }

  #makeFetcher(config: RevocationPolicy['fetch']): ListFetcher | undefined {
    const before = this.#fetcher;
    before?.stop();
    if (config === undefined) return undefined;
    const { clock, fetch, random } = this.#parts;
    const fetcher: ListFetcher = new ListFetcher(
      {
        config,
        fetch,
        clock,
        random,
        strange: (url) => this.#news.strange(url),
        tell: (report) => {
          if (report.changed && this.#fetcher === fetcher) {
            this.#compose();
            this.#put();
            this.#parts.changed();
          }
          this.#news.ofList(report);
        },
      },
      before,
    );
    return fetcher;
  }

  #makeOcsp(config: RevocationPolicy['ocsp']): OcspClient | undefined {
    const before = this.#ocsp;
    before?.stop();
    if (config === undefined) return undefined;
    const { clock, fetch } = this.#parts;
    const guarded = objectionTo(new AllowedHosts(config.hosts), 'clientAuth.revocation.ocsp.hosts');
    // A responder that the operator names is meant, wherever it is.
    const objection = config.responder === undefined ? guarded : (): undefined => undefined;
    const client: OcspClient = new OcspClient({
      config,
      clock,
      before,
      ask: (question) => postOcsp({ ...question, objection }, fetch),
      tell: (report) => {
        if (report.retracts) this.#parts.changed();
        this.#news.ofResponder(report, config.mode);
      },
    });
    return client;
  }

  #compose(): void {
    const trust = this.#read;
    const [fetcher, ocsp] = [this.#fetcher, this.#ocsp];
    this.#serving =
      fetcher === undefined && ocsp === undefined
        ? trust
        : trust?.with({
            fetched: fetcher?.lists ?? [],
            wants: (certificate, issuer) => fetcher?.wants(certificate, issuer) === true,
            ocsp,
          });
  }

  #put(): void {
    const { live } = this.#parts;
    const { clientAuth } = live.config;
    if (clientAuth === undefined || this.#serving === undefined) return;
    live.config = { ...live.config, clientAuth: { ...clientAuth, trust: this.#serving } };
  }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
