import { type Clock, systemClock } from '../../clock.ts';
import { createHash } from 'node:crypto';
import type { KeyPair } from '../../credentials/key-pair.ts';
import { messageOf } from '../../errors.ts';
import { publish } from '../../events.ts';
import type { OcspStatus } from '../../trust/ocsp/ocsp-verify.ts';
import { Alarm } from '../reports/alarm.ts';
import type { Logger } from '../logger.ts';
import {
  StaplingEntry,
  type StaplingProblem,
  type StaplingState,
  type Unstaplable,
} from './stapling-entry.ts';
import { type AskResponder, askResponder } from './stapling-fetch.ts';
import type { StaplingConfig } from './stapling-options.ts';

interface Followed {
  readonly entry: StaplingEntry;
  readonly alarm: Alarm;
  begun: boolean;
}

export interface StaplingParts {
  readonly config: StaplingConfig;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly ask?: AskResponder;
}

/**
 * OCSP stapling (RFC 6066 8): keeps for each served certificate the newest answer of its responder, verified, and
 * gives it to handshakes at once. A handshake never waits for a responder; without a good answer nothing is stapled.
 * Asks from `start` to `stop`.
 */
export class Stapling {
  readonly #config: StaplingConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #ask: AskResponder;
  readonly #served = new Map<string, Followed>();
  /** Aborted by `stop`; undefined: not started. */
  #running: AbortController | undefined;

  constructor({ config, logger, clock = systemClock, ask = askResponder }: StaplingParts) {
    this.#config = config;
    this.#logger = logger;
    this.#clock = clock;
    this.#ask = ask;
  }

  /** The certificates that serve from now on, by context: those that were there before keep their answers. */
  serve(groups: ReadonlyArray<readonly KeyPair[]>): void {
    const before = new Map(this.#served);
    const ofSeveral = new Set(groups.filter(({ length }) => length > 1).flat());
    this.#served.clear();
    for (const pair of groups.flat()) {
      const { sha256 } = pair.leaf;
      const entry = new StaplingEntry(pair, ofSeveral.has(pair), this.#config);
      const known = this.#served.get(sha256);
      // Once among several, it is not told apart from itself alone.
      if (known === undefined || entry.unstaplable === 'SEVERAL_KEYS')
        this.#served.set(sha256, this.#follow(entry));
    }
    for (const [sha256, followed] of before) this.#keep(sha256, followed);
    if (this.#running !== undefined) for (const followed of this.#served.values()) this.#begin(followed);
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#running = new AbortController();
    for (const followed of this.#served.values()) this.#begin(followed);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    for (const followed of this.#served.values()) {
      followed.alarm.stop();
      followed.begun = false;
    }
  }

  /** What is to be stapled to the certificate (DER) now; undefined: nothing. Never throws. */
  responseFor(certificate: unknown): Buffer | undefined {
    if (!Buffer.isBuffer(certificate)) return undefined;
    const sha256 = createHash('sha256').update(certificate).digest('hex');
    return this.#served.get(sha256)?.entry.responseAt(this.#clock.now());
  }

  get states(): readonly StaplingState[] {
    const now = this.#clock.now();
    return [...this.#served.values()].map(({ entry }) => entry.stateAt(now));
  }

  #follow(entry: StaplingEntry): Followed {
    const followed: Followed = {
      entry,
      alarm: new Alarm(this.#clock, () => {
        // What still could reject is a logger that throws: it has lost its own line.
        this.#attempt(followed).catch(() => undefined);
      }),
      begun: false,
    };
    return followed;
  }

  #keep(sha256: string, before: Followed): void {
    const next = this.#served.get(sha256);
    if (next !== undefined && next.entry.unstaplable === before.entry.unstaplable)
      this.#served.set(sha256, before);
    else before.alarm.stop();
  }

  #begin(followed: Followed): void {
    if (followed.begun) return;
    followed.begun = true;
    const { entry, alarm } = followed;
    if (entry.unstaplable === undefined) alarm.setFor(entry.nextAttempt(this.#clock.now()));
    else this.#warn(entry, explanations[entry.unstaplable]);
  }

  async #attempt(followed: Followed): Promise<void> {
    const { entry, alarm } = followed;
    const running = this.#running;
    if (running === undefined) return;
    const answer = await this.#answerTo(entry, running.signal);
    // Stopped meanwhile, or replaced by a reload.
    if (this.#running !== running || this.#served.get(entry.leaf.sha256) !== followed) return;
    const now = this.#clock.now();
    const outcome = Buffer.isBuffer(answer) ? entry.take(answer, now) : entry.fail(answer);
    alarm.setFor(entry.nextAttempt(now));
    this.#tell(entry, outcome);
  }

  /** Never rejects: also what a responder does to the connection is an answer of a kind. */
  async #answerTo({ question }: StaplingEntry, signal: AbortSignal): Promise<Buffer | StaplingProblem> {
    try {
      const { url, body, chosen } = question!;
      return await this.#ask({ url, body, chosen, timeout: this.#config.timeout, signal });
    } catch (error) {
      return { code: 'OCSP_UNREACHABLE', reason: messageOf(error) };
    }
  }

  #tell(entry: StaplingEntry, outcome: OcspStatus | StaplingProblem): void {
    const failed = 'code' in outcome;
    const { fingerprint256, subjectAltNames } = entry.leaf;
    publish('portcullis:ocsp', () => ({
      outcome: failed ? 'failed' : outcome.status,
      names: [...subjectAltNames.dns, ...subjectAltNames.ip],
      fingerprint256,
      nextUpdate: failed ? undefined : new Date(outcome.nextUpdate),
      code: failed ? outcome.code : undefined,
      reason: failed ? outcome.reason : undefined,
    }));
    if (!entry.isNews) return;
    if (failed) this.#warn(entry, `no OCSP response, which is asked for again: ${outcome.reason}`);
    else if (outcome.status === 'revoked') this.#warn(entry, 'its issuer has REVOKED it: replace it at once');
  }

  #warn({ leaf }: StaplingEntry, problem: string): void {
    this.#logger.warn(`Portcullis: the server certificate ${leaf.fingerprint256}: ${problem}.`);
  }
}

const explanations: Readonly<Record<Unstaplable, string>> = {
  NO_RESPONDER: 'it names no OCSP responder, and nothing is stapled to it',
  NO_ISSUER: 'its issuer did not come with it, and no OCSP response could be verified; give it in cert',
  SEVERAL_KEYS:
    'it is one of several for the same names, and Node does not tell which is used: nothing is stapled',
};
