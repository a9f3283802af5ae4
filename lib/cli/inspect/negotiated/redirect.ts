import { connect } from 'node:net';
import { parseUrl } from '../../../url.ts';
import type { RedirectFacts } from '../inspection.ts';
import { askHttp } from './http.ts';

/** What the plain port answers to GET /: whether it sends on to https. */
export async function askRedirect(
  address: string,
  port: number,
  host: string,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<RedirectFacts> {
  const socket = connect({ host: address, port, signal });
  const outcome = await askHttp(socket, port === 80 ? host : `${host}:${port}`, timeout);
  if (typeof outcome === 'string') return { port, status: null, location: null, toHttps: false };
  const location = outcome.headers.get('location') ?? null;
  const isRedirect = [301, 302, 303, 307, 308].includes(outcome.status);
  const scheme = location === null ? undefined : parseUrl(location)?.protocol;
  return { port, status: outcome.status, location, toHttps: isRedirect && scheme === 'https:' };
}
