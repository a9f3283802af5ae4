import { messageOf } from '../../errors.ts';
import { publish } from '../../events.ts';
import type { Logger } from '../logger.ts';

/** What was exchanged by a reload. */
export type ReloadedPart = 'certificate' | 'trust';

/** Who asked for it: `reload()`, a watched file or source, the signal. */
export type ReloadTrigger = 'call' | 'watch' | 'signal';

/** What a reload has done. Frozen, JSON-safe. */
export interface ReloadReport {
  /** Who asked for it: `reload()`, a watched file or source, SIGHUP. */
  readonly trigger: ReloadTrigger;
  /** Empty where nothing had changed. */
  readonly changed: readonly ReloadedPart[];
  /** Those that serve now. */
  readonly certificates: ReadonlyArray<{
    readonly names: readonly string[];
    readonly fingerprint256: string;
    readonly notAfter: Date;
  }>;
}

/** What can serve next. */
export interface Prepared<Next> {
  readonly next: Next;
  /** Why a part of it is still that from before. */
  readonly problem?: unknown;
}

export interface ReloadHooks<Next> {
  /** Reads and validates everything; rejects with a ConfigError, and nothing has changed. */
  readonly prepare: (changes: object, trigger: ReloadTrigger) => Promise<Prepared<Next>>;
  /** Puts it in place, at once. */
  readonly swap: (next: Next) => Pick<ReloadReport, 'changed' | 'certificates'>;
  readonly onReload: (report: ReloadReport) => void;
  readonly onError: (error: unknown) => void;
  readonly logger: Logger;
}

/**
 * Reloads one after the other, each validated before anything is swapped. A failed one changes nothing; the next
 * change of a file, or call, tries again.
 */
export class Reloader<Next> {
  readonly #hooks: ReloadHooks<Next>;
  #last: Promise<unknown> = Promise.resolve();
  /** A watched change that came while another reload was at work is one reload more, however often it came. */
  #queued = false;

  constructor(hooks: ReloadHooks<Next>) {
    this.#hooks = hooks;
  }

  /** There is nothing to replace before `ready` has settled. */
  begin(ready: Promise<unknown>): void {
    this.#last = ready;
    ready.catch(() => undefined);
  }

  /** Rejects where it fails, after the events. */
  reload(trigger: ReloadTrigger, changes: object = {}): Promise<ReloadReport> {
    const run = this.#last.then(
      () => this.#run(trigger, changes),
      () => this.#run(trigger, changes),
    );
    this.#last = run;
    return run;
  }

  /** For what nobody waits for: a watched file, a signal. */
  request(trigger: ReloadTrigger): void {
    if (this.#queued) return;
    this.#queued = true;
    void this.#last
      .catch(() => undefined)
      // A source that reports a change whenever it is asked leaves room for everything else.
      .then(() => new Promise<void>((resolve) => void setImmediate(resolve)))
      .then(() => {
        this.#queued = false;
        return this.reload(trigger);
      })
      // It has been told by the events and the log.
      .catch(() => undefined);
  }

  async #run(trigger: ReloadTrigger, changes: object): Promise<ReloadReport> {
    const { prepare, swap } = this.#hooks;
    let report: ReloadReport;
    let problem: unknown;
    try {
      const prepared = await prepare(changes, trigger);
      ({ problem } = prepared);
      report = Object.freeze({ trigger, ...swap(prepared.next) });
    } catch (error) {
      this.#tellFailure(trigger, error, 'what served before goes on serving');
      throw error;
    }
    // A file that was touched, and says what it said, is no news; whoever calls is told anyway.
    if (report.changed.length > 0 || (trigger !== 'watch' && problem === undefined)) this.#tell(report);
    if (problem === undefined) return report;
    this.#tellFailure(trigger, problem, 'the certificates that served before go on serving');
    throw problem;
  }

  #tell(report: ReloadReport): void {
    publish('portcullis:reload', () => ({
      outcome: 'reloaded',
      ...report,
      code: undefined,
      reason: undefined,
    }));
    try {
      this.#hooks.onReload(report);
    } catch (error) {
      // It is done all the same.
      this.#hooks.logger.warn(`Portcullis: a listener for 'reload' has thrown: ${messageOf(error)}`);
    }
  }

  #tellFailure(trigger: ReloadTrigger, error: unknown, rest: string): void {
    const { code } = error as { code?: unknown };
    publish('portcullis:reload', () => ({
      outcome: 'failed',
      trigger,
      changed: [],
      certificates: [],
      code: typeof code === 'string' ? code : 'UNKNOWN',
      reason: messageOf(error),
    }));
    this.#hooks.logger.warn(`Portcullis: the reload has failed, and ${rest}: ${messageOf(error)}`);
    this.#hooks.onError(error);
  }
}
