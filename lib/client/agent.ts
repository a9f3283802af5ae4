import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { checkArguments, flag, oneOf, wholeNumber } from '../options.ts';
import { type ClientReloadReport, ClientState, warnOfReload } from './client-state.ts';
import { isStale, openConnection } from './connect.ts';
import type { TlsClientOptions } from './options.ts';

/** What `createAgent` takes: who is believed, and how connections are pooled, as in `http.Agent`. */
export interface TlsAgentOptions extends TlsClientOptions {
  /** Default `true`, as in Node's global agent. */
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveMsecs?: number | undefined;
  readonly maxSockets?: number | undefined;
  readonly maxTotalSockets?: number | undefined;
  readonly maxFreeSockets?: number | undefined;
  readonly scheduling?: 'fifo' | 'lifo' | undefined;
  /** Of a socket without traffic, in milliseconds. */
  readonly timeout?: number | undefined;
}

/** An `https.Agent` that verifies. */
export interface TlsAgent extends Agent {
  /**
   * Reads files anew, and takes `changes` in place of what was given. Rejects with a ConfigError, and nothing has
   * changed. After a change connections in the pool are closed, sessions are forgotten, and a request that is under way
   * ends on the connection that it has.
   */
  reload(changes?: Partial<TlsClientOptions>): Promise<ClientReloadReport>;
}

const poolKeys = [
  'keepAlive',
  'keepAliveMsecs',
  'maxFreeSockets',
  'maxSockets',
  'maxTotalSockets',
  'scheduling',
  'timeout',
] as const;

/** What a request may say of the way to its server. Whatever it says of TLS is passed over. */
const routeKeys = [
  'autoSelectFamily',
  'autoSelectFamilyAttemptTimeout',
  'family',
  'hints',
  'highWaterMark',
  'keepAlive',
  'keepAliveInitialDelay',
  'localAddress',
  'localPort',
  'lookup',
  'noDelay',
  'timeout',
] as const;

/** Parts of `http.Agent` that its types leave out, and that every version since 10 has. */
interface AgentInternals {
  addRequest(this: Agent, request: ClientRequest, ...options: unknown[]): void;
}

class VerifyingAgent extends Agent implements TlsAgent {
  readonly #state: ClientState;

  constructor(options: TlsAgentOptions) {
    const state = new ClientState(options, poolKeys, {
      onChange: () => this.#sweep(),
      onError: warnOfReload,
    });
    super({ ...readPool(state.config.given), maxCachedSessions: 0 });
    this.#state = state;
    // Before Node gives it to the next request, or puts it into the pool.
    this.prependListener('free', (socket: TLSSocket) => {
      if (isStale(socket, state, Date.now())) socket.destroy();
    });
  }

  reload(changes?: Partial<TlsClientOptions>): Promise<ClientReloadReport> {
    checkArguments(arguments, 1, 'reload');
    return this.#state.reload(changes);
  }

  override createConnection(options: unknown): Duplex {
    const given = options as Readonly<Record<string, unknown>>;
    const host = String(given['host'] ?? 'localhost');
    const port = Number(given['port'] ?? 443);
    const { socketPath } = given;
    const route = routeKeys.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]]));
    return openConnection(this.#state, {
      target: { host: this.#state.config.servername ?? host, port },
      alpn: ['http/1.1'],
      route: {
        ...(Object.fromEntries(route) as ConnectionOptions),
        ...(typeof socketPath === 'string' ? { path: socketPath } : { host, port }),
      },
    });
  }

  /** As Node calls it for each request. */
  addRequest(request: ClientRequest, ...options: unknown[]): void {
    this.#sweep();
    (Agent.prototype as unknown as AgentInternals).addRequest.call(this, request, ...options);
  }

  override destroy(): void {
    this.#state.close();
    super.destroy();
  }

  /** Takes out of the pool what may not be used any more: time has gone on, or the configuration has changed. */
  #sweep(): void {
    const now = Date.now();
    for (const socket of Object.values(this.freeSockets).flat() as TLSSocket[]) {
      if (!isStale(socket, this.#state, now)) continue;
      socket.destroy();
      // Takes it out at once, where 'close' would come too late for the request that is waiting.
      socket.emit('agentRemove');
    }
  }
}

/** ConfigErrors `OPTION_INVALID`: Node would take a text for a limit, and none for it. */
function readPool(given: Readonly<Record<string, unknown>>): AgentOptions {
  const { keepAlive, scheduling } = given;
  const numbers = [
    ['keepAliveMsecs', 'milliseconds'],
    ['maxFreeSockets', 'sockets'],
    ['maxSockets', 'sockets'],
    ['maxTotalSockets', 'sockets'],
    ['timeout', 'milliseconds'],
  ] as const;
  const limits = numbers.flatMap(([name, unit]) => {
    const value = given[name];
    if (value === undefined || (unit === 'sockets' && value === Infinity)) return [];
    return [[name, wholeNumber(value, name, unit, name === 'maxFreeSockets' ? 0 : 1, 2 ** 31 - 1)]];
  });
  return {
    keepAlive: flag(keepAlive, 'keepAlive', true),
    ...(scheduling !== undefined && { scheduling: oneOf(scheduling, ['fifo', 'lifo'], 'scheduling') }),
    ...Object.fromEntries(limits),
  };
}

/**
 * An `https.Agent` for `https.request`, axios, got, supertest and whatever else takes one. It verifies each server by
 * its path, dates, revocation, host name and pins before one octet of a request, or the client's certificate, leaves:
 * on resumed sessions and on pooled connections as well. It believes the CAs in `ca` and nobody else, or without `ca`
 * the public roots that Node brings along; what the environment or a request says of TLS (`rejectUnauthorized`, `ca`,
 * `servername`, `checkServerIdentity` …) changes nothing.
 *
 * A server that is refused is an 'error' of the request: a TlsClientError. A bad option is a ConfigError: `CA_MISSING`,
 * `CA_INVALID`, `PIN_INVALID`, `KEY_MISMATCH`, `CRL_INVALID`, `OPTION_…`.
 *
 * ```ts
 * const agent = createAgent({ ca: { file: 'servers-ca.pem' }, certificate: { keyFile: 'client.key', certFile: 'client.pem' } });
 * https.get('https://api.example.org/', { agent }, (response) => response.resume());
 * ```
 */
export function createAgent(options: TlsAgentOptions = {}): TlsAgent {
  checkArguments(arguments, 1, 'createAgent');
  return new VerifyingAgent(options);
}
