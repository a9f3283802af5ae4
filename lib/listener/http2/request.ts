import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { exchangeOf } from './exchange.ts';
import { resetStream } from './stream-socket.ts';
import type { RequestLine } from './header-lines.ts';
import { constants } from './node-http2.ts';

const streamKey = Symbol('portcullis.http2Stream');
const trailersKey = Symbol('portcullis.http2Trailers');
const endedKey = Symbol('portcullis.http2BodyEnded');

/** What Node's own parser fills in. */
interface Internals {
  [streamKey]: ServerHttp2Stream | undefined;
  [trailersKey]?: string[] | undefined;
  /** Whether the client has said by END_STREAM that its body is whole. */
  [endedKey]?: boolean;
  _addHeaderLines(lines: readonly string[], count: number): void;
  _consuming: boolean;
  _dump(): void;
  _dumped: boolean;
  _readableState: { readingMore: boolean };
  joinDuplicateHeaders: boolean;
}
type Incoming = IncomingMessage & Internals;

/** The stream of a request that was filled here. */
export const streamOf = (request: IncomingMessage): ServerHttp2Stream | undefined =>
  (request as Incoming)[streamKey];

/** Fills a new IncomingMessage with a request of HTTP/2, so that it is one to everybody: Express, parsers, `instanceof`. */
export function fillRequest(
  message: IncomingMessage,
  stream: ServerHttp2Stream,
  line: RequestLine,
  { hasBody, joinDuplicateHeaders }: { readonly hasBody: boolean; readonly joinDuplicateHeaders: boolean },
): void {
  const request = message as Incoming;
  request.httpVersionMajor = 2;
  request.httpVersionMinor = 0;
  request.httpVersion = '2.0';
  request.method = line.method;
  request.url = line.path;
  request.joinDuplicateHeaders = joinDuplicateHeaders;
  request._addHeaderLines(line.lines, line.lines.length);
  request[streamKey] = stream;
  // On the object, as Express exchanges its prototype.
  request._destroy = destroyRequest;
  if (hasBody) {
    request._read = startBody;
    stream.push = pushNotingEnd;
    return;
  }
  request._read = nothingToRead;
  request.complete = true;
  request.push(null);
}

/** Here END_STREAM arrives. A reset, even one without an error, ends the octets as well, but of a closed stream. */
function pushNotingEnd(this: ServerHttp2Stream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null && !this.closed) {
    const request = requestOf(this);
    if (request !== undefined) request[endedKey] = true;
  }
  return push.call(this, chunk, encoding);
}

// What Node's streams of HTTP/2 inherit.
// oxlint-disable-next-line typescript/unbound-method
const { push } = Readable.prototype;

const requestOf = (stream: ServerHttp2Stream): Incoming | undefined =>
  exchangeOf(stream)?.request as Incoming | undefined;

/** The octets are taken from the stream when somebody reads, so that its window stays closed until then. */
function startBody(this: IncomingMessage): void {
  const request = this as Incoming;
  begin(request);
  request._read = resumeBody;
  const stream = request[streamKey]!;
  stream.on('trailers', takeTrailers).on('data', takeData).on('end', takeEnd);
}

function takeTrailers(this: ServerHttp2Stream, _headers: object, _flags: number, raw?: string[]): void {
  const request = requestOf(this);
  if (request !== undefined) request[trailersKey] = raw;
}

function takeData(this: ServerHttp2Stream, chunk: Buffer): void {
  if (requestOf(this)?.push(chunk) === false) this.pause();
}

function takeEnd(this: ServerHttp2Stream): void {
  const request = requestOf(this);
  if (request === undefined) return;
  if (request[endedKey] === true) complete(request);
  else abortRequest(request);
}

function resumeBody(this: IncomingMessage): void {
  (this as Incoming)[streamKey]?.resume();
}

function nothingToRead(this: IncomingMessage): void {
  begin(this as Incoming);
}

/** As Node's own `_read` does: by it others see that somebody reads. */
function begin(request: Incoming): void {
  request._readableState.readingMore = false;
  request._consuming = true;
}

function complete(request: Incoming): void {
  if (request.destroyed) return;
  request.complete = true;
  const trailers = request[trailersKey];
  if (trailers !== undefined) request._addHeaderLines(trailers, trailers.length);
  request.push(null);
}

function destroyRequest(
  this: IncomingMessage,
  error: Error | null,
  done: (error?: Error | null) => void,
): void {
  const request = this as Incoming;
  const stream = request[streamKey]!;
  if (!request._dumped && (!request.readableEnded || !request.complete)) {
    request.aborted = true;
    request.emit('aborted');
    resetStream(stream, error === null ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_INTERNAL_ERROR);
  }
  // As Node does over HTTP/1.1: nobody who does not ask dies of a client that goes away.
  const heard = request.listenerCount('error') > 0 ? error : null;
  process.nextTick(done, heard);
}

/** Ends a request whose rest will not come, as Node does over HTTP/1.1; nothing where somebody has ended it. */
export function abortRequest(request: IncomingMessage): void {
  if (request.destroyed) return;
  request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
}

/**
 * Ends a request that has been answered. Whoever still reads a body that has come in full gets the rest of it, and then
 * it ends by itself, as over HTTP/1.1.
 */
export function closeRequest(request: IncomingMessage): void {
  const isRead = request.complete && (request as Incoming)._consuming;
  if (!isRead || request.readableEnded) request.destroy();
}

/** Whether a body is there, or nobody wants it. */
export const isBodyDone = (request: IncomingMessage): boolean =>
  request.complete || (request as Incoming)._dumped;

/**
 * The answer is complete, and the rest of the body is for nobody (RFC 9113 8.1): it is not an abort. On the next turn,
 * as Node 22 and 26 let a reset overtake header fields that have not been sent. An app that reads the body gets all of it,
 * as Node's own servers of HTTP/1.1 see to.
 */
export function dropBody(request: IncomingMessage, stream: ServerHttp2Stream): void {
  const incoming = request as Incoming;
  if (incoming._consuming) return;
  // As over HTTP/1.1: a request that nobody has read ends, and is not aborted.
  if (incoming.complete) return incoming._dump();
  incoming._dumped = true;
  setImmediate(resetStream, stream, constants.NGHTTP2_NO_ERROR);
}
