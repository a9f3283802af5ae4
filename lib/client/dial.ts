import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { isIP, type Server as NetServer } from 'node:net';
import {
  checkServerIdentity,
  connect,
  type ConnectionOptions,
  type PeerCertificate,
  Server,
  type TLSSocket,
} from 'node:tls';
import { groupName } from '../connection/groups.ts';
import { readSession } from '../connection/session.ts';

/** One TLS connection, every part of it at will. Nothing is judged here beyond what Node's client does. */
export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** The address that it comes from. */
  readonly localAddress?: string | undefined;
  readonly ca?: ConnectionOptions['ca'];
  readonly key?: ConnectionOptions['key'];
  readonly cert?: ConnectionOptions['cert'];
  readonly pfx?: ConnectionOptions['pfx'];
  readonly passphrase?: string | undefined;
  /** SNI; without it none is sent. */
  readonly serverName?: string | undefined;
  /** The name or address that the server's certificate must have. */
  readonly expectedName: string;
  /** Only this version; otherwise what Node speaks. */
  readonly version?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  readonly alpn: readonly string[];
  /** What is to be resumed. */
  readonly session?: Buffer | undefined;
  /** False: whatever the server shows is good. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** The client's side of a connection, in words and numbers. */
export interface DialFacts {
  readonly protocol: string;
  readonly cipher: { readonly name: string; readonly standardName: string };
  /** IANA name; undefined where it is not known. */
  readonly group: string | undefined;
  readonly alpn: string | undefined;
  readonly resumed: boolean;
  /** The SNI that was sent. */
  readonly serverName: string | undefined;
  readonly serverCertificate:
    | { readonly fingerprint256: string; readonly pin: string; readonly pem: string }
    | undefined;
}

/** A connection whose handshake is over on this side: over TLS 1.3 the server may still refuse the client. */
export interface Dialled {
  readonly socket: TLSSocket;
  readonly localPort: number | undefined;
  readonly facts: DialFacts;
  /** The newest session that the server has given until now. */
  readonly session: () => Buffer | undefined;
}

/** A failed handshake, with the port that it came from, where it had come so far. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly localPort: number | undefined;

  constructor(cause: Error, localPort: number | undefined) {
    super(cause.message, { cause });
    this.localPort = localPort;
  }
}

/** Rejects with a DialError; its `cause` is Node's own error. */
export async function dial(options: DialOptions): Promise<Dialled> {
  const socket = connect(connectionOptions(options));
  let localPort: number | undefined;
  let session: Buffer | undefined;
  // Whoever takes the connection adds listeners of its own, perhaps a turn too late for an early reset.
  socket.on('error', () => undefined);
  // Before all else, as it is not known any more once the connection is gone.
  socket.once('connect', () => (localPort = socket.localPort));
  socket.on('session', (given) => (session = given));
  try {
    await once(socket, 'secureConnect');
  } catch (error) {
    throw new DialError(error as Error, localPort);
  }
  return { socket, localPort, facts: factsOf(socket, options.serverName), session: () => session };
}

function connectionOptions(options: DialOptions): ConnectionOptions {
  const { serverName, expectedName, version, alpn, host, port, localAddress, session } = options;
  return {
    host,
    port,
    ca: options.ca,
    key: options.key,
    cert: options.cert,
    pfx: options.pfx,
    passphrase: options.passphrase,
    // Empty: none, as with an address.
    servername: serverName ?? '',
    checkServerIdentity: (_name, certificate) => objectionTo(certificate, expectedName),
    ALPNProtocols: [...alpn],
    rejectUnauthorized: options.rejectUnauthorized !== false,
    ...(localAddress !== undefined && { localAddress }),
    ...(session !== undefined && { session }),
    ...(version !== undefined && { minVersion: version, maxVersion: version }),
  };
}

/** Node 22.23 compares an IPv6 address as it is written with one that is written out; OpenSSL compares octets. */
function objectionTo(certificate: PeerCertificate, name: string): Error | undefined {
  if (isIP(name) !== 0 && new X509Certificate(certificate.raw).checkIP(name) !== undefined) return undefined;
  return checkServerIdentity(name, certificate);
}

function factsOf(socket: TLSSocket, serverName: string | undefined): DialFacts {
  const { name, standardName } = socket.getCipher();
  return Object.freeze({
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: Object.freeze({ name, standardName }),
    group: groupName(readSession(socket.getSession())?.group),
    alpn: socket.alpnProtocol === false || socket.alpnProtocol === null ? undefined : socket.alpnProtocol,
    resumed: socket.isSessionReused(),
    serverName,
    serverCertificate: describeCertificate(socket.getPeerX509Certificate()),
  });
}

function describeCertificate(certificate: X509Certificate | undefined): DialFacts['serverCertificate'] {
  if (certificate === undefined) return undefined;
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return Object.freeze({
    fingerprint256: certificate.fingerprint256,
    pin: `sha256/${createHash('sha256').update(key).digest('base64')}`,
    pem: certificate.toString(),
  });
}

export type Http2Session = ClientHttp2Session;
export type Http2Stream = ClientHttp2Stream;

/** HTTP/2 on a connection that has chosen it. */
export const speakHttp2 = (authority: string, { socket }: Dialled): ClientHttp2Session =>
  connectHttp2(`https://${authority}`, { createConnection: () => socket });

/**
 * Ends a connection in order and gives the session that can be resumed: what TLS 1.3 gives after the handshake stands
 * before the server's own end. Rejects where the server did not end in order.
 */
export async function endForSession(dialled: Dialled): Promise<Buffer | undefined> {
  const { socket } = dialled;
  const failed = new Promise<never>((_settle, fail) => socket.once('error', fail));
  failed.catch(() => undefined);
  if (dialled.facts.alpn === 'h2') await endHttp2(dialled, failed);
  else {
    socket.resume();
    socket.end();
    if (!socket.readableEnded) await Promise.race([once(socket, 'end'), closedEarly(socket), failed]);
  }
  socket.destroy();
  return dialled.session();
}

async function endHttp2(dialled: Dialled, failed: Promise<never>): Promise<void> {
  const session = speakHttp2('localhost', dialled);
  session.on('error', () => undefined);
  await Promise.race([once(session, 'remoteSettings'), closedEarly(session), failed]);
  session.close();
}

/** Where it is closed before its end, it was cut. */
function closedEarly(source: { once(event: 'close', listener: () => void): unknown }): Promise<never> {
  return new Promise((_settle, fail) => {
    source.once('close', () =>
      fail(Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' })),
    );
  });
}

/** Whether a server speaks TLS. */
export const speaksTls = (server: NetServer): boolean => server instanceof Server;
