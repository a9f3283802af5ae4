import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { request as requestHttps } from 'node:https';

/** What a client sends. `chunks` are written one by one, without a length. */
export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  readonly chunks?: readonly string[];
  readonly trailers?: Readonly<Record<string, string>>;
}

/** What a client gets. */
export interface Got {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
  readonly trailers: Record<string, unknown>;
  /** The interim answers. */
  readonly interim: ReadonlyArray<{ status: number; headers: Record<string, unknown> }>;
}

const sessions: ClientHttp2Session[] = [];

/** A session that trusts everybody, until `closeSessions`. */
export async function openSession(
  port: number,
  options: SecureClientSessionOptions = {},
  host = '127.0.0.1',
): Promise<ClientHttp2Session> {
  const session = connect(`https://${host}:${port}`, { rejectUnauthorized: false, ...options });
  sessions.push(session);
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

/** For `afterEach`, before the server is closed. */
export function closeSessions(): void {
  for (const session of sessions.splice(0)) session.destroy();
}

/** One request over HTTP/2, and the whole answer. Rejects where the stream is reset. */
export async function overHttp2(session: ClientHttp2Session, sent: Sent): Promise<Got> {
  const { method = 'GET', path, headers = {}, body, chunks, trailers } = sent;
  const hasBody = body !== undefined || chunks !== undefined || trailers !== undefined;
  const lines: OutgoingHttpHeaders = { ':method': method, ':path': path, ...headers };
  if (body !== undefined) lines['content-length'] = String(Buffer.byteLength(body));
  const stream = session.request(lines, { endStream: !hasBody, waitForTrailers: trailers !== undefined });
  stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers }));
  const interim: Array<{ status: number; headers: Record<string, unknown> }> = [];
  stream.on('headers', (given: IncomingHttpHeaders) => {
    const { ':status': status, ...rest } = given;
    interim.push({ status: Number(status), headers: { ...rest } });
  });
  stream.on('continue', () => interim.push({ status: 100, headers: {} }));
  let gotTrailers: Record<string, unknown> = {};
  stream.on(
    'trailers',
    (given: IncomingHttpHeaders) => (gotTrailers = Object.fromEntries(Object.entries(given))),
  );
  const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
  const octets: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => octets.push(chunk));
  const closed = new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', () => {
      if (stream.rstCode === 0) resolve();
      else reject(new Error(`reset with ${stream.rstCode}`));
    });
  });
  closed.catch(() => {});
  for (const chunk of chunks ?? []) stream.write(chunk);
  if (hasBody) stream.end(body);
  const [{ ':status': status, ...rest }] = await Promise.race([answered, closed.then(() => answered)]);
  await closed;
  return {
    status: Number(status),
    headers: { ...rest },
    body: Buffer.concat(octets),
    trailers: gotTrailers,
    interim,
  };
}

/** The same over HTTP/1.1, on a connection of its own. */
export async function overHttp1(port: number, sent: Sent, host = '127.0.0.1'): Promise<Got> {
  const { method = 'GET', path, headers = {}, body, chunks, trailers } = sent;
  const outgoing = requestHttps({
    host,
    port,
    method,
    path,
    headers: { ...headers, ...framing(sent) },
    rejectUnauthorized: false,
    agent: false,
  });
  // An answer may come before all is sent.
  outgoing.on('error', () => {});
  const interim: Array<{ status: number; headers: Record<string, unknown> }> = [];
  outgoing.on('information', ({ statusCode, headers: given }) =>
    interim.push({ status: statusCode, headers: { ...given } }),
  );
  outgoing.on('continue', () => interim.push({ status: 100, headers: {} }));
  for (const chunk of chunks ?? []) outgoing.write(chunk);
  if (trailers !== undefined) outgoing.addTrailers(trailers);
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  outgoing.end(body);
  const [incoming] = await answered;
  const octets: Buffer[] = [];
  for await (const chunk of incoming) octets.push(chunk as Buffer);
  return {
    status: incoming.statusCode!,
    headers: { ...incoming.headers },
    body: Buffer.concat(octets),
    trailers: { ...incoming.trailers },
    interim,
  };
}

/** All at once, as with `Expect` Node sends the head before anything can be added. */
function framing({ body, chunks, trailers }: Sent): Record<string, string> {
  if (body !== undefined) return { 'Content-Length': String(Buffer.byteLength(body)) };
  if (trailers !== undefined)
    return { 'Transfer-Encoding': 'chunked', Trailer: Object.keys(trailers).join() };
  return chunks === undefined ? {} : { 'Transfer-Encoding': 'chunked' };
}
