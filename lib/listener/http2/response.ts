import { type OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { fieldObject, givenFields, keptFields, respond } from './answer-fields.ts';
import { exchangeOf } from './exchange.ts';
import { dropBody } from './request.ts';
import { octetsOf, writeSlices } from './slices.ts';

const streamKey = Symbol('portcullis.http2Stream');
const finishedKey = Symbol('portcullis.http2Finished');
const writingKey = Symbol('portcullis.http2Writing');

type Callback = (error?: Error | null) => void;

/** What Node's own methods of a response go by. */
interface Internals {
  [streamKey]: ServerHttp2Stream;
  [finishedKey]: boolean;
  [writingKey]?: boolean;
  _closed: boolean;
  _hasBody: boolean;
  _header: string | null;
  _headerSent: boolean;
  _implicitHeader(): void;
  _contentLength: number | null;
  _send(data: string | Uint8Array, encoding?: BufferEncoding | null, callback?: Callback): boolean;
  _storeHeader(firstLine: string, headers: unknown): void;
  _trailer: string;
  _writeRaw(data: string, encoding?: string, callback?: Callback): boolean;
  destroyed: boolean;
  finished: boolean;
}
type Outgoing = ServerResponse & Internals;

type Method = (this: ServerResponse, ...args: unknown[]) => unknown;
const node = ServerResponse.prototype as unknown as {
  readonly [Name in 'end' | 'write' | 'writeHead']: Method;
};

/**
 * Makes a new ServerResponse answer by HTTP/2. What turns it into octets is exchanged on the object itself, as Express
 * exchanges its prototype; all else, headers, their checks and events, stays Node's.
 */
export function fillResponse(response: ServerResponse, stream: ServerHttp2Stream, socket: Socket): void {
  const outgoing = response as Outgoing;
  outgoing[streamKey] = stream;
  (outgoing as { socket: Socket }).socket = socket;
  outgoing[finishedKey] = false;
  outgoing.writeHead = writeHead as Outgoing['writeHead'];
  outgoing.write = write as Outgoing['write'];
  outgoing.end = end as Outgoing['end'];
  outgoing._storeHeader = storeHeader;
  outgoing._send = send;
  outgoing._writeRaw = inform;
}

const responseOf = (stream: ServerHttp2Stream): Outgoing | undefined =>
  exchangeOf(stream)?.response as Outgoing | undefined;

function onDrain(this: ServerHttp2Stream): void {
  responseOf(this)?.emit('drain');
}

function onFinish(this: ServerHttp2Stream): void {
  const response = responseOf(this);
  if (response !== undefined) finish(response);
}

function onWantTrailers(this: ServerHttp2Stream): void {
  const response = responseOf(this);
  if (response === undefined || this.destroyed) return;
  this.sendTrailers(fieldObject(fieldsOf(response._trailer.split('\r\n'))));
}

/** The stream is gone: no more can be sent. */
export function closeResponse(response: ServerResponse): void {
  const outgoing = response as Outgoing;
  if (outgoing._closed) return;
  // Of Node 20 an answer that nobody has got would count as written.
  if (!outgoing[finishedKey]) Object.defineProperty(outgoing, 'writableFinished', { value: false });
  outgoing.destroyed = true;
  outgoing._closed = true;
  outgoing.emit('close');
}

/** All its forms become header fields first, so that one of them is left to be sent. */
function writeHead(
  this: Outgoing,
  status: number,
  reason?: string | object,
  headers?: object | OutgoingHttpHeader[],
): ServerResponse {
  const given = typeof reason === 'string' ? headers : (headers ?? reason);
  if (given !== undefined && given !== null && this._header === null) setAll(this, given);
  node.writeHead.call(this, status, typeof reason === 'string' ? reason : undefined);
  return this;
}

function setAll(response: Outgoing, headers: object): void {
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string);
    return;
  }
  const list = headers as unknown[];
  const pairs = Array.isArray(list[0])
    ? (list as Array<[string, string]>)
    : Array.from({ length: Math.ceil(list.length / 2) }, (_, index): [string, string] => [
        list[2 * index] as string,
        list[2 * index + 1] as string,
      ]);
  for (const [name] of pairs) response.removeHeader(name);
  for (const [name, value] of pairs) response.appendHeader(name, value);
}

/** Called by Node's `writeHead`, once: here the answer begins. */
function storeHeader(this: Outgoing, _firstLine: string, kept: unknown): void {
  const stream = this[streamKey];
  // The server itself has answered where it has sent header fields: 408.
  if (stream.destroyed || stream.closed || stream.headersSent) return markSent(this);
  const { statusCode, sendDate } = this;
  const fields = keptFields(statusCode, kept) ?? givenFields(statusCode, this.getHeaders());
  if (statusCode === noContent || statusCode === resetContent) {
    this._hasBody = false;
    if (fields.hasLength) removeLength(fields.sent);
  }
  if (!this._hasBody) {
    respond(stream, fields.sent, { sendDate, endStream: true });
    return markSent(this);
  }
  const mayTrail = !this.finished || this._trailer !== '' || fields.hasTrailer;
  // As Node does over HTTP/1.1, which then sends chunks.
  if (!mayTrail && this._contentLength !== null && !fields.hasEncoding && !fields.hasLength)
    fields.sent.push('content-length', String(this._contentLength));
  // Where the client's END_STREAM has come, ours would close the stream before its 'finish', and Node would destroy it:
  // behind a body the end is a frame of its own, which Node sends once all else has been handed over.
  const waitForTrailers = mayTrail || !stream.endAfterHeaders;
  respond(stream, fields.sent, { sendDate, waitForTrailers });
  stream.on('finish', onFinish);
  if (waitForTrailers) stream.on('wantTrailers', onWantTrailers);
  markSent(this);
}

