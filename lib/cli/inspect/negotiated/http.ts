import type { Duplex } from 'node:stream';
import type { HttpFacts } from '../inspection.ts';

/** The head of an HTTP/1.1 response. Header names are lower case; the first of several of a name counts. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** How asking went: an answer, nothing within the time, or an end without an answer. */
export type HttpOutcome = ResponseHead | 'silent' | 'closed';

const longestHead = 65_536;

/** GET / with `Connection: close`; the response is read to the end of its head, and the connection is left. */
export function askHttp(socket: Duplex, host: string, timeout: number): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    let text = '';
    const end = (outcome: HttpOutcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end('silent'), timeout);
    socket.on('error', () => end('closed'));
    socket.once('close', () => end('closed'));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const at = text.indexOf('\r\n\r\n');
      if (at !== -1) end(readHead(text.slice(0, at)) ?? 'closed');
      else if (text.length > longestHead) end('closed');
    });
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: portcullis-inspect\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
  });
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
  return { status: Number(status), headers };
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
