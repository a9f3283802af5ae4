import type { RequestListener, Server as HttpServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  differences,
  readAnew,
  type ReloadChanges,
  servedCertificates,
  withKeptTrust,
} from './lifecycle/exchange.ts';
import { messageOf } from '../errors.ts';
import { GuardedServer } from './guarded-server.ts';
import { Oversight } from './reports/oversight.ts';
import { Companion } from './redirect/companion.ts';
import { createRedirect } from './redirect/redirect.ts';
import { ClientRevocation } from './revocation/client-revocation.ts';
import { DeniedClients } from './lifecycle/denied-clients.ts';
import { Reloader, type ReloadReport } from './lifecycle/reload.ts';
import { readShutdownTimeout, type ShutdownOptions, type ShutdownReport } from './lifecycle/shutdown.ts';
import { processSignals } from './lifecycle/signals.ts';
import { type ListenArguments, Start } from './lifecycle/start.ts';
import type { Live, Serving } from './serving.ts';
import type { KeyOrigin } from '../tickets/key-ring.ts';
import { TicketKeys } from '../tickets/ticket-keys.ts';
import type { AuditReport } from '../profiles/audit.ts';
import type { ListenerStats } from './reports/stats.ts';
import { isSameWatch, watchAll, type Watched } from './lifecycle/watching.ts';

/** The hardened listener: an `https.Server` that can be reloaded. Made by `createServer`. */
export class PortcullisServer extends GuardedServer {
  readonly #live: Live;
  readonly #reloader: Reloader<Serving>;
  readonly #redirect: HttpServer | undefined;
  readonly #companion: Companion | undefined;
  readonly #start: Start = new Start();
  readonly #ticketKeys: TicketKeys | undefined;
  readonly #oversight: Oversight;
  readonly #denied: DeniedClients;
  readonly #revocation: ClientRevocation;
  #watching: { readonly watched: Watched; readonly stop: () => void } | undefined;
  #stopHeeding: (() => void) | undefined;
  #closed = false;
  #shutdown: Promise<ShutdownReport> | undefined;

