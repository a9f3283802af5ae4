import type { KeyPair } from '../credentials/key-pair.ts';
import { messageOf } from '../errors.ts';
import { checkKeys } from '../options.ts';
import { type RevocationListInputs, withRevocationLists } from '../trust/revocation/crl-input.ts';
import { succeed } from '../trust/revocation/succession.ts';
import { warnProcess } from '../warnings.ts';
import {
  type ClientConfig,
  clientKeys,
  readClientOptions,
  type TlsClientOptions,
  warnOfSinglePin,
} from './options.ts';
import { ownCopy } from './own-copy.ts';
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

/** Three ways to give a certificate: who changes to one of them has left the others. */
const ways: readonly (readonly string[])[] = [['key', 'cert'], ['pfx'], ['certificate']];
const ofCredentials: readonly string[] = [...ways.flat(), 'passphrase'];

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
  /** What the next reload starts from. */
  #given: ClientConfig['given'];
  #stopWatching: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: unknown, more: readonly string[], hooks: Hooks) {
    this.#more = more;
    this.#hooks = hooks;
    const config = readClientOptions(ownCopy(options), more);
    warnOfSinglePin(config);
    this.#given = config.given;
    this.#generation = { config, sessions: new SessionStore() };
  }

  /** From now on files are read anew when they change. Once whoever has made this has read its own options, too. */
  watch(): void {
    this.#watch(this.config);
  }

  get generation(): Generation {
    return this.#generation;
  }

  get config(): ClientConfig {
    return this.#generation.config;
  }

  /** Reads everything anew, with `changes` in place of what was given; rejects with a ConfigError, and nothing has changed. */
  async reload(changes: Partial<TlsClientOptions> = {}): Promise<ClientReloadReport> {
    const own = ownCopy(changes) as object;
    const run = this.#last.then(() => this.#reload(own));
    this.#last = run.catch(() => undefined);
    return await run;
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  async #reload(changes: object): Promise<ClientReloadReport> {
    checkKeys(changes, clientKeys, 'changes');
    const before = this.config;
    const options = merged(this.#given, changes);
    const kept = keptPairs(before, changes);
    const crl = options['crl'] as RevocationListInputs | undefined;
    const read = await withRevocationLists(crl, 'crl', () => readClientOptions(options, this.#more, kept));
    const config = withKeptLists(before, read, 'crl' in changes);
    this.#given = config.given;
    const changed = isOther(before, config);
    // The same content may come from elsewhere now, and has to be watched there.
    if (changed || Object.keys(changes).length > 0) this.#watch(config);
    if (!changed) return { changed };
    if ('pins' in changes) warnOfSinglePin(config);
    this.#generation = { config, sessions: new SessionStore() };
    this.#hooks.onChange();
    return { changed };
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
  const chosen = ways.filter(isIn(changes));
  const left = chosen.length === 0 ? [] : ways.filter((way) => !chosen.includes(way));
  // A passphrase belongs to its key.
  const isOther = left.some(isIn(given)) && !chosen.some(isIn(given));
  const dropped = new Set([...left.flat(), ...(isOther ? ['passphrase'] : [])]);
  const kept = Object.entries(given).filter(([name]) => !dropped.has(name));
  return { ...Object.fromEntries(kept), ...changes };
}

const isIn =
  (options: object) =>
  (way: readonly string[]): boolean =>
    way.some((name) => Reflect.get(options, name) !== undefined);

/** What was given as octets may have been wiped since, as is good custom with keys. */
const keptPairs = ({ credentials }: ClientConfig, changes: object): readonly KeyPair[] | undefined =>
  ofCredentials.some((name) => name in changes) ? undefined : credentials.pairs;

/** A list that lies in a file does not take revocation back: see `succeed`. */
function withKeptLists(before: ClientConfig, next: ClientConfig, byHand: boolean): ClientConfig {
  const { trust, warnings } = succeed({
    before: before.trust,
    next: next.trust,
    byHand,
    path: 'crl',
    at: Date.now(),
  });
  for (const warning of warnings) warnProcess('PORTCULLIS_REVOCATION', `Portcullis: ${warning}.`);
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
export const warnOfReload = (error: unknown): void =>
  warnProcess(
    'PORTCULLIS_RELOAD_FAILED',
    `Portcullis: the last good configuration stays, as a reload has failed: ${messageOf(error)}`,
  );
