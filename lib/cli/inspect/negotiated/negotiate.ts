import { constants, type X509Certificate } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { groupName, postQuantumGroups } from '../../../connection/groups.ts';
import { readSession } from '../../../connection/session.ts';
import type { HttpFacts, Negotiated, Resumption } from '../inspection.ts';
import { type Approach, type Connection, connectTls, HandshakeFailure, isWordless } from './connect.ts';
import { askHttp, readHsts, type HttpOutcome } from './http.ts';
import { attempt, resumes, tryTls12 } from './resumption.ts';
import { readTicket } from './session.ts';

/** What Node's own client comes to. */
export interface Negotiation {
  readonly negotiated: Negotiated | null;
  readonly failure: HandshakeFailure | undefined;
  /** DER, the leaf first, as it was sent. */
  readonly chain: readonly Buffer[];
  /** OpenSSL's verdict on it: null is trust; undefined where there was no handshake, or no certificate. */
  readonly verdict: string | null | undefined;
  readonly ocspResponse: Buffer | undefined;
  readonly http: HttpFacts | null;
  /** How asking by HTTP went: without a client's certificate an end tells that one is required. */
  readonly outcome: HttpOutcome | undefined;
  readonly resumption: Resumption;
  readonly clientRenegotiation: boolean | null;
}

const protocols = ['h2', 'http/1.1'];

/** Everything that this OpenSSL can still do, for a server that knows nothing better. */
const everything: ConnectionOptions = {
  minVersion: 'TLSv1',
  ciphers: 'ALL:COMPLEMENTOFALL:@SECLEVEL=0',
  secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
};

/** Some handshakes by Node: a usual one, one with a request, and those that try resumption and renegotiation. */
export async function negotiate(approach: Approach, host: string, quick: boolean): Promise<Negotiation> {
  const first = await connectSomehow(approach);
  if (first instanceof HandshakeFailure) return failed(first);
  const { connection, legacy, options } = first;
  const { socket, ocspResponse } = connection;
  const negotiated = factsOf(socket, legacy);
  const chain = chainOf(socket);
  // Node's types say Error; it is a text or null.
  const verdict = socket.authorizationError as unknown as string | null | undefined;
  socket.destroy();
  const asked = await ask(approach, host, options);
  const tls12 = await tryTls12(approach, options, quick);
  return {
    negotiated,
    failure: undefined,
    chain,
    verdict: chain.length === 0 ? undefined : (verdict ?? null),
    ocspResponse,
    http: asked.http,
    outcome: asked.outcome,
    resumption: {
      tls13: asked.resumed,
      tls12Ticket: tls12.ticket,
      tls12SessionId: tls12.sessionId,
      ticketLifetime: asked.lifetime ?? tls12.lifetime,
    },
    clientRenegotiation: tls12.renegotiation,
  };
}

interface Connected {
  readonly connection: Connection;
  readonly legacy: boolean;
  readonly options: ConnectionOptions;
}

async function connectSomehow(approach: Approach): Promise<HandshakeFailure | Connected> {
  const usual = async (): Promise<Connected> => ({
    connection: await connectTls(approach, { ALPNProtocols: protocols }),
    legacy: false,
    options: {},
  });
  const first = await orFailure(usual);
  if (!(first instanceof HandshakeFailure) || first.unreachable || first.code === 'ETIMEDOUT') return first;
  const second = await orFailure(async () => ({
    connection: await connectTls(approach, everything),
    legacy: true,
    options: everything,
  }));
  if (second instanceof HandshakeFailure) return first;
  if (!isWordless(first.code)) return second;
  // Without a word it may have been chance that only the second came about.
  const third = await orFailure(usual);
  if (third instanceof HandshakeFailure) return second;
  second.connection.socket.destroy();
  return third;
}

async function orFailure<T>(work: () => Promise<T>): Promise<T | HandshakeFailure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HandshakeFailure) return error;
    throw error;
  }
}

