import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { messageOf } from '../../../errors.ts';
import type { Endpoint } from '../probe/converse.ts';
import { pauses, wait } from '../probe/patience.ts';

/** How Node's own client shall come to a server. */
export interface Approach {
  readonly endpoint: Endpoint;
  readonly serverName: string | undefined;
  /** Undefined: Node's default roots. */
  readonly ca: readonly string[] | undefined;
  readonly key: string | undefined;
  readonly cert: string | undefined;
  readonly passphrase: string | undefined;
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** A connection whose handshake is over; what comes in later is collected. */
export interface Connection {
  readonly socket: TLSSocket;
  /** The newest session that can be resumed. */
  readonly session: () => Buffer | undefined;
  readonly ocspResponse: Buffer | undefined;
}

/** Ends without a word of TLS: a server's no, its limit on connections, or a path that loses some. */
const wordless: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

export const isWordless = (code: string | undefined): boolean => code !== undefined && wordless.has(code);

/** Why Node came to no handshake: its code, and OpenSSL's words. */
export class HandshakeFailure extends Error {
  override readonly name = 'HandshakeFailure';
  readonly code: string;
  /** No octet of TLS has come from there: it does not listen, or does not answer. */
  readonly unreachable: boolean;

  constructor(code: string, message: string, unreachable: boolean) {
    super(message);
    this.code = code;
    this.unreachable = unreachable;
  }
}

/**
 * One handshake by Node's client, which judges the certificate but lets every one pass. What ends without a word is
 * tried again. Rejects with a HandshakeFailure, or with the signal's reason.
 */
export async function connectTls(approach: Approach, more: ConnectionOptions = {}): Promise<Connection> {
  for (const milliseconds of pauses) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- again only where this one has failed
      return await connectOnce(approach, more);
    } catch (error) {
      if (!(error instanceof HandshakeFailure && isWordless(error.code))) throw error;
      // oxlint-disable-next-line no-await-in-loop -- the pause before the next one
      await wait(milliseconds, approach.signal);
    }
  }
  return connectOnce(approach, more);
}

function connectOnce(approach: Approach, more: ConnectionOptions): Promise<Connection> {
  const { endpoint, timeout, signal } = approach;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    let socket: TLSSocket;
    try {
      socket = connect({ ...optionsOf(approach), ...more });
    } catch (error) {
      // An option that this OpenSSL does not know: an old group, a cipher.
      reject(new HandshakeFailure(codeOf(error), wordsOf(error), false));
      return;
    }
    let connected = false;
    let session: Buffer | undefined;
    let ocspResponse: Buffer | undefined;
    const settle = (): void => clearTimeout(timer);
    const fail = (code: string, message: string): void => {
      settle();
      socket.destroy();
      reject(new HandshakeFailure(code, message, !connected));
    };
    const onAbort = (): void => {
      settle();
      socket.destroy();
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => fail('ETIMEDOUT', `no answer to ${endpoint.address} in time`), timeout);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => (connected = true));
    socket.on('session', (given) => (session = given));
    socket.once('OCSPResponse', (response: Buffer | null) => (ocspResponse = response ?? undefined));
    socket.on('error', (error) => fail(codeOf(error), wordsOf(error)));
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      fail('ECONNRESET', 'the server closed the connection');
    });
    socket.once('secureConnect', () => {
      settle();
      resolve({ socket, ocspResponse, session: () => session ?? socket.getSession() ?? undefined });
    });
  });
}

const codeOf = (error: unknown): string =>
  String((error as { code?: unknown } | undefined)?.code ?? 'ERR_UNKNOWN');

/** OpenSSL's own line has a thread and a source file in it, which differ from run to run. */
function wordsOf(error: unknown): string {
  const { reason } = error as { reason?: unknown };
  if (typeof reason === 'string') return reason;
  const message = messageOf(error);
  return /(?:^|:)error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/.exec(message)?.[1] ?? message;
}

/** Node's types forget one that its client has. */
type ClientOptions = ConnectionOptions & { readonly requestOCSP: boolean };

function optionsOf(approach: Approach): ClientOptions {
  const { endpoint, serverName, ca, key, cert, passphrase } = approach;
  return {
    host: endpoint.address,
    port: endpoint.port,
    // Whether the name is right is judged by the certificate that was sent, for all chains alike.
    checkServerIdentity: () => undefined,
    rejectUnauthorized: false,
    requestOCSP: true,
    ...(serverName !== undefined && { servername: serverName }),
    ...(ca !== undefined && { ca: [...ca] }),
    ...(key !== undefined && { key }),
    ...(cert !== undefined && { cert }),
    ...(passphrase !== undefined && { passphrase }),
  };
}
