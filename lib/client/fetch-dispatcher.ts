import type { TLSSocket } from 'node:tls';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import { systemClock } from '../clock.ts';
import type { ClientState, Generation } from './client-state.ts';
import { openConnection, validityOf } from './connect.ts';
import { holdsAt } from './judgement.ts';
import { notHttps } from './not-https.ts';
import { sendingIf } from './unsent.ts';

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
  readonly generation: Generation;
  readonly validity: { notBefore: number; notAfter: number };
}

/**
 * undici's agent over verified connections. Which of them a request gets, undici does not say: so a whole pool is left,
 * and closed when its last answer is there, as soon as the configuration has changed or one of its certificates has run
 * out. A request that waited for its turn in such a pool goes to the next one.
 */
export class VerifyingDispatcher implements Dispatch {
  readonly #makeAgent: (options: Agent.Options) => Agent;
  readonly #client: ClientState;
  readonly #options: PoolOptions;
  readonly #closing = new Set<Promise<unknown>>();
  readonly #sockets = new Set<TLSSocket>();
  #pool: Pool | undefined;
  #isClosed = false;
  #isDestroyed = false;

  constructor(makeAgent: (options: Agent.Options) => Agent, client: ClientState, options: PoolOptions) {
    this.#makeAgent = makeAgent;
    this.#client = client;
    this.#options = options;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#isClosed) throw closed();
    return this.#send(options, handler);
  }

  /** Also what was under way when this was closed, and goes to another pool. */
  #send(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#isDestroyed) throw closed();
    const url = new URL(String(options.origin));
    // A redirect leads here as well.
    if (url.protocol !== 'https:') throw notHttps(url);
    if (this.#pool !== undefined && !this.#isGood(this.#pool)) this.retire();
    const pool = (this.#pool ??= this.#makePool());
    const again = (): unknown => this.#send(options, handler);
    return pool.agent.dispatch(
      options,
      sendingIf(() => this.#isGood(pool), handler, again),
    );
  }

  /** Leaves the pool: what is under way ends there, and whatever comes next, or waits, gets a new connection. */
  retire(): void {
    if (this.#pool === undefined) return;
    const closing: Promise<unknown> = this.#pool.agent
      .close()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#pool = undefined;
  }

  /** Waits for what is under way, `timeout` milliseconds at most: then it is ended. */
  async close(timeout: number): Promise<void> {
    this.#isClosed = true;
    const cancel = systemClock.after(timeout, () => this.#destroy());
    do {
      this.retire();
      // oxlint-disable-next-line no-await-in-loop -- what waited in one pool may have gone to another
      await Promise.all(this.#closing);
    } while (this.#pool !== undefined || this.#closing.size > 0);
    cancel();
  }

  #destroy(): void {
    this.#isDestroyed = true;
    for (const socket of this.#sockets) socket.destroy(closed());
  }

  #isGood({ generation, validity }: Pool): boolean {
    return generation === this.#client.generation && holdsAt(validity, Date.now());
  }

  #makePool(): Pool {
    const validity = { notBefore: -Infinity, notAfter: Infinity };
    const connect: buildConnector.connector = (options, done) =>
      this.#connect(options, (...outcome) => {
        const approval = outcome[1] === undefined ? undefined : validityOf(outcome[1] as TLSSocket);
        validity.notBefore = Math.max(validity.notBefore, approval?.notBefore ?? -Infinity);
        validity.notAfter = Math.min(validity.notAfter, approval?.notAfter ?? Infinity);
        done(...outcome);
      });
    const { pool, http2 } = this.#options;
    const agent = this.#makeAgent({ ...pool, allowH2: http2, connect });
    return { agent, generation: this.#client.generation, validity };
  }

  #connect(options: buildConnector.Options, done: buildConnector.Callback): void {
    const { hostname, protocol, localAddress } = options;
    if (protocol !== 'https:')
      return done(notHttps(new URL(`${protocol}//${options.host ?? hostname}`)), null);
    // For what has waited until the end. Later, as undici forgets what it is told at once.
    if (this.#isDestroyed) return queueMicrotask(() => done(closed(), null));
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
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
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

const closed = (): TypeError => new TypeError('this fetch has been closed');
