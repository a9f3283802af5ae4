import type * as Undici from 'undici';
import { checkArguments, checkKeys, flag, wholeNumber } from '../options.ts';
import { type ClientReloadReport, ClientState, warnOfReload } from './client-state.ts';
import { TlsClientError } from './errors.ts';
import { VerifyingDispatcher } from './fetch-dispatcher.ts';
import { toUndici } from './fetch-input.ts';
import { notHttps } from './not-https.ts';
import type { TlsClientOptions } from './options.ts';

/** What `createFetch` takes: who is believed, and how connections are pooled. */
export interface TlsFetchOptions extends TlsClientOptions {
  /** Offer HTTP/2 beside HTTP/1.1, as the server chooses by ALPN; off by default. */
  readonly http2?: boolean | undefined;
  /** Connections to one server at most; unlimited by default. */
  readonly connections?: number | undefined;
  /** How long a connection is kept without use, in milliseconds; 4 s by default. */
  readonly keepAliveTimeout?: number | undefined;
  /** Until the headers of an answer are there, in milliseconds; 300 s by default. */
  readonly headersTimeout?: number | undefined;
  /** Between two parts of an answer, in milliseconds; 300 s by default. */
  readonly bodyTimeout?: number | undefined;
}

/** `fetch`, for https only, and with verified servers only. */
export interface TlsFetch {
  /** As `fetch`; rejects with a TlsClientError where the server is refused. */
  (...request: Parameters<typeof fetch>): Promise<Response>;
  /**
   * Reads files anew, and takes `changes` in place of what was given. Rejects with a ConfigError, and nothing has
   * changed. After a change new requests get new connections, as do those that still wait for one; what has been sent
   * ends where it is.
   */
  reload(changes?: Partial<TlsClientOptions>): Promise<ClientReloadReport>;
  /**
   * Waits for what is under way, and closes all connections. Whatever is asked for later is a TypeError. An answer is
   * under way until its body has been read or cancelled: what is left after `timeout` milliseconds, 10 s by default, is
   * ended.
   */
  close(options?: { readonly timeout?: number | undefined }): Promise<void>;
}

const poolKeys = ['bodyTimeout', 'connections', 'headersTimeout', 'http2', 'keepAliveTimeout'] as const;

/**
 * A `fetch` that verifies each server as `createAgent` does, for `https:` URLs only, redirects included. It is that of
 * the package undici, loaded at its first call: a `fetch` of Node's that somebody has replaced would not verify. Node's
 * Request, FormData, Headers, streams and signals work with it; what it gives are undici's Response and Headers. For
 * axios: `{ adapter: 'fetch', env: { fetch: createFetch(…) } }`.
 *
 * A server that is refused is a rejection with a TlsClientError itself. Any other failure is as of `fetch`: a TypeError
 * whose `cause` tells it (`ECONNREFUSED` …). A bad option is a ConfigError, at once; `dispatcher` in a call is one, too.
 *
 * ```ts
 * const fetch = createFetch({ ca: { file: 'servers-ca.pem' }, pins: ['sha256/…', 'sha256/…'] });
 * const response = await fetch('https://api.example.org/');
 * ```
 */
export function createFetch(options: TlsFetchOptions = {}): TlsFetch {
  checkArguments(arguments, 1, 'createFetch');
  let dispatcher: Promise<Loaded> | undefined;
  let loaded: VerifyingDispatcher | undefined;
  const client = new ClientState(options, poolKeys, {
    onChange: () => loaded?.retire(),
    onError: warnOfReload,
  });
  const pool = readPool(client.config.given);
  client.watch();
  const load = async (): Promise<Loaded> => {
    const undici = await import('undici');
    loaded = new VerifyingDispatcher((agentOptions) => new undici.Agent(agentOptions), client, pool);
    return { undici, dispatcher: loaded };
  };
  const verifyingFetch = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
    const { undici, dispatcher: own } = await (dispatcher ??= load());
    const [request, given] = toUndici(undici, input, init);
    refuseOtherUrls(request);
    try {
      const response = await undici.fetch(request, { ...given, dispatcher: own as unknown as Undici.Agent });
      return response as unknown as Response;
    } catch (error) {
      throw asItself(error);
    }
  };
  return Object.assign(verifyingFetch, {
    reload: (changes?: Partial<TlsClientOptions>) => client.reload(changes),
    close: async (limit: object = {}): Promise<void> => {
      const timeout = readTimeout(limit);
      client.close();
      await (await (dispatcher ??= load())).dispatcher.close(timeout);
    },
  });
}

interface Loaded {
  readonly undici: typeof Undici;
  readonly dispatcher: VerifyingDispatcher;
}

/** `data:`, `blob:` and `about:` come from no server: undici would answer them itself. What is no URL it refuses. */
function refuseOtherUrls(request: string | Undici.Request): void {
  const text = typeof request === 'string' ? request : request.url;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.protocol !== 'https:') throw notHttps(url);
}

function readTimeout(limit: object): number {
  checkKeys(limit, ['timeout'], 'close');
  const { timeout = 10_000 } = limit as { timeout?: unknown };
  return wholeNumber(timeout, 'close.timeout', 'milliseconds', 0, 86_400_000);
}

/** fetch makes a TypeError of whatever has happened to a connection. */
function asItself(error: unknown): unknown {
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
  return cause instanceof TlsClientError ? cause : error;
}

function readPool(given: Readonly<Record<string, unknown>>): { http2: boolean; pool: Undici.Agent.Options } {
  const optional = (name: string, unit: string, max: number): object =>
    given[name] === undefined ? {} : { [name]: wholeNumber(given[name], name, unit, 1, max) };
  return {
    http2: flag(given['http2'], 'http2', false),
    pool: {
      ...optional('connections', 'connections', 65_535),
      ...optional('keepAliveTimeout', 'milliseconds', 600_000),
      ...optional('headersTimeout', 'milliseconds', 86_400_000),
      ...optional('bodyTimeout', 'milliseconds', 86_400_000),
    },
  };
}
