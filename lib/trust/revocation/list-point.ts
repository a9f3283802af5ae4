import type { Certificate } from '../../x509/certificate.ts';
import { CrlError } from './crl-error.ts';
import { countsFrom, newer, type RevocationList } from './crl-list.ts';
import { issuerOf } from './crl-name.ts';

/** Why a list could not be had, or does not count. Stable: switch on it. */
export type ListProblemCode =
  /** Nobody answers, or with something else than a list: a status, too many octets, too slow. */
  | 'CRL_UNREACHABLE'
  /** It is no list, is damaged, or of a kind that is not used here: a delta, an indirect one. */
  | 'CRL_MALFORMED'
  /** It is of another issuer, or not signed by this one. */
  | 'CRL_UNTRUSTED'
  /** It is in order, and speaks of other certificates than those that name it. */
  | 'CRL_WRONG_SCOPE'
  /** It is older than the one that serves. */
  | 'CRL_OLDER'
  /** It is not out yet, or has run out. */
  | 'CRL_STALE';

export interface ListProblem {
  readonly code: ListProblemCode;
  readonly reason: string;
}

/** After the first failure, in milliseconds; twice as long after each other one, up to the interval. */
const firstPause = 5_000;
/** Between two questions at least, however short the life of a list (ms). */
const shortestPause = 1_000;

/** Where the list of one issuer lies, and the newest that was had from there. */
export class ListPoint {
  /** Verified, as one of the certificates that name the place. */
  readonly issuer: Certificate;
  readonly certificate: Certificate;
  readonly urls: readonly string[];
  #list: RevocationList | undefined;
  #problem: ListProblem | undefined;
  #failures = 0;

  constructor(certificate: Certificate, issuer: Certificate, urls: readonly string[], before?: ListPoint) {
    this.certificate = certificate;
    this.issuer = issuer;
    this.urls = urls;
    this.#list = before?.list;
  }

  get list(): RevocationList | undefined {
    return this.#list;
  }

  /** Of the last attempt. */
  get problem(): ListProblem | undefined {
    return this.#problem;
  }

  /**
   * Takes a list if it is one that a certificate of this issuer may be judged by: as those of `crl` are, and in addition
   * it must speak of the certificates that name the place (RFC 5280 6.3.3 b). Gives why not. One that has run out is
   * taken as well, since it may revoke somebody, and is a problem all the same.
   */
  take(list: RevocationList, at: number): ListProblem | undefined {
    const problem = this.#objection(list, at);
    if (problem === undefined || problem.code === 'CRL_STALE') this.#replace(list, at);
    return problem;
  }

  /** The server says that the list is the one that was had already: why that does not do. */
  unchanged(at: number): ListProblem | undefined {
    if (this.#list === undefined) return nothingThere;
    return at > this.#list.nextUpdate ? ranOut(this.#list) : undefined;
  }

  /** How an attempt came out, at whatever places. */
  settle(problem: ListProblem | undefined): void {
    this.#problem = problem;
    this.#failures = problem === undefined ? 0 : this.#failures + 1;
  }

  /** When to ask again (ms since 1970). `random`, from 0 to 1, spreads the members of a fleet. */
  nextAttempt(now: number, interval: number, random: number): number {
    if (this.#failures > 0 || this.#list === undefined) {
      const pause = Math.min(firstPause * 2 ** Math.min(Math.max(this.#failures - 1, 0), 20), interval);
      return now + Math.max(pause * (0.5 + random / 2), shortestPause);
    }
    const half = Math.max(0, (this.#list.nextUpdate - now) / 2);
    return now + Math.max(Math.min(interval, half) * (0.9 + random / 10), shortestPause);
  }

  #objection(list: RevocationList, at: number): ListProblem | undefined {
    if (list.issuer !== issuerOf(this.certificate))
      return { code: 'CRL_UNTRUSTED', reason: 'it is the list of another issuer' };
    if (!list.isSignedBy(this.issuer))
      return { code: 'CRL_UNTRUSTED', reason: 'it is not signed by the issuer, or with a weak algorithm' };
    if (!list.covers(this.certificate))
      return { code: 'CRL_WRONG_SCOPE', reason: 'it speaks of other certificates than those that name it' };
    if (countsFrom(list) > at) return { code: 'CRL_STALE', reason: `it is out from ${iso(list.thisUpdate)}` };
    const before = this.#list;
    if (before !== undefined && before.sha256 !== list.sha256 && newer(list, before) === before)
      return { code: 'CRL_OLDER', reason: 'it is older than the one that serves' };
    return at > list.nextUpdate ? ranOut(list) : undefined;
  }

  #replace(list: RevocationList, at: number): void {
    if (countsFrom(list) <= at && this.#list?.sha256 !== list.sha256) this.#list = list;
  }
}

/** What a list cannot be read for, in words. */
export const malformed = (error: unknown): ListProblem => ({
  code: 'CRL_MALFORMED',
  reason: error instanceof CrlError ? error.message : 'it is no CRL, or is damaged',
});

const ranOut = ({ nextUpdate }: RevocationList): ListProblem => ({
  code: 'CRL_STALE',
  reason: `it was to be replaced by ${iso(nextUpdate)}`,
});
const nothingThere: ListProblem = {
  code: 'CRL_UNREACHABLE',
  reason: 'it says that nothing has changed, and nothing was there',
};
const iso = (ms: number): string => new Date(ms).toISOString();
