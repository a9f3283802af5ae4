import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { hostInUrl, readListedName } from '../redirect/redirect-hosts.ts';

/** Says nothing of what was asked: the request went to OpenSSL, and is not known here. */
const body = 'This port speaks HTTPS only: write https:// instead of http://.\n';

/** `location`: where the root of the service is; a 400 without. */
const answerWith = (location: string | undefined): string =>
  [
    location === undefined ? 'HTTP/1.1 400 Bad Request' : 'HTTP/1.1 307 Temporary Redirect',
    ...(location === undefined ? [] : [`Location: ${location}`]),
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');

/**
 * Answers plain HTTP that came to the TLS port, where Node sends nothing: with a redirect to the root of the first host
 * in `names`, those of the default certificate, or a readable 400 where there is none. Only a connection whose first
 * octets OpenSSL has called an HTTP request gets it, before any TLS was spoken on it. Nothing is waited for: the answer
 * says nothing of the request, is shorter than any send buffer, and Node closes the connection all the same.
 */
export function answerPlainHttp(error: unknown, socket: TLSSocket, names: readonly string[]): void {
  const { code } = error as { code?: unknown };
  if (code !== 'ERR_SSL_HTTP_REQUEST' && code !== 'ERR_SSL_HTTPS_PROXY_REQUEST') return;
  const { _parent: raw } = socket as unknown as { _parent?: Socket | null };
  if (raw === undefined || raw === null || raw.destroyed || !raw.writable) return;
  raw.on('error', () => raw.destroy());
  // A proxy is asked to lead elsewhere, and this is none.
  raw.end(answerWith(code === 'ERR_SSL_HTTP_REQUEST' ? rootOf(names, raw.localPort) : undefined));
}

/** Listed names are hosts that a URL carries as they stand, so that no certificate writes a header. */
function rootOf(names: readonly string[], port: number | undefined): string | undefined {
  const host = names.map(readListedName).find((listed) => listed !== undefined && !listed.wildcard);
  if (host === undefined || port === undefined) return undefined;
  return `https://${hostInUrl(host.name)}${port === 443 ? '' : `:${port}`}/`;
}
