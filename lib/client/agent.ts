import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { checkArguments } from '../options.ts';
import { agentKeys, readAgentOptions, type TlsAgentOptions } from './agent-options.ts';
import { type ClientReloadReport, ClientState, warnOfReload } from './client-state.ts';
import { isStale, openConnection } from './connect.ts';
import { HandshakeError } from './errors.ts';
import type { TlsClientOptions } from './options.ts';

/** An `https.Agent` that verifies. */
export interface TlsAgent extends Agent {
  /**
   * Reads files anew, and takes `changes` in place of what was given. Rejects with a ConfigError, and nothing has
   * changed. After a change connections in the pool are closed, sessions are forgotten, and a request that is under way
   * ends on the connection that it has.
   */
  reload(changes?: Partial<TlsClientOptions>): Promise<ClientReloadReport>;
}

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
    const state = new ClientState(options, agentKeys, {
      onChange: () => this.#sweep(),
      onError: warnOfReload,
    });
    super({ ...readAgentOptions(state.config.given), ...ifReplaced, maxCachedSessions: 0 });
    this.#state = state;
    state.watch();
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

/**
 * In the options of Node's own part, which verifies nothing here. Whoever builds another agent of them, as axios does
 * where `HTTPS_PROXY` is set, would take them for all that this one checks.
 */
const ifReplaced: Pick<AgentOptions, 'checkServerIdentity' | 'rejectUnauthorized'> = {
  rejectUnauthorized: true,
  checkServerIdentity: (host) =>
    new HandshakeError(
      {
        reason: 'AGENT_REPLACED',
        problem: 'a proxy has put another agent in place of the one that verifies',
        remedy: 'Give axios `proxy: false`, or unset HTTPS_PROXY: no proxy is spoken to.',
      },
      // The port is not told.
      { host, port: 0, expected: 'the agent of createAgent', seen: 'another, made of its options' },
    ),
};

/**
 * An `https.Agent` for `https.request`, axios, got, supertest and whatever else takes one. It verifies each server by
 * its path, dates, revocation, host name and pins before one octet of a request, or the client's certificate, leaves:
 * on resumed sessions and on pooled connections as well. It believes the CAs in `ca` and nobody else, or without `ca`
 * the public roots that Node brings along; what the environment or a request says of TLS (`rejectUnauthorized`, `ca`,
 * `servername`, `checkServerIdentity` …) changes nothing.
 *
 * Whoever does not ask the agent for its connections is not verified by it: got with `http2: true`, axios with
 * `httpVersion: 2` or `adapter: 'fetch'`. Of `http:` it refuses to be the agent (`ERR_INVALID_PROTOCOL`): given as that
 * of `http:`, too, it stops a redirect that leaves TLS.
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
