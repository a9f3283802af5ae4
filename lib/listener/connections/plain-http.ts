import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Says nothing of what was asked: the request went to OpenSSL, and is not known here. */
const body = 'This port speaks HTTPS only: write https:// instead of http://.\n';
const answer = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${Buffer.byteLength(body)}`,
  'Cache-Control: no-store',
  'Connection: close',
  '',
  body,
].join('\r\n');

/**
 * Answers plain HTTP that came to the TLS port with a readable 400, where Node sends nothing. Only a connection whose
 * first octets OpenSSL has called an HTTP request gets it, before any TLS was spoken on it. Nothing is waited for:
 * the answer is constant, shorter than any send buffer, and Node closes the connection all the same.
 */
export function answerPlainHttp(error: unknown, socket: TLSSocket): void {
  const { code } = error as { code?: unknown };
  if (code !== 'ERR_SSL_HTTP_REQUEST' && code !== 'ERR_SSL_HTTPS_PROXY_REQUEST') return;
  const { _parent: raw } = socket as unknown as { _parent?: Socket | null };
  if (raw === undefined || raw === null || raw.destroyed || !raw.writable) return;
  raw.on('error', () => raw.destroy());
  raw.end(answer);
}
