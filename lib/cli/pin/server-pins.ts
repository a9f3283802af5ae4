import { once } from 'node:events';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { messageOf } from '../../errors.ts';
import { readCertificate } from '../../x509/certificate.ts';
import { CliFailure } from '../failure.ts';
import { codeOf } from '../input/read-file.ts';
import { pinnedCertificate, type Pinned } from './pinned.ts';

/** Whom to connect to, and the name to ask for (SNI), which an address does not have (RFC 6066 3). */
export interface AskedServer {
  readonly host: string;
  readonly port: number;
  readonly servername: string | undefined;
}

/** How long a server may take (ms). */
const patience = 10_000;
/** No chain is longer; one that never ended would not end here. */
const longest = 16;

/**
 * The pins of what a server shows: its certificate, then its issuers as it sends them. Nothing is verified, so that
 * whoever stands between sees to it that these are his own.
 */
export async function pinsOfServer(target: AskedServer, stop: AbortSignal): Promise<readonly Pinned[]> {
  const options: ConnectionOptions & { readonly requestOCSP: boolean } = {
    host: target.host,
    port: target.port,
    ...(target.servername !== undefined && { servername: target.servername }),
    rejectUnauthorized: false,
    // Old servers have pins as well; no trust is built on this connection.
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
    // Not the system's roots, which would appear among what the server has sent.
    ca: [],
    ALPNProtocols: ['h2', 'http/1.1'],
    requestOCSP: true,
  };
  const socket = connect(options);
  let shown: DetailedPeerCertificate | undefined;
  // Between the server's certificate and ours: a TLS 1.2 server that wants one of us ends the handshake then.
  socket.once('OCSPResponse', () => (shown = socket.getPeerCertificate(true)));
  try {
    await connected(socket, target, stop);
    return pinsOf(socket.getPeerCertificate(true));
  } catch (error) {
    if (shown?.raw === undefined || stop.aborted) throw error;
    return pinsOf(shown);
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

async function connected(socket: TLSSocket, target: AskedServer, stop: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(patience);
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.any([late, stop]) });
  } catch (error) {
    throw stop.aborted ? new CliFailure('given up') : failureOf(error, target, late.aborted);
  }
}

function failureOf(error: unknown, { host, port }: AskedServer, isLate: boolean): CliFailure {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (isLate) return new CliFailure(`${where} has not answered within ${patience / 1_000} s`);
  switch (codeOf(error) ?? '') {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliFailure(`there is no host ${host}, and no such file`);
    case 'ECONNREFUSED':
      return new CliFailure(`${where} refuses connections`, 'Is something listening there?');
    case 'ECONNRESET':
      return new CliFailure(
        `${where} has ended the handshake`,
        'It may not speak TLS, or want another --servername.',
      );
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return new CliFailure(`${where} does not speak TLS`);
    default:
      return new CliFailure(`no handshake with ${where}: ${messageOf(error)}`, undefined, undefined, error);
  }
}

function pinsOf(leaf: DetailedPeerCertificate): Pinned[] {
  const found: Pinned[] = [];
  const seen = new Set<DetailedPeerCertificate>();
  for (
    let next: DetailedPeerCertificate | undefined = leaf;
    next?.raw !== undefined;
    next = next.issuerCertificate
  ) {
    if (seen.has(next) || found.length === longest) break;
    seen.add(next);
    const certificate = readCertificate(next.raw);
    if (certificate === undefined) throw new CliFailure('the server shows a certificate that is damaged');
    found.push(pinnedCertificate(certificate));
  }
  if (found.length === 0) throw new CliFailure('the server shows no certificate');
  return found;
}
