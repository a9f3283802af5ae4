import { Writable } from 'node:stream';
import { type Http2Session, type Http2Stream, speakHttp2 } from '../client/dial.ts';
import type { Connector, Line, Target } from './connector.ts';

/** A line that speaks HTTP/2. */
interface Session {
  readonly line: Line;
  readonly http2: Http2Session;
}

/** The sessions of an agent: one for each request, or one that is kept for all. */
export class Sessions {
  readonly #connector: Connector;
  #kept: Promise<Session> | undefined;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  async take(target: Target): Promise<Session> {
    if (!this.#connector.course.keepAlive) return this.#open(target);
    const opening = (this.#kept ??= this.#open(target));
    try {
      const session = await opening;
      if (!session.http2.closed && !session.http2.destroyed) return session;
    } catch (error) {
      if (this.#kept === opening) this.#kept = undefined;
      throw error;
    }
    if (this.#kept === opening) this.#kept = undefined;
    return this.take(target);
  }

  /** After an answer. One that is kept does not keep the process alive. */
  release({ http2 }: Session): void {
    if (this.#connector.course.keepAlive) http2.unref();
    else http2.close();
  }

  destroy(): void {
    this.#kept?.then(
      ({ http2 }) => http2.destroy(),
      () => undefined,
    );
    this.#kept = undefined;
  }

  async #open(target: Target): Promise<Session> {
    const line = await this.#connector.open(target);
    const http2 = speakHttp2(authorityOf(target), line.dialled);
    // It reaches every stream as well.
    http2.on('error', () => undefined);
    return { line, http2 };
  }
}

type Settle = (error?: Error | null) => void;

type Headers = Record<string, string | string[] | number>;

export interface RequestLine {
  readonly method: string;
  readonly path: string;
}

/** A request over HTTP/2, as superagent uses one of HTTP/1.1. */
export class Http2Request extends Writable {
  readonly method: string;
  readonly path: string;
  /** Read by superagent: no header can be added any more. */
  _headerSent = false;
  readonly #sessions: Sessions;
  readonly #target: Target;
  readonly #headers: Headers = {};
  #stream: Promise<Http2Stream> | undefined;
  #begun: Http2Stream | undefined;
  #answered = false;

  constructor(sessions: Sessions, target: Target, { method, path }: RequestLine) {
    // It ends with its stream, not with what is sent.
    super({ autoDestroy: false });
    this.method = method;
    this.path = path;
    this.#sessions = sessions;
    this.#target = target;
    this.setHeader('host', authorityOf(target));
  }

  setHeader(name: string, value: string | string[] | number): void {
    this.#headers[name.toLowerCase()] = value;
  }

  getHeader(name: string): string | string[] | number | undefined {
    return this.#headers[name.toLowerCase()];
  }

  getHeaders(): Headers {
    return { ...this.#headers };
  }

  /** By which the server knows it too; undefined before it is sent. */
  get streamId(): number | undefined {
    return this.#begun?.id;
  }

  setNoDelay(): void {
    // A connection's own affair.
  }

  abort(): void {
    this.destroy();
  }

  override _write(chunk: Buffer, _encoding: string, settle: Settle): void {
    this.#open(false).then((stream) => void stream.write(chunk, settle), settle);
  }

  override _final(settle: Settle): void {
    const bodyless = this.#stream === undefined;
    const finish = (stream: Http2Stream): void => {
      if (!bodyless) stream.end();
      settle();
    };
    this.#open(bodyless).then(finish, settle);
  }

  override _destroy(error: Error | null, settle: Settle): void {
    this.#begun?.destroy();
    settle(error);
  }

  #open(endStream: boolean): Promise<Http2Stream> {
    this._headerSent = true;
    return (this.#stream ??= this.#ask(endStream).catch((error: unknown) => {
      this.destroy(error as Error);
      throw error;
    }));
  }

  async #ask(endStream: boolean): Promise<Http2Stream> {
    const session = await this.#sessions.take(this.#target);
    if (this.destroyed) {
      this.#sessions.release(session);
      throw new Error('the request was given up');
    }
    this.emit('socket', session.line.socket);
    const { host, ...headers } = this.#headers;
    const line = { ':authority': String(host), ':method': this.method, ':path': this.path };
    session.http2.ref();
    try {
      const stream = session.http2.request({ ...headers, ...line }, { endStream });
      this.#begun = stream;
      this.#follow(stream, session);
      return stream;
    } catch (error) {
      this.#sessions.release(session);
      throw error;
    }
  }

  #follow(stream: Http2Stream, session: Session): void {
    stream.once('response', (headers) => {
      this.#answered = true;
      session.line.answered = true;
      this.emit('response', asResponse(stream, headers));
    });
    stream.on('drain', () => this.emit('drain'));
    stream.on('error', (error) => {
      // Of an answer that has begun superagent asks the stream.
      this.destroy(this.#answered ? undefined : error);
    });
    // A reset ends the octets as well: before superagent takes them for the whole answer.
    stream.once('end', () => {
      if (stream.aborted || stream.rstCode !== 0) stream.emit('error', ended('the answer was cut off'));
    });
    stream.once('close', () => {
      this.#sessions.release(session);
      this.destroy(this.#answered ? undefined : ended('the connection ended before there was an answer'));
    });
  }
}

const authorityOf = ({ host, port }: Target): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

const ended = (message: string): Error => Object.assign(new Error(message), { code: 'ECONNRESET' });

/** As an answer of HTTP/1.1: no pseudo-headers among its headers. */
function asResponse(stream: Http2Stream, given: Readonly<Record<string, unknown>>): Http2Stream {
  // Of Node's object a symbol stays behind as well.
  const headers = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith(':')));
  return Object.assign(stream, { statusCode: Number(given[':status']), headers, httpVersion: '2.0' });
}