/** Neither has content (RFC 9110 15.3): clients reset a stream that states a length and ends with its header fields. */
const [noContent, resetContent] = [204, 205];

function removeLength(sent: unknown[]): void {
  for (let index = sent.length - 2; index > 0; index -= 2)
    if (sent[index] === 'content-length') sent.splice(index, 2);
}

/** Only once it is: what Node refuses (a status of 700) an error handler can still answer. */
function markSent(response: Outgoing): void {
  response._header = 'HTTP/2';
  response._headerSent = true;
}

/** Interim answers (100, 102, 103), which Node's methods write as text of HTTP/1.1. */
function inform(this: Outgoing, text: string, _encoding?: string, callback?: Callback): boolean {
  const stream = this[streamKey];
  const [first = '', ...lines] = text.split('\r\n');
  if (!stream.destroyed && !stream.closed && !stream.headersSent) {
    stream.additionalHeaders(fieldObject(fieldsOf(lines), Number(first.split(' ')[1])));
  }
  if (typeof callback === 'function') process.nextTick(callback);
  return true;
}

/** Names and values of lines of text that Node has made and checked. */
function fieldsOf(lines: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    const before = fields[name];
    fields[name] = before === undefined ? value : [before, value].flat();
  }
  return fields;
}

function send(this: Outgoing, data: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean {
  const stream = this[streamKey];
  if (data.length === 0 || stream.destroyed || !stream.writable) {
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  }
  if (this[writingKey] === undefined) {
    this[writingKey] = true;
    stream.on('drain', onDrain);
  }
  const done = typeof callback === 'function' ? (callback as Callback) : undefined;
  const format = (typeof encoding === 'string' ? encoding : 'utf8') as BufferEncoding;
  return stream.write(lastOf(stream, data, format), format, done);
}

function write(this: Outgoing, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  // What Node refuses it refuses with its own words.
  if (this.finished || this.destroyed || !isChunk(chunk))
    return node.write.call(this, chunk, encoding, callback) as boolean;
  const done = typeof encoding === 'function' ? encoding : callback;
  if (this._header === null) this._implicitHeader();
  if (!this._hasBody) {
    if (typeof done === 'function') process.nextTick(done);
    return true;
  }
  return this._send(chunk, encoding as BufferEncoding, done as Callback);
}

function end(this: Outgoing, first?: unknown, second?: unknown, third?: unknown): ServerResponse {
  const callback = [first, second, third].find((value) => typeof value === 'function');
  const chunk = typeof first === 'function' || first === null ? undefined : first;
  if (this.finished || (chunk !== undefined && chunk !== '' && !isChunk(chunk)))
    return node.end.call(this, first, second, third) as ServerResponse;
  if (typeof callback === 'function') this.once('finish', callback as () => void);
  const encoding = (typeof second === 'string' ? second : 'utf8') as BufferEncoding;
  if (this._header === null) {
    this._contentLength = chunk === undefined ? 0 : lengthOf(chunk, encoding);
    // `_storeHeader` sees by it that nothing follows.
    this.finished = true;
    try {
      this._implicitHeader();
    } catch (error) {
      this.finished = false;
      throw error;
    }
  }
  this.finished = true;
  this.emit('prefinish');
  const stream = this[streamKey];
  if (!this._hasBody) process.nextTick(finish, this);
  else if (!stream.writable) return this;
  else if (chunk === undefined || (chunk as string).length === 0) stream.end();
  else stream.end(lastOf(stream, chunk, encoding), encoding);
  return this;
}

function lastOf(
  stream: ServerHttp2Stream,
  chunk: string | Uint8Array,
  encoding: BufferEncoding,
): string | Uint8Array {
  const octets = octetsOf(chunk, encoding);
  return typeof octets === 'string' ? octets : writeSlices(stream, octets);
}

const isChunk = (value: unknown): value is string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array;

const lengthOf = (chunk: string | Uint8Array, encoding: BufferEncoding): number =>
  typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.byteLength;

/** Everything has been handed over. A HEAD's stream has ended before it was answered. */
function finish(response: Outgoing): void {
  if (response[finishedKey] || response._closed || !response.finished) return;
  response[finishedKey] = true;
  // Of Node 20 it follows from what is written; later ones keep it where only their own methods reach.
  if (!response.writableFinished) Object.defineProperty(response, 'writableFinished', { value: true });
  response.emit('finish');
  dropBody(response.req, response[streamKey]);
}
