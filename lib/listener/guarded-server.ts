import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Server, type ServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { inTurn, presentTime } from '../clock.ts';
import { endOnRenegotiation, noteTrust, takenConnection, type TlsState } from '../connection/index.ts';
import type { Origin } from '../connection/connection.ts';
import { publish } from '../events.ts';
import { admitConnection, publishHandshake, publishHandshakeProblem } from './admit-connection.ts';
import { type Answer, clientRefusalOf, isStillClient, refusalOf } from './admission.ts';
import { answerOnSocket, answerRequest } from './answer.ts';
import { contextRefusal, secureContextRefusal } from './context-refusals.ts';
import { describeHandshakeError } from './handshake-errors.ts';
import { Http2Sessions, type SessionWatch } from './http2/sessions.ts';
import { credentialOptions } from './options.ts';
import { takeHttp1 } from './http1.ts';
import { holdUntil, pendingOf, settleExpectation } from './revocation/hold-request.ts';
import { callbackOf, type Live, type Serving } from './serving.ts';
import { StatsCollector } from './reports/stats.ts';
import { dropsTo } from './connections/open-files.ts';
import { Traffic } from './connections/traffic.ts';
import { Upgrades } from './connections/upgrades.ts';
import { WaitingRoom } from './connections/waiting-room.ts';

type AnyResponse = ServerResponse & { req: IncomingMessage };

/**
 * An `https.Server` whose every door is watched: what it emits is what its users react to, so a connection or request
 * that is refused is never emitted, and no listener of theirs can come before the refusal.
 */
