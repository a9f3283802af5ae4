import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:net';
// Not the global one, which a test may have replaced by a clock that stands still.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DecisionEvent, DropEvent, HandshakeErrorEvent } from '../events.ts';
import { describeHandshakeError } from '../listener/handshake-errors.ts';
import { streamOf } from '../listener/http2/request.ts';
import { requestOf } from '../policy/decision.ts';
import type { HandshakeWord } from './refused.ts';

/**
 * What a server in this process does with the requests of the kit. A decision is told of its request's own object, and
 * the request is known to both sides by its connection and, over HTTP/2, its stream.
 */
export class Witness {
  /** Of requests that the server has and the client has not seen answered. */
  readonly #asked: Map<string, DecisionEvent[]> = new Map();
  readonly #decided: WeakMap<IncomingMessage, DecisionEvent[]> = new WeakMap();
  /** Ports of clients whose handshakes the server has let in, or has refused and why. */
  readonly #admitted: Set<number> = new Set();
  readonly #words: Map<number, HandshakeWord> = new Map();
  #holders = 0;

  constructor(server: Server) {
    server.on('secureConnection', (socket: { remotePort?: number }) => {
      if (this.#holders > 0 && socket.remotePort !== undefined) this.#admitted.add(socket.remotePort);
    });
    server.on('connection', askPort);
    server.on('tlsClientError', (error: unknown, socket: Parameters<typeof describeHandshakeError>[1]) => {
      if (this.#holders > 0) this.#note(describeHandshakeError(error, socket));
    });
    this.#follow(server);
  }

  /** Watches until the function that it gives is called. */
  hold(): () => void {
    if (this.#holders++ === 0) {
      subscribe('portcullis:decision', this.#noteDecision);
      subscribe('portcullis:handshake-error', this.#noteEvent);
      subscribe('portcullis:drop', this.#noteDrop);
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holders === 0) this.#rest();
    };
  }

  /** The decisions about a request; the list grows while its route runs. */
  take(port: number | undefined, streamId: number | undefined): DecisionEvent[] {
    const key = keyOf(port, streamId);
    const decisions = this.#asked.get(key) ?? [];
    this.#asked.delete(key);
    return decisions;
  }

  /** Whether the server has let in a client, or why not. It may still be about to say. */
  async judgement(port: number | undefined): Promise<'admitted' | HandshakeWord | undefined> {
    const release = this.hold();
    try {
      for (let turn = 0; turn < patience; turn++) {
        if (port !== undefined && this.#admitted.has(port)) return 'admitted';
        const word = this.#take(port);
        if (word !== undefined) return word;
        // oxlint-disable-next-line no-await-in-loop -- one turn of the loop after the other
        await nextTurn();
      }
      return undefined;
    } finally {
      release();
    }
  }

  /** A connection that is reset at once does not know its own port: the word is its own if there is but one. */
  #take(port: number | undefined): HandshakeWord | undefined {
    const [only, ...others] = this.#words.keys();
    const from = port ?? (others.length === 0 ? only : undefined);
    const word = from === undefined ? undefined : this.#words.get(from);
    if (from !== undefined) this.#words.delete(from);
    return word;
  }

  readonly #noteDecision = (event: unknown): void => {
    const request = requestOf(event as DecisionEvent);
    if (request !== undefined) this.#decided.get(request)?.push(event as DecisionEvent);
  };

  readonly #noteEvent = (event: unknown): void => this.#note(event as HandshakeErrorEvent);

  readonly #noteDrop = (event: unknown): void => {
    const { reason, remotePort } = event as DropEvent;
    this.#note({ code: reason, reason: 'the listener has cut the connection by its limits', remotePort });
  };

  #note({ code, reason, remotePort }: HandshakeWord & { readonly remotePort: number | undefined }): void {
    if (remotePort === undefined || this.#words.has(remotePort)) return;
    this.#words.set(remotePort, { code: clearer[code] ?? code, reason });
  }

  /** On the server itself, as the listener decides before it emits to anybody. */
  #follow(server: Server): void {
    const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
    const value = (event: string | symbol, ...args: unknown[]): boolean => {
      if (this.#holders > 0 && requestEvents.has(event)) this.#open(args[0] as IncomingMessage);
      return emit(event, ...args);
    };
    Object.defineProperty(server, 'emit', { value, writable: true, configurable: true });
  }

  /** A request may be emitted twice: by a listener of 'checkContinue', as 'request'. */
  #open(request: IncomingMessage): void {
    if (this.#decided.has(request)) return;
    const decisions: DecisionEvent[] = [];
    this.#decided.set(request, decisions);
    this.#asked.set(keyOf(request.socket.remotePort, streamIdOf(request)), decisions);
  }

  #rest(): void {
    unsubscribe('portcullis:decision', this.#noteDecision);
    unsubscribe('portcullis:handshake-error', this.#noteEvent);
    unsubscribe('portcullis:drop', this.#noteDrop);
    this.#asked.clear();
    this.#admitted.clear();
    this.#words.clear();
  }
}

/** Over HTTP/1.1 a connection has one request at a time. */
const keyOf = (port: number | undefined, streamId: number | undefined): string =>
  JSON.stringify([port, streamId]);

/** Of a server of this package, or of Node's own HTTP/2. */
const streamIdOf = (
  request: IncomingMessage & { readonly stream?: { readonly id?: number } },
): number | undefined => (streamOf(request) ?? request.stream)?.id;

const requestEvents: ReadonlySet<string | symbol> = new Set(['request', 'checkContinue', 'checkExpectation']);

/** Turns of the event loop: both ends are in one process, and the server is never more than a few behind. */
const patience = 20;

const clearer: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'CLIENT_CERTIFICATE_REQUIRED',
};

/** Node remembers the port of a connection for whom has asked while it was open. */
const askPort = (socket: { readonly remotePort?: number }): void => void socket.remotePort;

const witnesses = new WeakMap<Server, Witness>();

/** One for each server. */
export function witnessOf(server: Server): Witness {
  let witness = witnesses.get(server);
  if (witness === undefined) witnesses.set(server, (witness = new Witness(server)));
  return witness;
}
