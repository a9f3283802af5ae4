import { createRequire } from 'node:module';
import type { IncomingMessage } from 'node:http';
import type { DialFacts } from '../client/dial.ts';
import type { DecisionEvent } from '../events.ts';
import { type Connector, type Line, lineOf, type Target } from './connector.ts';
import { Http2Request, type RequestLine, type Sessions } from './http2.ts';
import type { LineAgent } from './http1.ts';
import type { Witness } from './witness.ts';

/** The client's side of the connection that a response came on. */
export interface TlsFacts extends DialFacts {
  /** Whether it had served an earlier request. */
  readonly reused: boolean;
}

/** What a response of the kit tells beside superagent's own. */
export interface ExchangeFacts {
  /** What the client's end says of the connection. */
  readonly tls: TlsFacts;
  /** '1.1' or '2.0'. */
  readonly httpVersion: string;
  /**
   * What policies and the listener have decided about this very request, in order; where redirects were followed, about
   * each request on the way.
   */
  readonly decisions: readonly DecisionEvent[];
}

/** What of supertest's `Test` is used here. */
export interface Sendable {
  readonly url: string;
  /** Null before another try, by `retry()`. */
  req?: Outgoing | null;
  get(header: string): string | undefined;
  set(header: string, value: string): unknown;
  request(): Outgoing;
  end(callback?: Callback): unknown;
  agent(agent: object): unknown;
  http2(): unknown;
  on(event: 'response', listener: (response: object) => void): unknown;
  on(event: 'redirect' | 'abort', listener: () => void): unknown;
  /** Whether it is a time-out that has aborted it: such a request still calls back. */
  readonly timedout?: boolean;
  _server?: { close(): unknown };
  /** Not in every supertest 7: where it is there, several requests may share a server. */
  _releaseServer?(done: () => void): void;
}

type Callback = (error: unknown, response?: unknown) => void;

interface Outgoing {
  /** Over HTTP/2, once the request is under way. */
  readonly streamId?: number | undefined;
  once(event: 'socket', listener: (socket: object) => void): unknown;
  once(event: 'response', listener: (response: IncomingMessage) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  abort(): unknown;
}

/** How an agent's requests travel. */
export interface Transport {
  readonly witness: Witness;
  /** Undefined where the server speaks no TLS: then by supertest's own connections. */
  readonly tls:
    | { readonly connector: Connector; readonly http1: LineAgent; readonly http2: Sessions }
    | undefined;
}

/** Lets a request of supertest travel by the kit's own connections, and tells of them in its response. */
export function equip(test: Sendable, { witness, tls }: Transport): void {
  let last: Attempt | undefined;
  let isAborted = false;
  const before: DecisionEvent[] = [];
  const send = test.request.bind(test);
  const sessions = tls?.connector.course.protocol === 'h2' ? tls.http2 : undefined;
  if (sessions !== undefined) test.http2();
  else if (tls !== undefined) test.agent(tls.http1);
  test.request = () => {
    if (test.req) return test.req;
    if (tls !== undefined) nameHost(test, tls.connector.course.serverName);
    const outgoing = sessions === undefined ? send() : sendingBy(sessions, send);
    // superagent's own client of HTTP/2, by `.http2()`, never says that it is closed: it is not watched.
    last = 'destroyed' in outgoing ? new Attempt(outgoing, witness, tls?.connector, before) : undefined;
    if (isAborted) outgoing.abort();
    return outgoing;
  };
  test.on('redirect', () => before.splice(0, Infinity, ...(last?.decisions ?? [])));
  test.on('abort', () => {
    if (test.timedout === true) return;
    isAborted = true;
    closeServerOf(test);
  });
  test.on('response', (response) => Object.assign(response, last?.facts ?? unwatched));
  const end = test.end.bind(test);
  test.end = (listener) => {
    if (listener === undefined) return end();
    const tell = (error: unknown, response: unknown): void => listener.call(test, error, response);
    return end((error, response) => {
      if (response !== undefined || last === undefined || !error) tell(error, response);
      else void explained(last, error, tell);
    });
  };
}

const unwatched: Partial<ExchangeFacts> = { httpVersion: '2.0', decisions: [] };

async function explained(attempt: Attempt, error: unknown, tell: Callback): Promise<void> {
  tell(await attempt.explain(error), undefined);
}

/** supertest closes a server that it has opened when a request calls back, which one that is aborted never does. */
function closeServerOf(test: Sendable): void {
  if (test._releaseServer === undefined) test._server?.close();
  else test._releaseServer(() => undefined);
}

/** Who asks for a name by SNI asks for it by Host as well, unless told otherwise. */
function nameHost(test: Sendable, serverName: string | undefined): void {
  if (serverName === undefined || test.get('Host') !== undefined) return;
  const { port } = new URL(test.url);
  test.set('Host', port === '' ? serverName : `${serverName}:${port}`);
}

type Judgement = Awaited<ReturnType<Witness['judgement']>>;

/** One request on the wire; a redirect makes another. */
class Attempt {
  readonly #witness: Witness;
  readonly #connector: Connector | undefined;
  readonly #before: readonly DecisionEvent[];
  /** What the server says of a connection that has brought no answer. */
  readonly #judged: Promise<Judgement>;
  #line: Line | undefined;
  #reused = false;
  #isAnswered = false;
  #httpVersion = '1.1';
  #decisions: readonly DecisionEvent[] = [];

