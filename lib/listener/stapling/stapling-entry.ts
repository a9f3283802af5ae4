import type { KeyPair } from '../../credentials/key-pair.ts';
import { isMustStaple, ocspRespondersOf } from '../../trust/ocsp/ocsp-extensions.ts';
import { type CertId, certIdOf, encodeOcspRequest } from '../../trust/ocsp/ocsp-request.ts';
import {
  isIssuedBy,
  isOcspProblem,
  type OcspProblem,
  type OcspStatus,
  verifyOcspResponse,
} from '../../trust/ocsp/ocsp-verify.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { type StaplingConfig, responderUrl } from './stapling-options.ts';

/** Why nothing will ever be stapled to a certificate. */
export type Unstaplable =
  /** It names no responder by http, and neither does the option. */
  | 'NO_RESPONDER'
  /** Its issuer did not come with it: what it signs could not be verified. */
  | 'NO_ISSUER'
  /** OpenSSL picks one of several, and Node does not tell which (`OCSPRequest` names the last one always). */
  | 'SEVERAL_KEYS';

/** How it stands with one certificate. */
export interface StaplingState {
  /** Lower-case hexadecimal SHA-256 of the certificate. */
  readonly sha256: string;
  readonly mustStaple: boolean;
  readonly unstaplable: Unstaplable | undefined;
  /** Of the response that is stapled now; undefined: none is. */
  readonly status: OcspStatus['status'] | undefined;
  readonly nextUpdate: Date | undefined;
  /** Of the last attempt. */
  readonly problem: StaplingProblem | undefined;
}

/** Why an attempt has failed. */
export interface StaplingProblem {
  readonly code: OcspProblem['code'] | 'OCSP_UNREACHABLE';
  readonly reason: string;
}

interface Question {
  readonly url: string;
  readonly chosen: boolean;
  readonly id: CertId;
  readonly issuer: Certificate;
  readonly body: Buffer;
}

/** After the first failure, in milliseconds; twice as long after each other one, up to an hour. */
const firstPause = 60_000;
const longestPause = 3_600_000;

/** One certificate, whom to ask about it, and the newest good answer. */
export class StaplingEntry {
  readonly leaf: Certificate;
  readonly question: Question | undefined;
  readonly unstaplable: Unstaplable | undefined;
  #response: Buffer | undefined;
  #status: OcspStatus | undefined;
  #problem: StaplingProblem | undefined;
  #failures = 0;
  /** Whether the last attempt came out otherwise than the one before. */
  isNews = false;

  constructor({ leaf, issuers }: KeyPair, several: boolean, config: StaplingConfig) {
    this.leaf = leaf;
    const issuer = issuers.find((candidate) => isIssuedBy(leaf, candidate));
    const url = config.responder ?? ocspRespondersOf(leaf).flatMap((text) => responderUrl(text) ?? [])[0];
    if (several) this.unstaplable = 'SEVERAL_KEYS';
    else if (url === undefined) this.unstaplable = 'NO_RESPONDER';
    else if (issuer === undefined) this.unstaplable = 'NO_ISSUER';
    else {
      const id = certIdOf(leaf, issuer);
      this.question = {
        url,
        chosen: config.responder !== undefined,
        id,
        issuer,
        body: encodeOcspRequest(id),
      };
    }
  }

  /** What to staple at this time (ms); undefined: nothing. */
  responseAt(now: number): Buffer | undefined {
    return this.#status !== undefined && now < this.#status.nextUpdate ? this.#response : undefined;
  }

  /** Takes an answer if it is good, whatever it says of the certificate; what counts from now on. */
  take(response: Buffer, now: number): OcspStatus | StaplingProblem {
    const { id, issuer } = this.question!;
    const outcome = verifyOcspResponse(response, id, issuer, now);
    if (isOcspProblem(outcome)) return this.fail(outcome);
    const before = this.#status;
    this.#problem = undefined;
    this.#failures = 0;
    // An older answer that is replayed does not bring back what has been revoked since.
    if (before !== undefined && before.thisUpdate > outcome.thisUpdate && now < before.nextUpdate)
      return before;
    this.isNews = before?.status !== outcome.status;
    this.#response = response;
    this.#status = outcome;
    return outcome;
  }

  /** Says the problem again. */
  fail(problem: StaplingProblem): StaplingProblem {
    this.#problem = problem;
    this.isNews = ++this.#failures === 1;
    return problem;
  }

  /** When to ask again (ms since 1970): at half of the answer's life, or after a pause where there was none. */
  nextAttempt(now: number): number {
    if (this.#failures > 0) return now + Math.min(firstPause * 2 ** (this.#failures - 1), longestPause);
    if (this.#status === undefined) return now;
    const { thisUpdate, nextUpdate } = this.#status;
    const half = (thisUpdate + nextUpdate) / 2;
    // A cache on the way may give one for a while whose first half is over.
    return Math.max(half > now ? half : (now + nextUpdate) / 2, now + firstPause);
  }

  stateAt(now: number): StaplingState {
    const status = this.responseAt(now) === undefined ? undefined : this.#status;
    return Object.freeze({
      sha256: this.leaf.sha256,
      mustStaple: isMustStaple(this.leaf),
      unstaplable: this.unstaplable,
      status: status?.status,
      nextUpdate: status && new Date(status.nextUpdate),
      problem: this.#problem,
    });
  }
}
