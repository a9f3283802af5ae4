import { ConfigError, messageOf } from '../../errors.ts';
import { checkKeys, describe, flag } from '../../options.ts';
import type { Logger } from '../logger.ts';
import { readShutdownTimeout, type ShutdownOptions } from './shutdown.ts';

/** Which signals the listener heeds; none by default. */
export interface SignalsOptions {
  /** SIGTERM and SIGINT: `shutdown()`, and then the process ends by the signal, as if nobody had heeded it. */
  readonly shutdown?: true | ShutdownOptions | undefined;
  /** SIGHUP: `reload()`. */
  readonly reload?: boolean | undefined;
}

/** The option, read. */
export interface SignalsConfig {
  /** The deadline in ms; undefined: not heeded. */
  readonly shutdown: number | undefined;
  readonly reload: boolean;
}

/** Reads `signals`. ConfigErrors: `OPTION_…`. */
export function readSignals(option: unknown): SignalsConfig | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, ['shutdown', 'reload'], 'signals');
  const { shutdown, reload } = option as { shutdown?: unknown; reload?: unknown };
  const config = { shutdown: readShutdown(shutdown), reload: flag(reload, 'signals.reload', false) };
  return Object.freeze(config);
}

function readShutdown(value: unknown): number | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return readShutdownTimeout({}, 'signals.shutdown');
  if (typeof value === 'object' && value !== null) return readShutdownTimeout(value, 'signals.shutdown');
  throw new ConfigError(
    'OPTION_INVALID',
    'signals.shutdown',
    `expected true or { timeout }, got ${describe(value)}`,
    'Give true for ten seconds.',
  );
}

/** What a server does on its signals. */
export interface SignalHooks {
  /** `shutdown({ timeout })`. */
  readonly shutdown: (timeout: number) => Promise<unknown>;
  /** `reload()`, whose failure has been told already. */
  readonly reload: () => void;
  readonly logger: Logger;
}

type Action = () => Promise<unknown>;

/** How a process ends; for tests. */
export interface EndingProcess {
  readonly pid: number;
  on(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): unknown;
  removeListener(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): unknown;
  listenerCount(signal: NodeJS.Signals): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
  exit(code: number): unknown;
}

const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
type EndSignal = keyof typeof numbers;

/**
 * The signals of a process, for all servers in it: one handler for each signal, there only while a server wants it.
 */
export class ProcessSignals {
  readonly #process: EndingProcess;
  readonly #enders = new Set<Action>();
  readonly #reloaders = new Set<() => void>();
  #ending = false;

  constructor(host: EndingProcess = process) {
    this.#process = host;
  }

  /** Heeds the signals for one server; returns what ends that. */
  heed(config: SignalsConfig, hooks: SignalHooks): () => void {
    const { shutdown: timeout, reload } = config;
    const leave: Array<() => void> = [];
    if (timeout !== undefined) {
      const action: Action = () =>
        hooks.shutdown(timeout).catch((error: unknown) => tell(hooks.logger, error));
      leave.push(this.#join(this.#enders, action, ['SIGTERM', 'SIGINT'], this.#onEnd));
    }
    if (reload) leave.push(this.#join(this.#reloaders, hooks.reload, ['SIGHUP'], this.#onReload));
    return () => {
      for (const end of leave.splice(0)) end();
    };
  }

  #join<Item>(
    set: Set<Item>,
    item: Item,
    signals: readonly NodeJS.Signals[],
    handler: (signal: NodeJS.Signals) => void,
  ): () => void {
    if (set.size === 0 && !this.#ending) for (const signal of signals) this.#process.on(signal, handler);
    set.add(item);
    return () => {
      // While the process ends its handlers stay: another SIGINT (npm sends its own) must not cut what finishes.
      if (!set.delete(item) || set.size > 0 || this.#ending) return;
      for (const signal of signals) this.#process.removeListener(signal, handler);
    };
  }

  readonly #onReload = (): void => {
    for (const reload of this.#reloaders) reload();
  };

  readonly #onEnd = (signal: NodeJS.Signals): void => {
    if (this.#ending) return;
    this.#ending = true;
    // A logger that throws is no reason to stay.
    void Promise.allSettled([...this.#enders].map((end) => end())).then(() => this.#end(signal as EndSignal));
  };

  /** By the same signal, so that whoever started the process sees why it has ended (143, 130). */
  #end(signal: EndSignal): void {
    this.#ending = false;
    this.#enders.clear();
    for (const name of ['SIGTERM', 'SIGINT'] as const) this.#process.removeListener(name, this.#onEnd);
    // Somebody else heeds it too, and decides about the end.
    if (this.#process.listenerCount(signal) > 0) return;
    // The first process of a container does not get the signals that it does not heed, from itself neither.
    if (this.#process.pid === 1) this.#process.exit(128 + numbers[signal]);
    else this.#process.kill(this.#process.pid, signal);
  }
}

function tell(logger: Logger, error: unknown): void {
  logger.warn(`Portcullis: the shutdown has failed: ${messageOf(error)}`);
}

/** Of this process. */
export const processSignals: ProcessSignals = new ProcessSignals();
