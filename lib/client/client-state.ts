import type { KeyPair } from '../credentials/key-pair.ts';
import { messageOf } from '../errors.ts';
import { checkKeys } from '../options.ts';
import { type RevocationListInputs, withRevocationLists } from '../trust/revocation/crl-input.ts';
import { succeed } from '../trust/revocation/succession.ts';
import {
  type ClientConfig,
  clientKeys,
  readClientOptions,
  type TlsClientOptions,
  warnOfSinglePin,
} from './options.ts';
import { SessionStore } from './sessions.ts';
import { watchInputs } from './watched.ts';

/** What one configuration has brought about: nothing of it outlives a change. */
export interface Generation {
  readonly config: ClientConfig;
  readonly sessions: SessionStore;
}

/** What a reload has changed. */
export interface ClientReloadReport {
  /** Whether anything has: then connections in the pool are closed, and sessions forgotten. */
  readonly changed: boolean;
}

/** Two ways to give a certificate: who changes to one of them has left the others. */
const ways: readonly (readonly string[])[] = [
  ['key', 'cert', 'passphrase'],
  ['pfx', 'passphrase'],
  ['certificate'],
];

interface Hooks {
  /** After a change. */
  readonly onChange: () => void;
  /** Of a reload that nobody waits for. */
  readonly onError: (error: unknown) => void;
}

/** The configuration of one agent or fetch, and how it is exchanged. */
export class ClientState {
  readonly #more: readonly string[];
  readonly #hooks: Hooks;
  #generation: Generation;
  #stopWatching: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: unknown, more: readonly string[], hooks: Hooks) {
    this.#more = more;
    this.#hooks = hooks;
    const config = readClientOptions(options, more);
    warnOfSinglePin(config);
    this.#generation = { config, sessions: new SessionStore() };
    this.#watch(config);
  }

  get generation(): Generation {
    return this.#generation;
  }

  get config(): ClientConfig {
    return this.#generation.config;
  }

  /** Reads everything anew, with `changes` in place of what was given; rejects with a ConfigError, and nothing has changed. */
  reload(changes: Partial<TlsClientOptions> = {}): Promise<ClientReloadReport> {
    const run = this.#last.then(() => this.#reload(changes));
    this.#last = run.catch(() => undefined);
    return run;
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  async #reload(changes: object): Promise<ClientReloadReport> {
    checkKeys(changes, clientKeys, 'changes');
    const before = this.config;
    const options = merged(before.given, changes);
    const kept = keptPairs(before, changes);
    const crl = options['crl'] as RevocationListInputs | undefined;
    const read = await withRevocationLists(crl, 'crl', () => readClientOptions(options, this.#more, kept));
    const config = withKeptLists(before, read, 'crl' in changes);
    if (!isOther(before, config)) return { changed: false };
    if ('pins' in changes) warnOfSinglePin(config);
    this.#generation = { config, sessions: new SessionStore() };
    this.#watch(config);
    this.#hooks.onChange();
    return { changed: true };
  }

  #watch({ watched }: ClientConfig): void {
    this.#stopWatching?.();
    this.#stopWatching =
      watched === undefined || this.#isClosed
        ? undefined
        : watchInputs(watched, () => void this.reload().catch(this.#hooks.onError));
  }
}

function merged(given: Readonly<Record<string, unknown>>, changes: object): Record<string, unknown> {
  const left = new Set(ways.filter((way) => !way.some((name) => name in changes)).flat());
  const isReplaced = ways.flat().some((name) => name in changes);
  const kept = Object.entries(given).filter(([name]) => !isReplaced || !left.has(name));
  return { ...Object.fromEntries(kept), ...changes };
}

/** What was given as octets may have been wiped since, as is good custom with keys. */
const keptPairs = ({ credentials }: ClientConfig, changes: object): readonly KeyPair[] | undefined =>
  ways.flat().some((name) => name in changes) ? undefined : credentials.pairs;

/** A list that lies in a file does not take revocation back: see `succeed`. */
function withKeptLists(before: ClientConfig, next: ClientConfig, byHand: boolean): ClientConfig {
  const { trust, warnings } = succeed({
    before: before.trust,
    next: next.trust,
    byHand,
    path: 'crl',
    at: Date.now(),
  });
  for (const warning of warnings)
    process.emitWarning(`Portcullis: ${warning}.`, { code: 'PORTCULLIS_REVOCATION' });
  return Object.freeze({ ...next, trust });
}

/** By all that decides, and not by what files it was read from. */
const isOther = (before: ClientConfig, next: ClientConfig): boolean => contentOf(before) !== contentOf(next);

const contentOf = (config: ClientConfig): string =>
  JSON.stringify([
    config.trust.fingerprint,
    config.pins === undefined ? null : [...config.pins].toSorted(),
    config.onChain,
    config.credentials.pairs.map(({ leaf, issuers }) => [leaf, ...issuers].map(({ sha256 }) => sha256)),
    config.protocol,
    config.servername,
    config.requireStaple,
    config.connectTimeout,
    config.handshakeTimeout,
    config.watched?.paths,
  ]);

/** For what nobody waits for. */
export const warnOfReload = (error: unknown): void => {
  process.emitWarning(
    `Portcullis: the last good configuration stays, as a reload has failed: ${messageOf(error)}`,
    {
      code: 'PORTCULLIS_RELOAD_FAILED',
    },
  );
};
