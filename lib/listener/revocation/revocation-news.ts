import { BoundedMap } from '../../bounded-map.ts';
import { publish } from '../../events.ts';
import { isFailure, type OcspReport } from '../../trust/ocsp/ocsp-client.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Logger } from '../logger.ts';
import type { FetchReport } from './list-fetcher.ts';
import { parseUrl } from '../../url.ts';

/** Hosts of whom something was said; beyond, it may be said again. */
const rememberedHosts = 64;
/** As many lists and responders as are followed. */
const rememberedFailures = 320;

/** Tells of lists and responders: events, and the log once per change of state. */
export class RevocationNews {
  readonly #logger: Logger;
  readonly #failing = new BoundedMap<string, true>(rememberedFailures);
  readonly #strange = new BoundedMap<string, true>(rememberedHosts);

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  ofList({ point, url, problem, news }: FetchReport): void {
    if (!news) return;
    const { list, issuer, urls } = point;
    // A list that lies in several places may fail at one of them and be there again at another.
    const place = [issuer.sha256, ...urls].join(' ');
    publish('portcullis:revocation', () => ({
      source: 'list',
      outcome: problem === undefined ? 'fetched' : 'failed',
      url: publicUrl(url),
      issuer: nameOf(point.issuer),
      fingerprint256: undefined,
      thisUpdate: list && new Date(list.thisUpdate),
      nextUpdate: list && new Date(list.nextUpdate),
      code: problem?.code,
      reason: problem?.reason,
    }));
    const what = `the revocation list of ${nameOf(point.issuer)} at ${publicUrl(url)}`;
    if (problem !== undefined) {
      const rest =
        list === undefined
          ? 'there is none'
          : `the last one serves until ${new Date(list.nextUpdate).toISOString()}`;
      this.#logger.warn(`Portcullis: ${what} cannot be had, and ${rest}: ${problem.reason}.`);
    } else if (this.#failing.get(place)) this.#logger.info(`Portcullis: ${what} is there again.`);
    this.#note(place, problem !== undefined);
  }

  ofResponder({ certificate, issuer, url, outcome }: OcspReport, mode: 'soft' | 'hard'): void {
    const failure = isFailure(outcome) ? outcome : undefined;
    const status = isFailure(outcome) ? undefined : outcome;
    publish('portcullis:revocation', () => ({
      source: 'ocsp',
      outcome: status?.status ?? 'failed',
      url: publicUrl(url),
      issuer: nameOf(issuer),
      fingerprint256: certificate.fingerprint256,
      thisUpdate: status && new Date(status.thisUpdate),
      nextUpdate: status && new Date(status.nextUpdate),
      code: failure?.code,
      reason: failure?.reason,
    }));
    // What it says of one certificate is that client's own; that it cannot be asked concerns all.
    const isDown = failure !== undefined && failure.code !== 'OCSP_UNKNOWN';
    const wasDown = this.#failing.get(url) === true;
    this.#note(url, isDown);
    const what = `the OCSP responder at ${publicUrl(url)}`;
    if (isDown && !wasDown) {
      const rest =
        mode === 'hard' ? 'clients that it knows are refused' : 'clients are let in without its word';
      this.#logger.warn(`Portcullis: ${what} fails, and ${rest} (${mode}): ${failure.reason}.`);
    } else if (wasDown && !isDown) this.#logger.info(`Portcullis: ${what} answers again.`);
  }

  /** A verified certificate names a list at a host that is not in `fetch.hosts`. */
  strange(url: string): void {
    const host = parseUrl(url)?.host ?? 'an address that cannot be read';
    if (this.#strange.get(host) === true) return;
    this.#strange.set(host, true);
    this.#logger.warn(
      `Portcullis: client certificates name a revocation list at ${host.replace(/[^\x21-\x7e]/g, '?')}, which is not in clientAuth.revocation.fetch.hosts and is not fetched.`,
    );
  }

  #note(who: string, failing: boolean): void {
    if (failing) this.#failing.set(who, true);
    else this.#failing.delete(who);
  }
}

/** Without the query, which may hold a token of the operator's. */
const publicUrl = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};

/** In one line, whatever stands in it. */
const nameOf = ({ subject, fingerprint256 }: Certificate): string =>
  `'${(subject['CN']?.join('+') ?? fingerprint256).replace(/[^\x20-\x7e]/g, '?')}'`;
