import type { IncomingMessage, RequestListener, Server as HttpServer, ServerResponse } from 'node:http';
import { Server, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { takenConnection, type TlsState } from '../connection/index.ts';
import type { KeyPair } from '../credentials/key-pair.ts';
import { ConfigError } from '../errors.ts';
import { publish } from '../events.ts';
import { admitConnection, publishHandshake, publishHandshakeProblem } from './admit-connection.ts';
import { type Answer, refusalOf } from './admission.ts';
import { answerOnSocket, answerRequest } from './answer.ts';
import { describeHandshakeError } from './handshake-errors.ts';
import { credentialOptions, type ListenerConfig } from './options.ts';
import { createRedirect } from './redirect.ts';

type AnyResponse = ServerResponse & { req: IncomingMessage };

/**
 * An `https.Server` whose every door is watched: what it emits is what its users react to, so a connection or request
 * that is refused is never emitted, and no listener of theirs can come before the refusal.
 */
export class PortcullisServer extends Server {
  readonly #config: ListenerConfig;
  /** Raw connections that came before the certificate was there. */
  #waiting: Socket[] | undefined;
  /** Of the certificates that serve now. */
  #names: readonly string[];
  readonly #redirect: HttpServer | undefined;
  /** Node's own listener for 'secureConnection', which speaks HTTP/1.1: called for the sockets that speak it. */
  readonly #http1: (socket: TLSSocket) => void;

  /**
   * @internal Use `createServer`. `classes` are those of requests and responses, unless the user gave some. Key pairs
   * may follow later by `complete`; connections wait until then.
   */
  constructor(config: ListenerConfig, classes: ServerOptions, listener?: RequestListener) {
    const complete = config.keyPairs.length > 0;
    super({ ...classes, ...config.https, ...(complete ? credentialOptions(config.keyPairs) : {}) }, listener);
    this.#http1 = takeHttp1(this);
    this.#config = config;
    this.#waiting = complete ? undefined : [];
    this.#names = namesOf(config.keyPairs);
    this.#redirect = this.#makeRedirect();
    // Node 20 drops the lines after the 1000th, and a second Host among them would not be seen.
    this.maxHeadersCount = 0;
    if (config.limits.maxConnections > 0) this.maxConnections = config.limits.maxConnections;
  }

  /** @internal Gives the certificate to a server that was made without one. */
  complete(keyPairs: readonly KeyPair[]): void {
    super.setSecureContext({ ...this.#config.https, ...credentialOptions(keyPairs) });
    this.#names = namesOf(keyPairs);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const socket of waiting) {
      if (socket.destroyed) continue;
      socket.setTimeout(0);
      super.emit('connection', socket);
    }
  }

  /** The plain listener of the option `redirect`, which listens, and stops, together with this one. */
  get redirect(): HttpServer | undefined {
    return this.#redirect;
  }

  override close(callback?: (error?: Error) => void): this {
    if (this.#redirect?.listening === true) this.#redirect.close();
    return super.close(callback);
  }

  override closeAllConnections(): void {
    this.#redirect?.closeAllConnections();
    super.closeAllConnections();
  }

  /** Node's would reset all that it is not told to its own defaults: versions, ciphers, client authentication. */
  override setSecureContext(options: SecureContextOptions): void {
    // https.Server calls it while it is constructed, when nothing of this class is there yet.
    if (!(#config in this)) return super.setSecureContext(options);
    throw new ConfigError(
      'OPTION_WEAKENS',
      'setSecureContext',
      'it would reset every setting that it is not given',
      'Make a new server with createServer().',
    );
  }

  /** With `clientAuth` a context of its own would bring other trust anchors, and without `ca` the system's. */
  override addContext(hostname: string, context: SecureContext | SecureContextOptions): void {
    if (this.#config.clientAuth === undefined) return super.addContext(hostname, context);
    throw new ConfigError(
      'OPTION_CONFLICT',
      'addContext',
      'its context brings trust anchors that clientAuth.ca knows nothing of',
      'Give one certificate with all names, or one server for each.',
    );
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (!(#config in this)) return super.emit(event as 'close');
    switch (event) {
      case 'connection':
        return this.#onConnection(args[0] as Socket);
      case 'listening':
        this.#listenPlain();
        return this.#pass(event, args);
      case 'secureConnection':
        return this.#admitConnection(args[0] as TLSSocket) && this.#pass(event, args);
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return this.#admitRequest(args[0] as IncomingMessage, args[1] as ServerResponse)
          ? this.#pass(event, args)
          : true;
      case 'upgrade':
      case 'connect':
        return this.#admitUpgrade(args[0] as IncomingMessage, args[1] as Duplex)
          ? this.#pass(event, args)
          : true;
      case 'tlsClientError':
        publish('portcullis:handshake-error', () => describeHandshakeError(args[0], args[1] as TLSSocket));
        return this.#pass(event, args);
      case 'clientError':
        return this.#onClientError(args[1] as Duplex) ? this.#pass(event, args) : true;
      default:
        return this.#pass(event, args);
    }
  }

  #pass(event: string | symbol, args: unknown[]): boolean {
    // Without a spread for each request.
    if (event === 'request') return super.emit(event, args[0] as IncomingMessage, args[1] as AnyResponse);
    return (super.emit as (event: string | symbol, ...args: unknown[]) => boolean).call(this, event, ...args);
  }

  #makeRedirect(): HttpServer | undefined {
    const { redirect: options, limits, logger } = this.#config;
    if (options === undefined) return undefined;
    const names = (): readonly string[] => this.#names;
    const httpsPort = (): number | undefined => addressOf(this)?.port;
    const redirect = createRedirect(options, { names, httpsPort, limits, logger });
    redirect.on('error', (error) => this.emit('error', error));
    return redirect;
  }

  /** On the same address, so that what serves this machine only has no plain port for all the world. */
  #listenPlain(): void {
    const { redirect: options } = this.#config;
    if (options === undefined || this.#redirect === undefined || this.#redirect.listening) return;
    const host = options.host ?? addressOf(this)?.address;
    this.#redirect.listen({ port: options.port, ...(host !== undefined && { host }) });
  }

  #onConnection(socket: Socket): boolean {
    // Node remembers the address once asked, and a reset connection could not tell it any more.
    void socket.remoteAddress;
    if (this.#waiting === undefined) return this.#pass('connection', [socket]);
    this.#waiting.push(socket);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(this.#config.limits.handshakeTimeout, () => socket.destroy());
    return true;
  }

  /** Whoever is admitted is served by the protocol that ALPN chose, and then shown to the users' listeners. */
  #admitConnection(socket: TLSSocket): boolean {
    const { clientAuth, allowRenegotiation } = this.#config;
    const origin = { guarded: true, trust: () => this.#config.clientAuth?.trust } as const;
    const admitted = admitConnection(socket, origin, clientAuth?.required === true);
    if ('code' in admitted) {
      publishHandshakeProblem(socket, admitted);
      socket.destroy();
      return false;
    }
    if (!allowRenegotiation) socket.on('secure', () => socket.destroy());
    publishHandshake(socket, admitted);
    this.#http1.call(this, socket);
    return true;
  }

  #admitRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) answerRequest(response, refusal);
    return refusal === undefined;
  }

  #admitUpgrade(request: IncomingMessage, socket: Duplex): boolean {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) answerOnSocket(socket, refusal);
    return refusal === undefined;
  }

  /** A request that passes has `req.tls`, as `exposeTls()` gives it on other servers. */
  #refusalOf(request: IncomingMessage & { tls?: TlsState }): Answer | undefined {
    const connection = takenConnection(request.socket);
    const refusal = refusalOf(request, connection, this.#config.matchHost);
    if (refusal === undefined && connection !== undefined) request.tls = connection.stateAt(Date.now());
    return refusal;
  }

  /** Node repeats each failed handshake as a 'clientError', where users write an HTTP 400 to it: here it ends. */
  #onClientError(socket: Duplex): boolean {
    if (!(socket instanceof TLSSocket) || takenConnection(socket) !== undefined) return true;
    socket.destroy();
    return false;
  }
}

const namesOf = (pairs: readonly KeyPair[]): string[] =>
  pairs.flatMap(({ leaf: { subjectAltNames } }) => [...subjectAltNames.dns, ...subjectAltNames.ip]);

function takeHttp1(server: Server): (socket: TLSSocket) => void {
  const [http1] = server.listeners('secureConnection') as Array<(socket: TLSSocket) => void>;
  if (http1 === undefined) throw new Error('This Node has no listener for HTTP/1.1 in its https.Server.');
  server.removeListener('secureConnection', http1);
  return http1;
}

/** Undefined while a server does not listen, or listens on no port. */
function addressOf(server: Server): AddressInfo | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address : undefined;
}
