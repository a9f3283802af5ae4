import { METHODS } from 'node:http';

/** What a request's pseudo-headers say (RFC 9113 8.3.1). */
export interface RequestLine {
  readonly method: string;
  readonly path: string;
  /** As HTTP/1.1 would have brought them: `host` for `:authority`, and no pseudo-headers. Names and values in turn. */
  readonly lines: string[];
}

/**
 * Reads the header lines of a request. `Host` beside `:authority` stays only where it differs, so that whoever counts
 * hosts finds two. A body without a length gets `transfer-encoding`, as by nothing else HTTP/1.1's parsers of bodies
 * would see that there is one, and their limits of size would not hold.
 */
export function readRequestLine(raw: readonly string[], hasBody: boolean): RequestLine {
  const lines: string[] = [];
  let [method, path, authority, sized] = ['', '', undefined as string | undefined, false];
  for (let index = 0; index < raw.length; index += 2) {
    const [name, value] = [raw[index]!, raw[index + 1]!];
    if (name.charCodeAt(0) !== colon) {
      if (name === 'host' && value === authority) continue;
      if (name === 'content-length') sized = true;
      lines.push(name, value);
    } else if (name === ':method') method = value;
    else if (name === ':path') path = value;
    else if (name === ':authority') lines.push('host', (authority = value));
  }
  if (hasBody && !sized) lines.push('transfer-encoding', 'chunked');
  return { method, path, lines };
}

const colon = 58;
const methods: ReadonlySet<string> = new Set(METHODS);

/**
 * The status with which a request is refused before anybody sees it, as Node's parser of HTTP/1.1 would refuse it: 431
 * for more than `maxSize` octets of header fields; 501 for a method that Node does not know, as `delete`, which a guard
 * that asks for `DELETE` would not see and Express would route to it; 400 for a `:path` that is none (RFC 9113 8.3.1),
 * which nghttp2 lets pass beside a scheme that it does not know.
 */
export function refusalStatus(raw: readonly string[], maxSize: number): 400 | 431 | 501 | undefined {
  // Node holds a client to the limit only once it has acknowledged it, which a hostile one need not.
  if (headerListSize(raw) > maxSize) return 431;
  let [method, path] = ['', ''];
  for (let index = 0; raw[index]?.charCodeAt(0) === colon; index += 2) {
    if (raw[index] === ':method') method = raw[index + 1]!;
    else if (raw[index] === ':path') path = raw[index + 1]!;
  }
  if (!methods.has(method)) return 501;
  const fits = path.startsWith('/') || method === 'CONNECT' || (method === 'OPTIONS' && path === '*');
  return fits ? undefined : 400;
}

/** The size of a request's header fields in octets, by the measure of SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 6.5.2). */
function headerListSize(raw: readonly string[]): number {
  let size = 16 * raw.length;
  for (const text of raw) size += text.length;
  return size;
}