  constructor(
    outgoing: Outgoing,
    witness: Witness,
    connector: Connector | undefined,
    before: readonly DecisionEvent[],
  ) {
    this.#before = before;
    this.#witness = witness;
    this.#connector = connector;
    const release = witness.hold();
    outgoing.once('socket', (socket) => {
      this.#line = lineOf(socket);
      this.#reused = this.#line?.answered === true;
    });
    outgoing.once('response', (incoming) => this.#answered(outgoing, incoming));
    this.#judged = new Promise((settle) => {
      outgoing.once('close', () => {
        const unanswered = this.#line?.answered === false ? this.#line : undefined;
        settle(unanswered && witness.judgement(unanswered.localPort));
        if (!this.#isAnswered) witness.take(this.#line?.localPort, outgoing.streamId);
        release();
      });
    });
  }

  get facts(): Partial<ExchangeFacts> {
    return {
      ...(this.#line && { tls: Object.freeze({ ...this.#line.facts, reused: this.#reused }) }),
      httpVersion: this.#httpVersion,
      decisions: this.#decisions,
    };
  }

  get decisions(): readonly DecisionEvent[] {
    return this.#decisions;
  }

  /** What an error without an answer means. */
  async explain(error: unknown): Promise<unknown> {
    if (this.#line === undefined || this.#connector === undefined) return error;
    return this.#connector.explain(this.#line, error, this.#judged);
  }

  #answered(outgoing: Outgoing, incoming: IncomingMessage): void {
    this.#isAnswered = true;
    this.#httpVersion = incoming.httpVersion;
    const localPort = this.#line?.localPort ?? incoming.socket.localPort;
    const decisions = this.#witness.take(localPort, outgoing.streamId);
    decisions.unshift(...this.#before);
    this.#decisions = decisions;
    if (this.#line !== undefined) this.#line.answered = true;
  }
}

interface Http2Client {
  setProtocol(protocol: string): { request(options: Target & RequestLine): Outgoing };
}

/** superagent asks its own client of HTTP/2 where it finds this; it is exchanged for one call, which is synchronous. */
function sendingBy(sessions: Sessions, send: () => Outgoing): Outgoing {
  const { protocols } = superagent();
  const own = protocols['http2:'];
  protocols['http2:'] = {
    setProtocol: () => ({
      request: ({ method, path, ...target }) => new Http2Request(sessions, target, { method, path }),
    }),
  };
  try {
    const outgoing = send();
    if (outgoing instanceof Http2Request) return outgoing;
    throw new Error('This superagent makes its requests over HTTP/2 in another way than the kit knows.');
  } finally {
    protocols['http2:'] = own;
  }
}

let loaded: { readonly protocols: { 'http2:': Http2Client } } | undefined;

/** The one that supertest uses. */
function superagent(): NonNullable<typeof loaded> {
  if (loaded === undefined) {
    const own = createRequire(import.meta.url);
    loaded = createRequire(own.resolve('supertest'))('superagent') as NonNullable<typeof loaded>;
  }
  return loaded;
}
