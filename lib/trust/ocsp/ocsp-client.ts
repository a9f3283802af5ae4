import { randomBytes } from 'node:crypto';
import { BoundedMap } from '../../bounded-map.ts';
import { type Clock, within } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { AllowedHosts } from '../revocation/allowed-hosts.ts';
import { OcspEntry, type OcspFailure, pauseAfter } from './ocsp-entry.ts';
import { ocspRespondersOf } from './ocsp-extensions.ts';
import type { RevocationOcspConfig } from './ocsp-options.ts';
import { encodeOcspRequest } from './ocsp-request.ts';
import { isOcspProblem, type OcspStatus, verifyOcspResponse } from './ocsp-verify.ts';
import { Turns } from './turns.ts';

/** How a responder is asked; rejects where it does not answer. */
export type AskOcsp = (question: {
  readonly url: string;
  /** DER of the OCSPRequest. */
  readonly body: Buffer;
  readonly timeout: number;
  readonly signal: AbortSignal;
}) => Promise<Buffer>;

/** One question, and what came of it. */
export interface OcspReport {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly url: string;
  readonly outcome: OcspStatus | OcspFailure;
  /** Whether it takes back what open connections were let in by. */
  readonly retracts: boolean;
}

export interface OcspClientParts {
  readonly config: RevocationOcspConfig;
  readonly ask: AskOcsp;
  readonly clock: Clock;
  readonly tell: (report: OcspReport) => void;
  /** Whose answers count on, as far as they do by this configuration. */
  readonly before?: OcspClient | undefined;
}

/** What is known of a certificate, and until when (ms). */
export type OcspKnowledge =
  | { readonly status: 'good' | 'revoked'; readonly notBefore: number; readonly notAfter: number }
  | { readonly status: 'unknown'; readonly reason: string };

/** What was begun for a certificate. */
export interface OcspAsked {
  /** Nothing need be asked again before this time (ms). */
  readonly until: number;
  /** To be waited for; undefined: what is known counts. It never rejects. */
  readonly waiting: Promise<void> | undefined;
}

/** Fleets of some thousand devices keep their answers; each costs about 1 KiB. */
const rememberedAnswers = 4096;
const rememberedResponders = 64;
/** In a row, until a responder is left alone: one may be lost on the way. */
const borneFailures = 2;
/** Questions to one server: under way, and in wait. */
const atOnce = 16;
const mayQueue = 1024;
/** How long an answer holds that does not say until when (ms). */
const openEnded = 60_000;
const skew = 5 * 60_000;
const nothing: OcspAsked = { until: Infinity, waiting: undefined };

/**
 * What responders say of clients' certificates (RFC 6960), asked when a certificate is first seen, remembered until its
 * end, and asked again ahead of it. Questions about one certificate are one; of those to one server some are under
 * way at once and the rest wait their turn, for as long as it takes, while a request waits for `timeout` at most; and who
 * does not answer is left alone for a while, so that it does not slow every request.
 */
export class OcspClient {
  readonly config: RevocationOcspConfig;
  readonly #ask: AskOcsp;
  readonly #clock: Clock;
  readonly #tell: (report: OcspReport) => void;
  readonly #hosts: AllowedHosts;
  readonly #entries = new BoundedMap<string, OcspEntry>(rememberedAnswers);
  readonly #down = new BoundedMap<string, { failures: number; until: number }>(rememberedResponders);
  /** By origin: one server may answer for several CAs, and none is to wait for another one. */
  readonly #turns = new BoundedMap<string, Turns>(rememberedResponders);
  #running = new AbortController();
  #version = 0;

  constructor({ config, ask, clock, tell, before }: OcspClientParts) {
    this.config = config;
    this.#ask = ask;
    this.#clock = clock;
    this.#tell = tell;
    this.#hosts = new AllowedHosts(config.hosts);
    if (before !== undefined) this.#inherit(before);
  }

  /** Changes whenever an answer takes back what a verdict may have been based on. */
  get version(): number {
    return this.#version;
  }

