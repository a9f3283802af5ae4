import {
  dial,
  type Dialled,
  DialError,
  type DialFacts,
  type DialOptions,
  endForSession,
} from '../client/dial.ts';
import type { Course } from './course.ts';
import { ConnectionUnfit, HandshakeRefused, mayBeRefusal } from './refused.ts';
import { makeTestSession, sessionOf, type TestSession } from './test-session.ts';
import type { Witness } from './witness.ts';

/** A connection of the kit. */
export interface Line {
  readonly dialled: Dialled;
  readonly socket: Dialled['socket'];
  readonly localPort: number | undefined;
  readonly facts: DialFacts;
  /** Whether anything was answered on it: from then on it is no handshake that fails. */
  answered: boolean;
}

const lines = new WeakMap<object, Line>();

/** The line that a socket belongs to. */
export const lineOf = (socket: object): Line | undefined => lines.get(socket);

/** Where to, and what a single request has said of itself by supertest's own `ca()`, `cert()` and the like. */
export type Target = Pick<DialOptions, 'host' | 'port'> &
  Partial<Pick<DialOptions, 'ca' | 'key' | 'cert' | 'pfx' | 'passphrase' | 'rejectUnauthorized'>>;

/** Opens connections of one course to one server; whoever calls it holds the witness. */
export class Connector {
  readonly course: Course;
  readonly witness: Witness;

  constructor(course: Course, witness: Witness) {
    this.course = course;
    this.witness = witness;
  }

  /** Rejects with a HandshakeRefused, a ConnectionUnfit, or Node's own error. */
  async open(target: Target): Promise<Line> {
    const { resumption, protocol } = this.course;
    const session = resumption && (await this.#sessionFor(target));
    const line = await this.#dial(target, session && sessionOf(session));
    try {
      if (resumption?.required === true && !line.facts.resumed) throw notResumed(session !== undefined);
      if (protocol === 'h2' && line.facts.alpn !== 'h2') throw notAgreed(protocol);
    } catch (error) {
      line.socket.destroy();
      throw error;
    }
    return line;
  }

  /** A full handshake, and the session that came of it; undefined where the server gave none. */
  async takeSession(target: Target): Promise<TestSession | undefined> {
    const release = this.witness.hold();
    try {
      const line = await this.#dial(target, undefined);
      const session = await endForSession(line.dialled).catch(async (error: unknown) => {
        throw await this.explain(line, error);
      });
      // A plain end may be a refusal as well; where no session came, its reason is of more use than that.
      const word = await this.witness.judgement(line.localPort);
      if (typeof word === 'object') throw new HandshakeRefused(word, undefined);
      return session && makeTestSession(session, line.facts);
    } finally {
      release();
    }
  }

  /** A HandshakeRefused in place of what came of a connection that the server has never let in. */
  async explain(
    { answered, localPort }: Pick<Line, 'answered' | 'localPort'>,
    error: unknown,
    judged: ReturnType<Witness['judgement']> = this.witness.judgement(localPort),
  ): Promise<unknown> {
    if (answered || !mayBeRefusal(error)) return error;
    const word = await judged;
    return word === 'admitted' ? error : new HandshakeRefused(word, error);
  }

  async #sessionFor(target: Target): Promise<TestSession | undefined> {
    const { session, required } = this.course.resumption!;
    const taken = session ?? (await this.takeSession(target));
    if (taken === undefined && required) throw notResumed(false);
    return taken;
  }

  async #dial(target: Target, session: Buffer | undefined): Promise<Line> {
    try {
      const { serverName, expectedName, version, localAddress, protocol } = this.course;
      const dialled = await dial({
        ...target,
        ...this.#identity(target),
        localAddress,
        serverName,
        expectedName: expectedName ?? target.host,
        version,
        session,
        alpn: [protocol],
      });
      const line = { ...dialled, dialled, answered: false };
      lines.set(line.socket, line);
      return line;
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      const cause = await this.explain({ answered: false, localPort: error.localPort }, error.cause);
      const isAlpn = cause instanceof HandshakeRefused && cause.reason === 'ERR_SSL_NO_APPLICATION_PROTOCOL';
      throw isAlpn ? notAgreed(this.course.protocol, cause) : cause;
    }
  }

  /** The course's own, unless the request has set another. */
  #identity({ ca, key, cert, pfx }: Target): Pick<DialOptions, 'ca' | 'key' | 'cert'> {
    const { ca: trusted, client } = this.course;
    const shown = key === undefined && cert === undefined && pfx === undefined ? client : { key, cert };
    return { ca: ca ?? trusted, key: shown?.key, cert: shown?.cert };
  }
}

const notResumed = (offered: boolean): ConnectionUnfit =>
  new ConnectionUnfit(
    'SESSION_NOT_RESUMED',
    `the server ${offered ? 'made a full handshake' : 'gave no session to resume'}: a Portcullis listener with clientAuth ` +
      'never resumes; .resumed({ required: false }) allows for it',
  );

const notAgreed = (protocol: Course['protocol'], cause?: unknown): ConnectionUnfit =>
  protocol === 'h2'
    ? new ConnectionUnfit(
        'HTTP2_NOT_NEGOTIATED',
        "the server does not speak HTTP/2: give createServer { http2: true }, or ask by .over('http/1.1')",
        cause,
      )
    : new ConnectionUnfit(
        'HTTP1_NOT_NEGOTIATED',
        "the server does not speak HTTP/1.1: give it { allowHTTP1: true }, or ask by .over('h2')",
        cause,
      );