export class GuardedServer extends Server {
  readonly #live: Live;
  #ownTicketKeys: Buffer | undefined;
  readonly #waiting = new WaitingRoom();
  /** Of all connections alike. */
  readonly #origin: Origin = {
    guarded: true,
    trust: () => this.#live.config.clientAuth?.trust,
    refused: (code) => this.counted.refused(code),
  };
  readonly #knows = (name: string): boolean => this.#live.serving?.sni.knows(name) === true;
  /** @internal What has come of connections and requests. */
  protected readonly counted: StatsCollector;
  /** @internal The connections, and their limits. */
  protected readonly traffic: Traffic;
  /** @internal What leaves HTTP. */
  protected readonly upgrades: Upgrades = new Upgrades();
  /** Node's own listener for 'secureConnection', which speaks HTTP/1.1: called for the sockets that speak it. */
  readonly #http1: (socket: TLSSocket) => void;
  /** @internal What speaks HTTP/2; undefined without the option. */
  protected readonly http2: Http2Sessions | undefined;

  /** Connections wait until `live.serving` is there. `classes` are those of requests and responses. */
  constructor(live: Live, classes: ServerOptions, listener?: RequestListener) {
    const { config, serving } = live;
    super(
      {
        ...classes,
        ...config.https,
        ...callbackOf(live),
        ...(serving && credentialOptions(serving.choice.default)),
      },
      listener,
    );
    this.#http1 = takeHttp1(this);
    this.counted = new StatsCollector();
    const count = dropsTo((reason) => this.counted.dropped(reason), config.logger);
    this.traffic = new Traffic(config.limits, count);
    this.#live = live;
    if (serving !== undefined) this.#noteTrust(serving);
    const { limits, https } = config;
    this.http2 = config.http2
      ? new Http2Sessions(this, limits, { ...classes, ...https }, {}, this.#watchSessions())
      : undefined;
    // Node 20 drops the lines after the 1000th, and a second Host among them would not be seen.
    this.maxHeadersCount = 0;
    if (config.limits.maxConnections > 0) this.maxConnections = config.limits.maxConnections;
  }

  /** Lets serve what has been prepared: new connections at once, open ones by what `live` says of their trust. */
  protected serve(serving: Serving): void {
    const { config, choice } = serving;
    super.setSecureContext({ ...config.https, ...credentialOptions(choice.default) });
    if (this.#ownTicketKeys !== undefined) super.setTicketKeys(this.#ownTicketKeys);
    this.#noteTrust(serving);
    this.#live.config = config;
    this.#live.serving = serving;
    this.letIn();
  }

  /** Those that have waited, once there is a certificate and it is known whether the deny list can be had. */
  protected letIn(): void {
    if (this.#isReady) this.#waiting.release((socket) => super.emit('connection', socket));
  }

  get #isReady(): boolean {
    const { serving, config } = this.#live;
    return serving !== undefined && config.clientAuth?.trust.denyList?.settled !== false;
  }

  #noteTrust({ config, sni }: Serving): void {
    if (config.clientAuth !== undefined) noteTrust(this, sni.contexts, config.clientAuth.trust);
  }

  /** A key that the user rotates is kept over a reload, which would bring back that of the options. */
  override setTicketKeys(keys: Buffer): void {
    super.setTicketKeys(keys);
    if (#live in this && this.#live.config.tickets === undefined) this.#ownTicketKeys = Buffer.from(keys);
  }

  /** Node's would reset all that it is not told to its own defaults: versions, ciphers, client authentication. */
  override setSecureContext(options: SecureContextOptions): void {
    // https.Server calls it while it is constructed, when nothing of this class is there yet.
    if (!(#live in this)) return super.setSecureContext(options);
    throw secureContextRefusal();
  }

  /**
   * With `clientAuth` a context of its own would bring other trust anchors, and without `ca` the system's. Where the
   * option `certificate` chooses by name, Node would never ask it.
   */
  override addContext(hostname: string, context: SecureContext | SecureContextOptions): void {
    const { config, choosesByName } = this.#live;
    if (config.clientAuth === undefined && !choosesByName) return super.addContext(hostname, context);
    throw contextRefusal(choosesByName);
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (!(#live in this)) return super.emit(event as 'close');
    switch (event) {
      case 'connection':
        return this.#onConnection(args[0] as Duplex);
      case 'secureConnection':
        return this.#admitConnection(args[0] as TLSSocket) && this.#pass(event, args);
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return inTurn(() => this.#admitRequest(event, args as [IncomingMessage, AnyResponse]));
      case 'upgrade':
      case 'connect':
        return this.#admitUpgrade(event, args as [IncomingMessage, Duplex]);
      case 'tlsClientError':
        this.#onHandshakeError(args[0], args[1] as TLSSocket);
        return this.#pass(event, args);
      case 'clientError':
        this.traffic.clientFailed(args[0], args[1] as Duplex);
        return this.#onClientError(args[1] as Duplex) ? this.#pass(event, args) : true;
      case 'drop':
        this.traffic.dropped(args[0]);
        return this.#pass(event, args);
      case 'listening':
        return this.onListening() ? this.#pass(event, args) : true;
      case 'close':
        this.onClosed();
        return this.#pass(event, args);
      default:
        return this.#pass(event, args);
    }
  }

  /** While a shutdown lets its clients finish, `close()` must not cut a connection whose next request is on its way. */
  override closeIdleConnections(): void {
    if (this.traffic.draining) return;
    super.closeIdleConnections();
    this.http2?.closeIdle();
  }

  /** Those whose handshake has not ended, and upgraded ones, too. */
  override closeAllConnections(): void {
    super.closeAllConnections();
    this.traffic.closeAll();
  }

  /** Before any listener of the users hears of it; false: nobody is to. */
  protected onListening(): boolean {
    return true;
  }

  protected onClosed(): void {}

  #watchSessions(): SessionWatch {
    return {
      began: (socket, leave) => this.traffic.session(socket, leave),
      inUse: (socket, used) => this.traffic.sessionInUse(socket, used),
      dropped: (reason) => this.counted.dropped(reason),
    };
  }

  #pass(event: string | symbol, args: unknown[]): boolean {
    // Without a spread for each request.
    if (event === 'request') return super.emit(event, args[0] as IncomingMessage, args[1] as AnyResponse);
    return (super.emit as (event: string | symbol, ...args: unknown[]) => boolean).call(this, event, ...args);
  }

  #onConnection(socket: Duplex): boolean {
    // It asks for the address, which Node remembers, and a reset connection could not tell any more.
    if (!this.traffic.admit(socket, this)) return true;
    if (this.#isReady) return this.#pass('connection', [socket]);
    const { handshakeTimeout } = this.#live.config.limits;
    this.#waiting.hold(socket, handshakeTimeout, () => this.traffic.handshakeTimedOut(socket));
    return true;
  }

  /** Whoever is admitted is served by the protocol that ALPN chose, and then shown to the users' listeners. */
  #admitConnection(socket: TLSSocket): boolean {
    if (!this.traffic.opened(socket)) {
      socket.destroy();
      return false;
    }
    const { clientAuth, allowRenegotiation, refuseUnknownName } = this.#live.config;
    const admitted = admitConnection(socket, this.#origin, {
      required: clientAuth?.required === true,
      knows: refuseUnknownName ? this.#knows : everyName,
    });
    if ('code' in admitted) {
      this.counted.handshakeFailed(admitted.code);
      publishHandshakeProblem(socket, admitted);
      socket.destroy();
      return false;
    }
    if (!allowRenegotiation) endOnRenegotiation(socket);
    socket.on('close', this.counted.opened(admitted.stateAt(Date.now())));
    publishHandshake(socket, admitted);
    if (this.http2 !== undefined && socket.alpnProtocol === 'h2') this.http2.serve(socket);
    else this.#http1(socket);
    return true;
  }

  #admitRequest(event: string, args: [IncomingMessage, AnyResponse]): boolean {
    const [request, response] = args;
    if (!this.traffic.began(request, response)) return true;
    const waiting = pendingOf(request, this.#live.config.clientAuth?.required === true);
    if (waiting === undefined) return this.#runRequest(event, args);
    const run = (): boolean => this.#pass('request', args);
    return holdUntil(waiting, request, response, () =>
      settleExpectation(event, this.#runRequest(event, args), response, run),
    );
  }

  #runRequest(event: string, args: [IncomingMessage, AnyResponse]): boolean {
    const refusal = this.#refusalOf(args[0]);
    if (refusal === undefined) return this.#pass(event, args);
    answerRequest(args[1], refusal);
    return true;
  }

  #admitUpgrade(event: string, args: [IncomingMessage, Duplex]): boolean {
    const [request, socket] = args;
    const waiting = pendingOf(request, this.#live.config.clientAuth?.required === true);
    if (waiting !== undefined)
      return holdUntil(waiting, request, socket, () => this.#runUpgrade(event, args));
    return this.#runUpgrade(event, args);
  }

  #runUpgrade(event: string, args: [IncomingMessage, Duplex]): boolean {
    const [request, socket] = args;
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      answerOnSocket(socket, refusal);
      return true;
    }
    this.traffic.upgraded(socket);
    this.upgrades.began(request, socket);
    if (this.#live.config.clientAuth?.required === true)
      this.upgrades.admit(socket, () => isStillClient(request, takenConnection(request.socket)));
    return this.#pass(event, args);
  }

  /** A request that passes has `req.tls`, as `exposeTls()` gives it on other servers. */
  #refusalOf(request: IncomingMessage & { tls?: TlsState }): Answer | undefined {
    const connection = takenConnection(request.socket);
    const { matchHost, clientAuth } = this.#live.config;
    const refusal =
      refusalOf(request, connection, matchHost) ??
      (clientAuth?.required === true ? clientRefusalOf(request, connection) : undefined);
    if (refusal?.code !== undefined) this.counted.refused(refusal.code);
    if (refusal === undefined && connection !== undefined) request.tls = connection.stateAt(presentTime());
    return refusal;
  }

  #onHandshakeError(error: unknown, socket: TLSSocket): void {
    const names = this.#live.serving?.choice.default.flatMap(({ leaf }) => leaf.subjectAltNames.dns) ?? [];
    if (!this.traffic.handshakeFailed(error, socket, names)) return;
    const described = describeHandshakeError(error, socket);
    this.counted.handshakeFailed(described.code);
    publish('portcullis:handshake-error', () => described);
  }

  /** Node repeats each failed handshake as a 'clientError', where users write an HTTP 400 to it: here it ends. */
  #onClientError(socket: Duplex): boolean {
    if (!(socket instanceof TLSSocket) || takenConnection(socket) !== undefined) return true;
    socket.destroy();
    return false;
  }
}

const everyName = (): boolean => true;
