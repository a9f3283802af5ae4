import type { TLSSocket } from 'node:tls';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import type { ClientState } from './client-state.ts';
import { openConnection, validityOf } from './connect.ts';
import { HandshakeError } from './errors.ts';
import { holdsAt } from './judgement.ts';

/** How connections are pooled. */
export interface PoolOptions {
  readonly http2: boolean;
  /** undici's. */
  readonly pool: Agent.Options;
}

/** What undici's fetch asks of a dispatcher. */
type Dispatch = Pick<Dispatcher, 'dispatch'>;

/** Connections that were opened by one configuration, and for how long all of them are good (ms). */
interface Pool {
  readonly agent: Agent;
  readonly state: { notBefore: number; notAfter: number };
}

/**
 * undici's agent over verified connections. undici says nothing before it uses a connection of its pool again: so a
 * whole pool is left, and closed when its last answer is there, as soon as the configuration has changed or one of its
 * certificates has run out.
 */
export class VerifyingDispatcher implements Dispatch {
  readonly #makeAgent: (options: Agent.Options) => Agent;
  readonly #client: ClientState;
  readonly #options: PoolOptions;
  readonly #closing = new Set<Promise<unknown>>();
  #pool: Pool | undefined;
  #isClosed = false;

  constructor(makeAgent: (options: Agent.Options) => Agent, client: ClientState, options: PoolOptions) {
    this.#makeAgent = makeAgent;
    this.#client = client;
    this.#options = options;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#isClosed) throw new TypeError('this fetch has been closed');
    const url = new URL(String(options.origin));
    // A redirect leads here as well.
    if (url.protocol !== 'https:') throw notHttps(url);
    if (this.#pool !== undefined && !holdsAt(this.#pool.state, Date.now())) this.retire();
    return (this.#pool ??= this.#makePool()).agent.dispatch(options, handler);
  }

  /** Leaves the pool: what is under way ends there, and whatever comes next gets a new connection. */
  retire(): void {
    if (this.#pool === undefined) return;
    const closing: Promise<unknown> = this.#pool.agent
      .close()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#pool = undefined;
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.retire();
    await Promise.all(this.#closing);
  }

  #makePool(): Pool {
    const state = { notBefore: -Infinity, notAfter: Infinity };
    const connect: buildConnector.connector = (options, done) =>
      this.#connect(options, (...outcome) => {
        const approval = outcome[1] === undefined ? undefined : validityOf(outcome[1] as TLSSocket);
        state.notBefore = Math.max(state.notBefore, approval?.notBefore ?? -Infinity);
        state.notAfter = Math.min(state.notAfter, approval?.notAfter ?? Infinity);
        done(...outcome);
      });
    const { pool, http2 } = this.#options;
    return { agent: this.#makeAgent({ ...pool, allowH2: http2, connect }), state };
  }

  #connect(options: buildConnector.Options, done: buildConnector.Callback): void {
    const { hostname, protocol, localAddress } = options;
    if (protocol !== 'https:')
      return done(notHttps(new URL(`${protocol}//${options.host ?? hostname}`)), null);
    const port = Number(options.port || 443);
    const socket = openConnection(this.#client, {
      target: { host: this.#client.config.servername ?? hostname, port },
      alpn: this.#options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      route: {
        host: hostname,
        port,
        highWaterMark: 16_384,
        keepAlive: true,
        keepAliveInitialDelay: 60_000,
        noDelay: true,
        ...(typeof localAddress === 'string' && { localAddress }),
      } as object,
    });
    whenVerified(socket, done);
  }
}

/** Gives the connection once it may be written to, or the error by which it has ended before. */
function whenVerified(socket: TLSSocket, done: buildConnector.Callback): void {
  const onError = (error: Error): void => done(error, null);
  const onClose = (): void => done(new Error('the connection was closed before it was verified'), null);
  socket.once('error', onError).once('close', onClose);
  socket.once('secureConnect', () => {
    // Refused: 'error' is on its way.
    if (socket.destroyed || validityOf(socket) === undefined) return;
    socket.off('error', onError).off('close', onClose);
    done(null, socket);
  });
}

function notHttps({ hostname, port, protocol }: URL): HandshakeError {
  return new HandshakeError(
    {
      reason: 'NOT_HTTPS',
      problem: 'without TLS nobody is verified',
      remedy: 'Ask for an https URL; if this was a redirect, follow it by hand.',
    },
    { host: hostname, port: Number(port || 80), expected: 'https:', seen: protocol },
  );
}
