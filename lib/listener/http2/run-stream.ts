import { IncomingMessage, type ServerOptions, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { Server } from 'node:https';
import { type Exchange, exchangeOf, type Host, linkExchange, unlinkExchange } from './exchange.ts';
import { readRequestLine } from './header-lines.ts';
import { abortRequest, closeRequest, fillRequest, isBodyDone } from './request.ts';
import { closeResponse, fillResponse } from './response.ts';
import type { SessionEntry } from './session-entry.ts';
import { resetStream, streamSocket } from './stream-socket.ts';
import { constants } from './node-http2.ts';

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

/** Makes the request of a stream, and the response to it. `raw`: the header lines in turn. */
export function makeExchange(
  stream: ServerHttp2Stream,
  entry: SessionEntry,
  flags: number,
  raw: readonly string[],
  making: Making,
  host: Host,
): Exchange {
  const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
  const asSocket = streamSocket(stream, entry.socket, onTimeout);
  const request = new making.IncomingMessage(asSocket);
  const { joinDuplicateHeaders } = making;
  fillRequest(request, stream, readRequestLine(raw, hasBody), { hasBody, joinDuplicateHeaders });
  const response = new making.ServerResponse(request, making.responseOptions);
  fillResponse(response, stream, asSocket);
  const exchange = { stream, request, response, entry, host, bodySince: undefined, place: -1 };
  linkExchange(exchange);
  return exchange;
}

const awaitsContinue = /(?:^|\W)100-continue(?:$|\W)/i;

/** Gives a request to whom Node would give it, over HTTP/1.1. */
export function runExchange({ request, response, host }: Exchange): void {
  // There is no tunnel through this server; `CONNECT` with `:protocol` (RFC 8441) has not been offered.
  if (request.method === 'CONNECT') response.writeHead(405, { 'Content-Length': 0 }).end();
  else dispatch(request, response, host);
}

function dispatch(request: IncomingMessage, response: ServerResponse, host: Host): void {
  const { expect } = request.headers;
  if (expect === undefined) {
    host.emit('request', request, response);
    return;
  }
  const continues = awaitsContinue.test(expect);
  // A host tells of what it refuses, and of what somebody else answers, that it has been heard.
  if (host.emit(continues ? 'checkContinue' : 'checkExpectation', request, response)) return;
  if (!continues) {
    response.writeHead(417).end();
    return;
  }
  response.writeContinue();
  // It has been admitted; the host's own `emit` would count it again.
  (Server.prototype.emit as Host['emit']).call(host, 'request', request, response);
}

/** The stream is closed: whoever waits hears of it. */
export function endExchange(exchange: Exchange): void {
  const { request, response } = exchange;
  if (response.writableFinished && isBodyDone(request)) closeRequest(request);
  else abortRequest(request);
  closeResponse(response);
  unlinkExchange(exchange);
}

/**
 * 408 where it can still be said, and the end of the stream; the others of the session go on. To the app, which may
 * still answer, it is a client that has gone away: its own response has not been used.
 */
export function endSlowBody({ stream, response }: Exchange): void {
  if (stream.headersSent || stream.destroyed || stream.closed)
    return resetStream(stream, constants.NGHTTP2_CANCEL);
  stream.respond({ ':status': 408 }, { endStream: true });
  closeResponse(response);
  // On the next turn, as Node 22 and 26 let a reset overtake header fields that have not been sent.
  setImmediate(resetStream, stream, constants.NGHTTP2_NO_ERROR);
}

/** As Node does over HTTP/1.1 for the time-out that a request or response has set. */
function onTimeout(this: ServerHttp2Stream): void {
  const exchange = exchangeOf(this);
  if (exchange === undefined) return;
  const { request, response, host } = exchange;
  const { socket } = request;
  const heard = [
    !request.complete && request.emit('timeout', socket),
    response.emit('timeout', socket),
    host.emit('timeout', socket),
  ];
  if (!heard.includes(true)) resetStream(this, constants.NGHTTP2_CANCEL);
}
