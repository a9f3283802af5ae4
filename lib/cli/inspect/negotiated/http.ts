import type { Duplex } from 'node:stream';
import type { HttpFacts } from '../inspection.ts';

/** The head of an HTTP/1.1 response. Header names are lower case; the first of several of a name counts. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** How the body begins, where the status says that the request was wrong: proxies tell there what is missing. */
  readonly words: string;
}

/** How asking went: an answer, nothing within the time, or an end without an answer. */
export type HttpOutcome = ResponseHead | 'silent' | 'closed';

const longestHead = 65_536;
const mostWords = 4096;

/** GET / with `Connection: close`; the response is read to the end of its head, and the connection is left. */
export function askHttp(socket: Duplex, host: string, timeout: number): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    let text = '';
    const end = (outcome: 'silent' | 'closed'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(readResponse(text)?.head ?? outcome);
    };
    const timer = setTimeout(() => end('silent'), timeout);
    socket.on('error', () => end('closed'));
    socket.once('close', () => end('closed'));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.length > longestHead || readResponse(text)?.isEnough === true) end('closed');
    });
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: portcullis-inspect\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
  });
}

/** What has come so far; undefined before the end of its head. */
function readResponse(text: string): { head: ResponseHead | undefined; isEnough: boolean } | undefined {
  const at = text.indexOf('\r\n\r\n');
  if (at === -1 || at > longestHead) return undefined;
  const head = readHead(text.slice(0, at));
  if (head?.status !== 400) return { head, isEnough: true };
  const words = text.slice(at + 4, at + 4 + mostWords);
  const length = Number(head.headers.get('content-length') ?? mostWords);
  return { head: { ...head, words }, isEnough: words.length >= Math.min(length, mostWords) };
}

/** Reads a status line and header lines; undefined where it is no HTTP. */
export function readHead(text: string): ResponseHead | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined || headers.has(name.toLowerCase())) continue;
    headers.set(name.toLowerCase(), value);
  }
  return { status: Number(status), headers, words: '' };
}

/** Reads Strict-Transport-Security (RFC 6797 6.1); null where it is not there or invalid. */
export function readHsts(value: string | undefined): HttpFacts['hsts'] {
  if (value === undefined) return null;
  const directives = new Map<string, string>();
  for (const part of value.split(';')) {
    const [name = '', ...rest] = part.split('=');
    const key = name.trim().toLowerCase();
    if (key === '') continue;
    // A directive that comes twice makes the whole invalid.
    if (directives.has(key)) return null;
    directives.set(key, rest.join('=').trim());
  }
  const seconds = /^(?:"(\d{1,15})"|(\d{1,15}))$/.exec(directives.get('max-age') ?? '');
  if (seconds === null) return null;
  return {
    maxAge: Number(seconds[1] ?? seconds[2]),
    includeSubDomains: directives.has('includesubdomains'),
    preload: directives.has('preload'),
  };
}