  start(): void {
    if (this.#running.signal.aborted) this.#running = new AbortController();
  }

  /** Ends what is under way; what is asked afterwards fails. */
  stop(): void {
    this.#running.abort();
  }

  /** Has every certificate asked about again, when it is next seen. */
  refresh(): void {
    for (const entry of this.#entries.values()) entry.refresh();
  }

  /** What is known at the time `at` (ms); undefined where nobody could be asked. Asks nobody. */
  statusOf(certificate: Certificate, issuer: Certificate | undefined, at: number): OcspKnowledge | undefined {
    const entry = issuer && this.#entries.get(keyOf(certificate, issuer));
    // Its CA has said so, whoever may be asked since.
    if (entry?.isRevoked === true) return { status: 'revoked', notBefore: -Infinity, notAfter: Infinity };
    const urls = this.#urlsOf(certificate);
    if (urls === undefined) return undefined;
    if (urls.length === 0) return unknown('the responder that it names is not among revocation.ocsp.hosts');
    if (issuer === undefined) return unknown('its issuer is not known here');
    const status = entry?.statusAt(at);
    if (status === undefined) return unknown(entry?.failure?.reason ?? 'no responder has answered yet');
    return { status: 'good', notBefore: status.thisUpdate - skew, notAfter: status.nextUpdate - 1 };
  }

  /** Asks about a certificate of a verified path where it is time to. */
  ask(certificate: Certificate, issuer: Certificate, at: number): OcspAsked {
    const urls = this.#urlsOf(certificate);
    if (urls === undefined || urls.length === 0) return nothing;
    const key = keyOf(certificate, issuer);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = new OcspEntry(certificate, issuer, urls, this.config.interval);
      this.#entries.set(key, entry);
    }
    if (entry.asking === undefined && at < entry.dueAt) return { until: entry.dueAt, waiting: undefined };
    entry.asking ??= this.#question(entry);
    return { until: at, waiting: entry.isOver(at) ? this.#awaited(entry, entry.asking) : undefined };
  }

  /** The question goes on: who asks later has its answer. */
  #awaited(entry: OcspEntry, asking: Promise<void>): Promise<void> {
    return within(this.#clock, this.config.timeout, tooLate.reason, asking).catch(() =>
      entry.keepWaiting(tooLate),
    );
  }

  /** That somebody is revoked; and of the rest what was said by those who would be asked here, as strictly. */
  #inherit(before: OcspClient): void {
    for (const entry of before.#entries.values()) {
      const { certificate, issuer } = entry;
      const urls = this.#urlsOf(certificate) ?? [];
      const isSame =
        before.config.nonce === this.config.nonce &&
        String(before.#urlsOf(certificate) ?? []) === String(urls);
      if (!entry.isRevoked && !isSame) continue;
      const heir = new OcspEntry(certificate, issuer, urls, this.config.interval, entry);
      this.#entries.set(keyOf(certificate, issuer), heir);
    }
  }

  /** Undefined: it names none. Empty: it names only such as must not be asked. */
  #urlsOf(certificate: Certificate): readonly string[] | undefined {
    const { responder } = this.config;
    if (responder !== undefined) return [responder];
    const named = ocspRespondersOf(certificate);
    return named.length === 0 ? undefined : named.flatMap((url) => this.#hosts.allowed(url) ?? []);
  }

  async #question(entry: OcspEntry): Promise<void> {
    const { url, certificate, issuer } = entry;
    const running = this.#running;
    const outcome = await this.#answerOf(entry, url, running.signal);
    entry.asking = undefined;
    if (running.signal.aborted) return;
    const now = this.#clock.now();
    const retracts = isFailure(outcome) ? entry.fail(outcome, now) : entry.take(outcome, now);
    if (retracts) this.#version++;
    try {
      this.#tell({ certificate, issuer, url, outcome, retracts });
    } catch {
      // A logger that throws has lost its own line.
    }
  }

  async #answerOf(entry: OcspEntry, url: string, signal: AbortSignal): Promise<OcspStatus | OcspFailure> {
    const { nonce } = this.config;
    if (this.#isLeftAlone(url)) return leftAlone;
    const sent = nonce === 'none' ? undefined : randomBytes(32);
    try {
      const body = encodeOcspRequest(entry.id, sent);
      // It may have failed others while this one was waiting for its turn.
      const response = await this.#turnsAt(url).take(async () =>
        this.#isLeftAlone(url) ? undefined : this.#response(url, body, signal),
      );
      if (response === undefined) return leftAlone;
      return verifyOcspResponse(response, entry.id, entry.issuer, this.#clock.now(), {
        nonce: sent && { sent, required: nonce === 'require' },
        openEnded,
      });
    } catch (error) {
      return unreachable(`its responder cannot be asked: ${messageOf(error)}`);
    }
  }

  /** Only what becomes of a question that was really put says whether a responder is there. */
  async #response(url: string, body: Buffer, signal: AbortSignal): Promise<Buffer> {
    const { timeout } = this.config;
    signal.throwIfAborted();
    try {
      const asked = this.#ask({ url, body, timeout, signal });
      const response = await within(this.#clock, timeout, tooLate.reason, asked);
      this.#down.delete(url);
      return response;
    } catch (error) {
      if (!signal.aborted) this.#noteFailure(url);
      throw error;
    }
  }

  /** Those that were under way together are one failure more, not as many. */
  #noteFailure(url: string): void {
    if (this.#isLeftAlone(url)) return;
    const failures = (this.#down.get(url)?.failures ?? 0) + 1;
    const pause = failures > borneFailures ? pauseAfter(failures - borneFailures) : 0;
    this.#down.set(url, { failures, until: this.#clock.now() + pause });
  }

  #isLeftAlone(url: string): boolean {
    return this.#clock.now() < (this.#down.get(url)?.until ?? -Infinity);
  }

  #turnsAt(url: string): Turns {
    const { origin } = new URL(url);
    let turns = this.#turns.get(origin);
    if (turns === undefined) {
      turns = new Turns(atOnce, mayQueue);
      this.#turns.set(origin, turns);
    }
    return turns;
  }
}

export const isFailure = (outcome: OcspStatus | OcspFailure): outcome is OcspFailure =>
  isOcspProblem(outcome as Parameters<typeof isOcspProblem>[0]);

const keyOf = (certificate: Certificate, issuer: Certificate): string => certificate.sha256 + issuer.sha256;
const unknown = (reason: string): OcspKnowledge => ({ status: 'unknown', reason });
const unreachable = (reason: string): OcspFailure => ({ code: 'OCSP_UNREACHABLE', reason });
const leftAlone = unreachable('its responder has not answered others, and is left alone for some seconds');
const tooLate = unreachable('its responder does not answer in time');
