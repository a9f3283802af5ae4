import type { Certificate } from '../../x509/certificate.ts';
import { type CertId, certIdOf } from './ocsp-request.ts';
import type { OcspProblem, OcspStatus } from './ocsp-verify.ts';

/** Why a question has failed. */
export interface OcspFailure {
  readonly code: OcspProblem['code'] | 'OCSP_UNREACHABLE';
  readonly reason: string;
}

/** After the first failure, in milliseconds; twice as long after each other one. */
const firstPause = 5_000;
const longestPause = 60_000;
/** Between two questions at least, however short the life of an answer (ms). */
const shortestPause = 1_000;

export const pauseAfter = (failures: number): number =>
  Math.min(firstPause * 2 ** Math.min(failures - 1, 10), longestPause);

/** One certificate, whom to ask about it, and what was answered last. Times are milliseconds since 1970. */
export class OcspEntry {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly id: CertId;
  readonly #urls: readonly string[];
  readonly #interval: number;
  #status: OcspStatus | undefined;
  #askedAt = -Infinity;
  #failure: OcspFailure | undefined;
  #failures = 0;
  #retryAt = -Infinity;
  #isDue = false;
  /** Settles, and never rejects, when the question that is under way has been answered, or has failed. */
  asking: Promise<void> | undefined;

  /**
   * `interval`: the longest time for which an answer goes unasked (ms). `before`: whose answer counts here too, though it
   * is asked for again.
   */
  constructor(
    certificate: Certificate,
    issuer: Certificate,
    urls: readonly string[],
    interval: number,
    before?: OcspEntry,
  ) {
    this.certificate = certificate;
    this.issuer = issuer;
    this.id = certIdOf(certificate, issuer);
    this.#urls = urls;
    this.#interval = interval;
    if (before === undefined) return;
    this.#status = before.#status;
    this.#askedAt = before.#askedAt;
    this.#isDue = true;
  }

  /** Whom to ask next: each of several in turn, while they fail. */
  get url(): string {
    return this.#urls[this.#failures % this.#urls.length]!;
  }

  get isRevoked(): boolean {
    return this.#status?.status === 'revoked';
  }

  get failure(): OcspFailure | undefined {
    return this.#failure;
  }

  /** What counts at this time. Who was revoked once stays so, until a newer answer takes it back. */
  statusAt(at: number): OcspStatus | undefined {
    const status = this.#status;
    return status !== undefined && (status.status === 'revoked' || at < status.nextUpdate)
      ? status
      : undefined;
  }

  /** From when on it is to be asked: ahead of the end, so that the next request need not wait. */
  get dueAt(): number {
    if (this.#isDue) return -Infinity;
    return Math.max(this.#retryAt, this.#askedAt + shortestPause, this.#between(0.5));
  }

  /** Whether nothing counts any more without another question. */
  isOver(at: number): boolean {
    return at >= this.#between(1);
  }

  /** Has it asked about again, though what is known goes on counting. */
  refresh(): void {
    this.#isDue = true;
    this.#retryAt = -Infinity;
  }

  /** Takes a verified answer. Gives whether it takes back what was said before. */
  take(answer: OcspStatus, at: number): boolean {
    const before = this.#status;
    this.#succeeded(at);
    // An older answer that is replayed does not bring back what has been revoked since.
    if (before !== undefined && before.thisUpdate > answer.thisUpdate && this.statusAt(at) !== undefined)
      return false;
    if (before?.status === 'revoked' && before.thisUpdate === answer.thisUpdate) return false;
    this.#status = answer;
    return answer.status === 'revoked' && before?.status !== 'revoked';
  }

  /** Remembers a failure. A responder that says that it does not know takes back what it has said. */
  fail(failure: OcspFailure, at: number): boolean {
    this.#failure = failure;
    this.#isDue = false;
    this.#retryAt = at + pauseAfter(++this.#failures);
    if (failure.code !== 'OCSP_UNKNOWN' || this.#status?.status !== 'good') return false;
    this.#status = undefined;
    return true;
  }

  /** Somebody has waited in vain, while the question is under way, or waits for its turn. */
  keepWaiting(failure: OcspFailure): void {
    if (this.asking !== undefined) this.#failure ??= failure;
  }

  #succeeded(at: number): void {
    this.#askedAt = at;
    this.#isDue = false;
    this.#failure = undefined;
    this.#failures = 0;
    this.#retryAt = -Infinity;
  }

  /** The time at this part of an answer's life, which ends by `interval` as well. */
  #between(part: number): number {
    if (this.#status === undefined) return -Infinity;
    const end = Math.min(this.#status.nextUpdate, this.#askedAt + this.#interval);
    return this.#askedAt + Math.max(0, end - this.#askedAt) * part;
  }
}
