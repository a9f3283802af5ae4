import { alertName } from './alerts.ts';
import { HandshakeError, type TlsClientError } from './errors.ts';
import type { Target } from './judgement.ts';
import { type ClientProtocol, wordsOf } from './protocol.ts';

interface NodeError {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
}

/**
 * What has ended a handshake, as a HandshakeError: OpenSSL's errors, and alerts of the server's also later, as over TLS
 * 1.3 it refuses a client when that is done. Undefined for what is the network's.
 */
export function handshakeFailure(
  error: unknown,
  isEstablished: boolean,
  protocol: ClientProtocol,
  target: Target,
): TlsClientError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, reason: words, message } = error as NodeError;
  if (typeof code !== 'string') return undefined;
  const isOpenSsl = code.startsWith('ERR_SSL_') || code === 'EPROTO';
  const alert = isOpenSsl ? alertOf(code, String(message)) : undefined;
  if (!isOpenSsl || (isEstablished && alert === undefined)) return undefined;
  const [problem, remedy] = told(code, alert);
  const seen = alert === undefined ? String(words ?? message) : `the alert ${alert}`;
  return new HandshakeError(
    { reason: code, alert, problem, remedy, cause: error },
    { ...target, expected: wordsOf(protocol), seen },
  );
}

/** By its number, as OpenSSL's own words for it vary: `ERR_SSL_SSL/TLS_ALERT_…`, `ERR_SSL_TLSV1_UNRECOGNIZED_NAME`. */
function alertOf(code: string, message: string): string | undefined {
  const number = /SSL alert number (\d+)/.exec(message)?.[1];
  if (number !== undefined) return alertName(Number(number));
  return /ALERT_([A-Z_]+)$/.exec(code)?.[1]?.toLowerCase();
}

/** Alerts by which a server says something of the client's certificate. */
const aboutClient: ReadonlySet<string> = new Set([
  'access_denied',
  'bad_certificate',
  'certificate_expired',
  'certificate_required',
  'certificate_revoked',
  'certificate_unknown',
  'unknown_ca',
  'unsupported_certificate',
]);

const notTls: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);

function told(code: string, alert: string | undefined): readonly [problem: string, remedy: string] {
  if (alert !== undefined && aboutClient.has(alert))
    return [
      "the server has refused this client's certificate, or that it has none",
      'Give key and cert of a client that it knows.',
    ];
  if (alert !== undefined)
    return ['the server has ended the handshake', 'It may not speak what the profile offers: see `alert`.'];
  if (notTls.has(code)) return ['the server does not speak TLS there', 'Check the port.'];
  return ['the handshake has failed', 'The server offers nothing that the profile takes: see `reason`.'];
}
