import { METHODS, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { Server } from 'node:net';
import type { default as Supertest, Response, Test } from 'supertest';
import type SupertestAgent from 'supertest/lib/agent.js';
import { speaksTls } from '../client/dial.ts';
import { ConfigError } from '../errors.ts';
import { checkArguments, checkKeys } from '../options.ts';
import { Connector } from './connector.ts';
import {
  type Course,
  firstCourse,
  type RequestIdentity,
  type ResumptionOptions,
  type SniOptions,
  turns,
} from './course.ts';
import { equip, type ExchangeFacts, type Sendable, type Transport } from './exchange.ts';
import { LineAgent } from './http1.ts';
import { Sessions } from './http2.ts';
import { noTls, readCa, readPki, serverFor, targetOf } from './server-for.ts';
import type { TestPki } from './test-pki.ts';
import type { TestSession } from './test-session.ts';
import { witnessOf } from './witness.ts';

/** How `request` reaches the server, and whom it trusts. */
export interface RequestOptions {
  /** Whom to trust, in PEM. Without it the server's certificate must be publicly trusted. */
  readonly ca?: string;
  /** Whom to trust is its root; an app alone is served by its server, with its root as `clientAuth.ca`. */
  readonly pki?: TestPki;
}

/** supertest's response, and what the client knows of the connection. Over plain HTTP there is no `tls`. */
export interface TestResponse extends Response, ExchangeFacts {}

/** supertest's request, whose response tells more. */
export interface TestRequest extends Test {
  /** Sends it, as supertest does; what it gives has the facts of the connection as well. */
  then<Result = TestResponse, Failure = never>(
    onfulfilled?: ((response: TestResponse) => Result | PromiseLike<Result>) | null,
    onrejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure>;
}

/**
 * supertest's agent, which can come as a client. Each call gives a new agent, with its own cookies and connections and
 * the headers set so far, and changes nothing of the old one; they can be combined in any order.
 */
export interface TestAgent extends SupertestAgent<TestRequest> {
  /** Shows this client's certificate, and trusts its `ca`, if it has one. */
  as(client: RequestIdentity): TestAgent;
  /** Shows no certificate, as at the beginning. */
  anonymous(): TestAgent;
  /** Speaks this protocol, agreed on by ALPN. Default `'http/1.1'`. */
  over(protocol: 'h2' | 'http/1.1'): TestAgent;
  /** Speaks this version of TLS only. Default: what Node speaks. */
  tls(version: 'TLSv1.2' | 'TLSv1.3'): TestAgent;
  /**
   * Asks for this name by SNI, and by the Host header unless that is set: `.set('Host', x)` never changes the SNI. False,
   * as at the beginning, asks for none. The server's certificate must have the name, or the one that `expect` says.
   */
  sni(name: string | false, options?: SniOptions): TestAgent;
  /** Comes from this address, of this machine. */
  from(localAddress: string): TestAgent;
  /**
   * Resumes a session in each new connection: that of `takeSession()`, or one that a full handshake has brought right
   * before. Rejects with a ConnectionUnfit `SESSION_NOT_RESUMED`, before any request, where the server does not resume,
   * unless `required: false`.
   */
  resumed(options?: ResumptionOptions): TestAgent;
  /** A full handshake for each new connection, as at the beginning. */
  fresh(): TestAgent;
  /**
   * Makes all requests on one connection, until `close()`, or until the server ends it: then on a new one (see
   * `res.tls.reused`). The server must listen already.
   */
  keepAlive(): TestAgent;
  /**
   * Does a full handshake, without a request, and keeps its session, for `.resumed({ session })` of this or another
   * agent: undefined where the server gives none. The server must listen already.
   */
  takeSession(): Promise<TestSession | undefined>;
  /** Ends the connection of `keepAlive()`. */
  close(): void;
}

/**
 * supertest's `agent(server)` over TLS: `request(server).as(client).get('/').expect(200)`. A server that does not
 * listen yet listens on a free port of 127.0.0.1 during the request. The server's certificate is verified, so that it
 * needs 127.0.0.1 among its names. Every request is a new connection, of a full handshake, without SNI.
 *
 * An app alone is served with `{ pki }`: `request(app, { pki })`.
 *
 * A handshake that the server refuses rejects with a HandshakeRefused. A bad option is a ConfigError.
 * Needs the package supertest (7 or later), and its types from @types/supertest.
 */
export function request(server: Server | RequestListener, options: RequestOptions = {}): TestAgent {
  checkArguments(arguments, 2, 'request');
  checkKeys(options, ['ca', 'pki'], 'options');
  const pki = readPki(options.pki);
  return agentOf(serverFor(server, pki), firstCourse(readCa(options.ca ?? pki?.ca)), []);
}

/** What superagent's agent keeps to be done with each request. */
interface Defaults {
  _defaults: Array<{ readonly fn: string; readonly args: readonly unknown[] }>;
  _host?: string;
}

function agentOf(server: Server, course: Course, defaults: Defaults['_defaults']): TestAgent {
  const { ca, client } = course;
  const agent = supertest().agent(server, { ...client, ...(ca !== undefined && { ca }) });
  const own = (agent as unknown as Defaults)._defaults;
  const ownCount = own.length;
  own.push(...defaults);
  const turn = (next: Course): TestAgent =>
    agentOf(server, next, (agent as unknown as Defaults)._defaults.slice(ownCount));
  const calls = Object.entries(turns).map(([name, change]) => [
    name,
    (...given: readonly unknown[]): TestAgent => {
      if (!speaksTls(server)) throw noTls(name);
      return turn(change(course, ...given));
    },
  ]);
  const transport = transportOf(server, course);
  equipAll(agent, server, transport);
  return Object.assign(agent, {
    ...(Object.fromEntries(calls) as Pick<TestAgent, keyof typeof turns>),
    takeSession: async () => {
      if (transport.tls === undefined) throw noTls('takeSession');
      return transport.tls.connector.takeSession(targetOf(server, 'takeSession'));
    },
    close: () => {
      transport.tls?.http1.destroy();
      transport.tls?.http2.destroy();
    },
  }) as TestAgent;
}

function transportOf(server: Server, course: Course): Transport {
  const witness = witnessOf(server);
  if (!speaksTls(server)) return { witness, tls: undefined };
  const connector = new Connector(course, witness);
  return { witness, tls: { connector, http1: new LineAgent(connector), http2: new Sessions(connector) } };
}

/** Whatever request an agent makes travels by its transport. */
function equipAll(agent: object, server: Server, transport: Transport): void {
  const verbs = agent as Record<string, (...given: unknown[]) => Sendable>;
  for (const name of verbNames) {
    const make = verbs[name];
    if (typeof make !== 'function') continue;
    verbs[name] = (...given) => {
      if (transport.tls?.connector.course.keepAlive === true) targetOf(server, 'keepAlive');
      const [path, callback] = given;
      const test = make.call(agent, path);
      equip(test, transport);
      if (typeof callback === 'function') test.end(callback as Parameters<Sendable['end']>[0]);
      return test;
    };
  }
}

/** `query` is superagent's own, for the parameters of all requests. */
const verbNames: readonly string[] = [...METHODS.map((name) => name.toLowerCase()), 'del'].filter(
  (name) => name !== 'query',
);

let loaded: typeof Supertest | undefined;

/** Loaded when first asked for: createTestPki is of use without it. */
function supertest(): typeof Supertest {
  try {
    return (loaded ??= createRequire(import.meta.url)('supertest'));
  } catch (error) {
    throw new ConfigError(
      'OPTION_INVALID',
      'request',
      'the package supertest is not there',
      'Install it: npm install --save-dev supertest @types/supertest.',
      error,
    );
  }
}
