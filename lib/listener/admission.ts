import type { IncomingMessage } from 'node:http';
import { type Connection, hostLines } from '../connection/index.ts';
import { PolicyViolation, type PolicyViolationCode } from '../errors.ts';
import { announce, refuse } from '../policy/decision.ts';

/** What the listener itself answers, before any app. */
export interface Answer {
  readonly status: number;
  readonly title: string;
  readonly code?: PolicyViolationCode;
}

const ambiguousHost: Answer = { status: 400, title: 'More than one Host' };
const misdirected: Answer = {
  status: 421,
  title: new PolicyViolation('HOST_MISMATCH', '').message,
  code: 'HOST_MISMATCH',
};

/**
 * Why the listener refuses a request whatever the app would say: two Host lines (RFC 9112 3.2), which a proxy before
 * us may have read the other way, or (`matchHost`) another host than that of the handshake (RFC 9110 15.5.20).
 */
export function refusalOf(
  request: IncomingMessage,
  connection: Connection | undefined,
  matchHost: boolean,
): Answer | undefined {
  if (!matchHost) return hostLines(request).length > 1 ? ambiguousHost : undefined;
  const mismatch =
    connection === undefined ? 'the connection is not known' : connection.hostMismatch(request);
  if (mismatch === undefined) return undefined;
  if (hostLines(request).length > 1) return ambiguousHost;
  announceMismatch(request, connection, mismatch);
  return misdirected;
}

/**
 * Why a listener with `mode: 'required'` refuses a request on a connection that it has let in: the client's certificate
 * has expired since, or been revoked, or its CA is trusted no longer.
 */
export function clientRefusalOf(
  request: IncomingMessage,
  connection: Connection | undefined,
): Answer | undefined {
  const { clientCertificate, clientCertificateError } = connection?.stateAt(Date.now()) ?? {};
  if (clientCertificate !== undefined) return undefined;
  const { code, reason } = clientCertificateError ?? {
    code: 'CLIENT_CERTIFICATE_REQUIRED',
    reason: 'no client certificate',
  };
  announce(refuse(code, reason), () => ({
    request,
    policy: 'requireClientCertificate',
    enforced: true,
    certificate: undefined,
    url: request.url,
  }));
  const { status, message } = new PolicyViolation(code, '');
  return { status, title: message, code };
}

/** Whether it would let in the client of an upgraded connection now, when the trust has changed. */
export async function isStillClient(
  request: IncomingMessage,
  connection: Connection | undefined,
): Promise<boolean> {
  await connection?.pending(Date.now());
  const refusal = clientRefusalOf(request, connection);
  if (refusal?.code !== undefined) connection?.refused(refusal.code);
  return refusal === undefined;
}

function announceMismatch(
  request: IncomingMessage,
  connection: Connection | undefined,
  mismatch: string,
): void {
  announce(refuse('HOST_MISMATCH', mismatch), () => ({
    request,
    policy: 'requireMatchingHost',
    enforced: true,
    certificate: connection?.stateAt(Date.now()).clientCertificate,
    url: request.url,
  }));
}