  /** @internal Use `createServer`. What is to serve may follow later by `completeWith`. */
  constructor(live: Live, classes: ServerOptions, listener?: RequestListener) {
    super(live, classes, listener);
    this.#live = live;
    this.#reloader = new Reloader<Serving>({
      prepare: (changes, trigger) => readAnew(this.#live, changes, trigger),
      swap: (next) => this.#swap(next),
      onReload: (report) => this.emit('reload', report),
      onError: (error) => this.emit('reloadError', error),
      logger: live.config.logger,
    });
    this.#redirect = this.#makeRedirect();
    this.#companion = this.#redirect && new Companion(this.#redirect);
    const { tickets, logger } = live.config;
    this.#ticketKeys =
      tickets && new TicketKeys(tickets, { apply: (key) => this.setTicketKeys(key), logger });
    this.#revocation = new ClientRevocation({ live, changed: () => this.upgrades.judgeAgain() });
    this.#denied = new DeniedClients(() => this.traffic.connections, this.http2);
    const ticketOrigin = (): KeyOrigin | undefined => this.#ticketKeys?.origin;
    const { counted: stats, upgrades } = this;
    this.#oversight = new Oversight({ server: this, live, stats, upgrades, ticketOrigin });
  }

  /** @internal Gives a server what it was made without. */
  completeWith(making: Promise<Serving>): void {
    this.#reloader.begin(making.then((serving) => this.#swap(serving)));
  }

  /**
   * @internal What it was made without cannot be had. An 'error', which is an uncaught exception where nobody handles
   * it, as with any server; of one that was closed meanwhile nobody expects anything any more.
   */
  incomplete(error: unknown): void {
    if (!this.#closed) this.emit('error', error);
    else
      this.#live.config.logger.warn(
        `Portcullis: a server that was closed had nothing to serve: ${messageOf(error)}`,
      );
  }

  /** The plain listener of the option `redirect`, which listens, and stops, together with this one. */
  get redirect(): HttpServer | undefined {
    return this.#redirect;
  }

  /**
   * Reads certificates and trust anew, from the options of the start or from `changes` in their place, validates all of
   * it and swaps it at once; every other setting stays. Open connections stay: a change of trust reaches them at their
   * next request. Rejects with a ConfigError, and then what served before serves on. Emits 'reload' or 'reloadError',
   * and publishes `portcullis:reload`. Calls that overlap are done one after the other.
   */
  reload(changes: ReloadChanges = {}): Promise<ReloadReport> {
    return this.#reloader.reload('call', changes);
  }

  /**
   * Ends the service without losing a request: new connections are refused, requests in flight finish, and are told
   * `Connection: close`, idle connections close, and what is left at the deadline (`timeout` ms, 10 s by default; 0: at
   * once) is cut. A connection that was used within the last half second waits that long for a request that may be on
   * its way. Called again it gives the same promise; `listen()` is for after it. Rejects with a ConfigError for a bad
   * option, and for nothing else.
   */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownReport> {
    if (this.#shutdown !== undefined) return this.#shutdown;
    try {
      const timeout = readShutdownTimeout(options, 'shutdown');
      const ended = this.traffic.shutdown(timeout, () => this.#stopListening(), this.http2);
      this.#shutdown = this.#start.stop(ended);
      return this.#shutdown;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What deviates from the profile, from Mozilla's guideline and from BCP 195, now: each with a code, a severity and the
   * remedy; see docs/audit.md. It asks nobody, and takes some 30 µs.
   */
  audit(): AuditReport {
    return this.#oversight.audit;
  }

  /** What has been counted since this server was made, reloads included. A frozen copy. */
  stats(): ListenerStats {
    return this.#oversight.stats;
  }

  /** As Node's; while a shutdown goes on it throws a ConfigError `OPTION_CONFLICT`. */
  override listen(...args: ListenArguments): this {
    this.#start.begin();
    this.#closed = false;
    this.#shutdown = undefined;
    return (super.listen as (...args: ListenArguments) => this).apply(this, args);
  }

  /**
   * Stops accepting, as in `node:https`, on the port for redirects as well; connections that are open may go on.
   * See `shutdown`.
   */
  override close(callback?: (error?: Error) => void): this {
    this.#companion?.stop();
    return super.close(callback);
  }

  /**
   * Cuts every connection, as in `node:https`: those that are in their handshake or upgraded, and those of the
   * port for redirects as well.
   */
  override closeAllConnections(): void {
    this.#redirect?.closeAllConnections();
    super.closeAllConnections();
  }

  protected override onListening(): boolean {
    if (!this.#start.wanted) {
      this.close();
      return false;
    }
    this.traffic.reopen();
    this.http2?.reopen();
    this.#heedSignals();
    this.#listenPlain();
    this.#watch();
    this.#followDenyList();
    this.#revocation.start();
    // Workers of a cluster that listen at one address share their keys.
    this.#ticketKeys?.start(JSON.stringify(this.address()));
    this.#oversight.started();
    return true;
  }

  protected override onClosed(): void {
    this.#closed = true;
    this.#stopHeeding?.();
    this.#unwatch();
    this.#denied.stop();
    this.#revocation.stop();
    this.#ticketKeys?.stop();
    this.#oversight.stopped();
  }

  async #stopListening(): Promise<void> {
    const closed = [this, this.#redirect].flatMap((server) =>
      server?.listening === true ? [new Promise<void>((done) => server.once('close', () => done()))] : [],
    );
    if (closed.length > 0) this.close();
    else this.#companion?.stop();
    await Promise.all(closed);
  }

  #heedSignals(): void {
    const { signals, logger } = this.#live.config;
    if (signals === undefined) return;
    this.#stopHeeding?.();
    const shutdown = (timeout: number): Promise<unknown> => this.shutdown({ timeout });
    this.#stopHeeding = processSignals.heed(signals, {
      shutdown,
      reload: () => this.#reloader.request('signal'),
      logger,
    });
  }

  /** What is the same as before keeps its object, so that nobody is judged again for nothing. */
  #swap(next: Serving): Pick<ReloadReport, 'changed' | 'certificates'> {
    const before = this.#live.serving;
    const changed = before === undefined ? (['certificate'] as const) : differences(before, next);
    const serving = before === undefined ? next : withKeptTrust(before, next);
    if (changed.length > 0) {
      this.serve(serving);
      this.#ticketKeys?.reapply();
    }
    this.#live.config = serving.config;
    this.#revocation.adopt();
    if (changed.some((part) => part === 'trust')) this.upgrades.judgeAgain();
    if (changed.length > 0) this.#oversight.served();
    if (this.listening) {
      this.#watch();
      this.#followDenyList();
    }
    return { changed, certificates: servedCertificates(serving) };
  }

  #watch(): void {
    const { watched, logger } = this.#live.config;
    if (isSameWatch(this.#watching?.watched, watched)) return;
    this.#watching?.stop();
    this.#watching = watched && {
      watched,
      stop: watchAll(watched, () => this.#reloader.request('watch'), logger),
    };
  }

  #followDenyList(): void {
    const { clientAuth, logger } = this.#live.config;
    this.#denied.follow(clientAuth?.trust.denyList, logger, () => {
      this.letIn();
      this.upgrades.judgeAgain();
    });
  }

  #unwatch(): void {
    this.#watching?.stop();
    this.#watching = undefined;
  }

  #makeRedirect(): HttpServer | undefined {
    const { redirect: options, limits, logger } = this.#live.config;
    if (options === undefined) return undefined;
    const names = (): readonly string[] => this.#live.serving?.choice.names ?? [];
    const httpsPort = (): number | undefined => addressOf(this)?.port;
    const redirect = createRedirect(options, { names, httpsPort, limits, logger });
    redirect.on('error', (error) => this.emit('error', error));
    this.traffic.guard(redirect);
    return redirect;
  }

  /** On the same address, so that what serves this machine only has no plain port for all the world. */
  #listenPlain(): void {
    const { redirect: options } = this.#live.config;
    if (options !== undefined) this.#companion?.start(options.port, options.host ?? addressOf(this)?.address);
  }
}

/** Undefined while a server does not listen, or listens on no port. */
function addressOf(server: GuardedServer): AddressInfo | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address : undefined;
}
