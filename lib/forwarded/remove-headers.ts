import type { IncomingMessage } from 'node:http';
import type { HeaderNames } from './header-names.ts';

type HeaderTest = (name: string) => boolean;

const none: HeaderTest = () => false;

/**
 * Removes headers from a request in each form in which Node gives them, and from its trailers when they come; not those
 * to `keep`. True where it has removed some of the headers.
 */
export function removeHeaders(
  request: IncomingMessage,
  names: HeaderNames,
  keep: HeaderTest = none,
): boolean {
  const { rawHeaders } = request;
  const isMeant: HeaderTest = (name) => names.covers(name) && !keep(name);
  const found = holdsAny(rawHeaders, isMeant);
  // Node makes them out of the raw ones when they are first asked for, and counts on their number: first they, then those.
  if (found) forget([request.headers, request.headersDistinct], rawHeaders, isMeant);
  if (request.complete) removeTrailers(request, names);
  else if (mayHaveTrailers(request)) request.prependOnceListener('end', () => removeTrailers(request, names));
  return found;
}

function removeTrailers(request: IncomingMessage, names: HeaderNames): void {
  const { rawTrailers } = request;
  const isMeant: HeaderTest = (name) => names.covers(name);
  if (holdsAny(rawTrailers, isMeant))
    forget([request.trailers, request.trailersDistinct], rawTrailers, isMeant);
}

/** RFC 9112 7.1.2; over HTTP/2 any request with a body may (RFC 9113 8.1). */
const mayHaveTrailers = ({ httpVersionMajor, headers }: IncomingMessage): boolean =>
  httpVersionMajor >= 2 || headers['transfer-encoding'] !== undefined;

function holdsAny(raw: readonly string[], isMeant: HeaderTest): boolean {
  for (let index = 0; index < raw.length; index += 2) if (isMeant(raw[index]!)) return true;
  return false;
}

function forget(forms: ReadonlyArray<Record<string, unknown>>, raw: string[], isMeant: HeaderTest): void {
  for (const form of forms)
    for (const name of Object.keys(form)) if (isMeant(name)) Reflect.deleteProperty(form, name);
  let kept = 0;
  for (let index = 0; index < raw.length; index += 2) {
    if (isMeant(raw[index]!)) continue;
    [raw[kept], raw[kept + 1]] = [raw[index]!, raw[index + 1]!];
    kept += 2;
  }
  raw.length = kept;
}
