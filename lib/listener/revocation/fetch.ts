import { lookup } from 'node:dns';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { systemClock, within } from '../../clock.ts';

/** What is asked of another server: a responder, or whoever has a revocation list. */
export interface FetchRequest {
  /** http or https. */
  readonly url: string;
  /** Makes it a POST. */
  readonly body?: Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For the whole of it, in milliseconds. */
  readonly timeout: number;
  /** Of the answer. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Why this address is not to be connected to, for the host of that name; undefined: it may be. */
  readonly objection: (host: string, address: string) => string | undefined;
}

export interface FetchAnswer {
  /** 200, or 304 where nothing has changed; then `body` is empty. */
  readonly status: 200 | 304;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** How somebody is asked; rejects where there is no answer, or another than 200 and 304. */
export type Fetch = (request: FetchRequest) => Promise<FetchAnswer>;

/**
 * Asks over a connection of its own. No redirect is followed, and the address that is connected to is the one that was
 * looked at, so that a name cannot mean another one a moment later. A certificate of https is verified as Node does.
 */
export function fetchBounded(asked: FetchRequest): Promise<FetchAnswer> {
  // Whatever Node makes of what a server sends, somebody waits for this.
  return within(systemClock, asked.timeout, 'it does not answer in time', answerTo(asked));
}

function answerTo(asked: FetchRequest): Promise<FetchAnswer> {
  const { url, body, timeout, maxBytes, signal, objection } = asked;
  return new Promise((resolve, reject) => {
    const { hostname, protocol } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const refused = isIP(host) === 0 ? undefined : objection(host, host);
    if (refused !== undefined) throw new Error(refused);
    const request = (protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...asked.headers,
        ...(body !== undefined && { 'Content-Length': body.length }),
        Connection: 'close',
      },
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      lookup: lookupGuarded(objection),
    });
    request.on('error', reject);
    // A 101 that nobody has asked for: Node destroys the socket and tells of it by 'close' alone.
    const unanswered = (): void => reject(new Error('it has ended the connection without an answer'));
    request.on('close', unanswered);
    request.on('response', (response) => {
      // What has come already may still be read when the connection has closed.
      request.off('close', unanswered);
      const { statusCode: status, headers } = response;
      if (status === 304) resolve({ status, headers, body: Buffer.alloc(0) });
      else if (status === 200)
        read(response, maxBytes).then((octets) => resolve({ status, headers, body: octets }), reject);
      else reject(new Error(`it answers with the status ${status}`));
      if (status !== 200) request.destroy();
    });
    request.end(body);
  });
}

async function read(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): Error => new Error(`the answer is larger than ${maxBytes} octets`);
  if (Number(response.headers['content-length']) > maxBytes) {
    response.destroy();
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop destroys the response, and its connection with it.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function lookupGuarded(objection: FetchRequest['objection']): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, found: unknown, family) => {
      const refused = error ?? refusalOf(hostname, found, objection);
      (callback as (error: Error | null, found: unknown, family: number) => void)(refused, found, family);
    });
  };
}

/** Never throws, as nobody would catch it: an address that cannot be judged is refused as well. */
function refusalOf(hostname: string, found: unknown, objection: FetchRequest['objection']): Error | null {
  const addresses = Array.isArray(found)
    ? (found as Array<{ address: string }>)
    : [{ address: String(found) }];
  try {
    for (const { address } of addresses) {
      const refused = objection(hostname, address);
      if (refused !== undefined) return new Error(refused);
    }
    return null;
  } catch (error) {
    return new Error(`where ${hostname} is cannot be told`, { cause: error });
  }
}
