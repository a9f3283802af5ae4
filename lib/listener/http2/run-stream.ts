import { IncomingMessage, type ServerOptions, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { readRequestLine } from './header-lines.ts';
import { fillRequest } from './request.ts';
import { closeResponse, fillResponse } from './response.ts';
import { resetStream, streamSocket } from './stream-socket.ts';

/** Who runs requests: the `https.Server`, by whose `emit` they are admitted as those of HTTP/1.1 are. */
export interface Host {
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
}

type Incoming = new (socket: unknown) => IncomingMessage;
type Outgoing = new (request: IncomingMessage, options?: object) => ServerResponse;

/** How requests and responses are made: of Node's classes, or those of the options or the app. */
export interface Making {
  readonly IncomingMessage: Incoming;
  readonly ServerResponse: Outgoing;
  readonly joinDuplicateHeaders: boolean;
  readonly responseOptions: object;
}

/** Reads them from the options of an `https.Server`. */
export function makingOf(options: ServerOptions): Making {
  const { joinDuplicateHeaders = false, IncomingMessage: Request, ServerResponse: Response } = options;
  const { rejectNonStandardBodyWrites = false } = options as { rejectNonStandardBodyWrites?: boolean };
  return {
    IncomingMessage: (Request ?? IncomingMessage) as unknown as Incoming,
    ServerResponse: Response ?? ServerResponse,
    joinDuplicateHeaders,
    responseOptions: { rejectNonStandardBodyWrites },
  };
}

/** A request in flight. */
export interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Makes the request of a stream, and the response to it. `raw`: the header lines in turn. */
export function makeExchange(
  stream: ServerHttp2Stream,
  socket: TLSSocket,
  flags: number,
  raw: readonly string[],
  making: Making,
  host: Host,
): Exchange {
  const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
  const asSocket = streamSocket(stream, socket, () => onTimeout(exchange, host));
  const request = new making.IncomingMessage(asSocket);
  const { joinDuplicateHeaders } = making;
  fillRequest(request, stream, readRequestLine(raw, hasBody), { hasBody, joinDuplicateHeaders });
  const response = new making.ServerResponse(request, making.responseOptions);
  fillResponse(response, stream, asSocket);
  const exchange = { stream, request, response };
  return exchange;
}

const awaitsContinue = /(?:^|\W)100-continue(?:$|\W)/i;

/** Gives a request to whom Node would give it, over HTTP/1.1. */
export function runExchange({ request, response }: Exchange, host: Host): void {
  // There is no tunnel through this server; `CONNECT` with `:protocol` (RFC 8441) has not been offered.
  if (request.method === 'CONNECT') response.writeHead(405, { 'Content-Length': 0 }).end();
  else dispatch(request, response, host);
}

function dispatch(request: IncomingMessage, response: ServerResponse, host: Host): void {
  const { expect } = request.headers;
  if (expect === undefined) host.emit('request', request, response);
  else if (awaitsContinue.test(expect)) {
    if (host.listenerCount('checkContinue') > 0) host.emit('checkContinue', request, response);
    else {
      response.writeContinue();
      host.emit('request', request, response);
    }
  } else if (host.listenerCount('checkExpectation') > 0) host.emit('checkExpectation', request, response);
  else response.writeHead(417).end();
}

/** The stream is closed: whoever waits hears of it. */
export function endExchange({ request, response }: Exchange): void {
  if (!request.destroyed) request.destroy(response.writableFinished ? undefined : aborted());
  closeResponse(response);
}

/** As Node's for HTTP/1.1. */
const aborted = (): Error => Object.assign(new Error('aborted'), { code: 'ECONNRESET' });

/** 408 where it can still be said, and the end of the stream; the others of the session go on. */
export function endSlowBody({ stream, response }: Exchange): void {
  if (response.headersSent || stream.destroyed) return resetStream(stream, constants.NGHTTP2_CANCEL);
  response.writeHead(408, { 'Content-Length': 0 }).end();
}

/** As Node does over HTTP/1.1 for the time-out that a request or response has set. */
function onTimeout({ stream, request, response }: Exchange, host: Host): void {
  const { socket } = request;
  const heard = [
    !request.complete && request.emit('timeout', socket),
    response.emit('timeout', socket),
    host.emit('timeout', socket),
  ];
  if (!heard.includes(true)) resetStream(stream, constants.NGHTTP2_CANCEL);
}
