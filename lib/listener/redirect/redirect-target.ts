import type { IncomingMessage } from 'node:http';
import { hostLines } from '../../connection/index.ts';
import { readAuthority, type RedirectHost } from './redirect-hosts.ts';

/** What a plain request asks for. */
export interface RedirectTarget {
  readonly host: RedirectHost;
  /** Path and query as sent, octet for octet; begins with '/'. */
  readonly path: string;
}

/**
 * Reads where a request wanted to go, or undefined where that is not one certain place: no Host or two, a Host that is
 * no host, an absolute target that names another (RFC 9112 3.2.2) or none, user information, a fragment, `*`, CONNECT.
 */
export function readTarget(request: IncomingMessage): RedirectTarget | undefined {
  const [line, ...more] = hostLines(request);
  const host = line === undefined || more.length > 0 ? undefined : readAuthority(line);
  const { url = '' } = request;
  // What leaves here as a header holds no control character, whatever the parser lets through, now or by a flag.
  if (host === undefined || !/^[\x21-\x22\x24-\x7e]+$/.test(url)) return undefined;
  if (url.startsWith('/')) return { host, path: url };
  const absolute = /^http:\/\/([^/?]*)(.*)$/i.exec(url);
  if (absolute === null || readAuthority(absolute[1]!)?.name !== host.name) return undefined;
  const rest = absolute[2]!;
  return { host, path: rest.startsWith('/') ? rest : `/${rest}` };
}