function factsOf(socket: TLSSocket, legacy: boolean): Negotiated {
  const { name, standardName } = socket.getCipher();
  const protocol = socket.getProtocol() ?? 'unknown';
  const group = groupName(readSession(socket.getSession())?.group) ?? ephemeralGroup(socket);
  return {
    protocol: protocol === 'TLSv1' ? 'TLSv1.0' : protocol,
    cipher: { name, standardName },
    group: group ?? null,
    forwardSecrecy: protocol === 'TLSv1.3' || /^(?:EC)?DHE-/.test(name),
    postQuantum: group !== undefined && postQuantumGroups.has(group),
    alpn: socket.alpnProtocol || null,
    legacy,
  };
}

const ianaNames: Readonly<Record<string, string>> = {
  X25519: 'x25519',
  X448: 'x448',
  prime256v1: 'secp256r1',
  'P-256': 'secp256r1',
};

function ephemeralGroup(socket: TLSSocket): string | undefined {
  const { name } = (socket.getEphemeralKeyInfo() ?? {}) as { name?: string };
  return name === undefined ? undefined : (ianaNames[name] ?? name);
}

/** As it was sent. The issuers of getPeerCertificate() may be roots that this side knows. */
function chainOf(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  let at: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (at !== undefined && chain.length < 32) {
    chain.push(at.raw);
    at = at.issuerCertificate;
  }
  return chain;
}

interface Asked {
  readonly http: HttpFacts | null;
  readonly outcome: HttpOutcome | undefined;
  readonly resumed: boolean | null;
  readonly lifetime: number | null;
}

/** A request by HTTP/1.1, asked again where the connection ends without an answer: that may have been chance. */
async function ask(approach: Approach, host: string, options: ConnectionOptions): Promise<Asked> {
  const first = await askOnce(approach, host, options);
  return first.outcome === 'closed' ? askOnce(approach, host, options) : first;
}

/** Its answer, and the tickets that came before it. */
async function askOnce(approach: Approach, host: string, options: ConnectionOptions): Promise<Asked> {
  const http1 = await attempt(approach, { ...options, ALPNProtocols: ['http/1.1'] });
  // Where h2 is all that is spoken, the tickets come with its settings, and the request is not understood.
  const connection = http1 ?? (await attempt(approach, { ...options, ALPNProtocols: ['h2'] }));
  if (connection === undefined) return { http: null, outcome: undefined, resumed: null, lifetime: null };
  const { alpnProtocol } = connection.socket;
  const is13 = connection.socket.getProtocol() === 'TLSv1.3';
  const answer = await askHttp(connection.socket, host, approach.timeout);
  const outcome = http1 === undefined ? 'silent' : answer;
  const http =
    typeof outcome === 'string'
      ? null
      : { status: outcome.status, hsts: readHsts(outcome.headers.get('strict-transport-security')) };
  if (!is13) return { http, outcome, resumed: null, lifetime: null };
  const session = connection.session();
  const ticket = readTicket(session);
  const again = {
    ...options,
    minVersion: 'TLSv1.3',
    ...(alpnProtocol && { ALPNProtocols: [alpnProtocol] }),
  } as const;
  if (ticket?.ticket !== true)
    // Of a connection that has ended at once the tickets may not have come yet.
    return { http, outcome, resumed: answer === 'closed' ? null : false, lifetime: null };
  const resumed = await resumes(approach, session, again);
  return { http, outcome, resumed, lifetime: ticket.lifetime ?? null };
}

const failed = (failure: HandshakeFailure): Negotiation => ({
  negotiated: null,
  failure,
  chain: [],
  verdict: undefined,
  ocspResponse: undefined,
  http: null,
  outcome: undefined,
  resumption: { tls13: null, tls12Ticket: null, tls12SessionId: null, ticketLifetime: null },
  clientRenegotiation: null,
});
