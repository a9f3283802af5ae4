import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

export type RedirectStatus = 200 | 308 | 400 | 404 | 408 | 431 | 500 | 503;

export interface RedirectAnswer {
  readonly status: RedirectStatus;
  readonly location?: string;
  /** A key authorization; every other body is constant. */
  readonly body?: string;
}

/** For so long (ms) the rest of a request is thrown away after the answer, and the client may take to read it. */
const linger = 2_000;

const messages: Readonly<Record<Exclude<RedirectStatus, 200>, string>> = {
  308: 'Moved to https\n',
  400: 'Bad Request\n',
  404: 'Not Found\n',
  408: 'Request Timeout\n',
  431: 'Request Header Fields Too Large\n',
  500: 'Internal Server Error\n',
  503: 'Service Unavailable\n',
};

/**
 * Answers the only request of a connection and closes it: what follows on it, a body or another request, is never
 * looked at. Closed at once it would be reset where a body is still coming, and the client may then never see the
 * answer (RFC 9112 9.6): so the body is thrown away for a moment.
 */
export function answerAndClose(socket: Socket, answer: RedirectAnswer, request?: IncomingMessage): void {
  if (!socket.writable) return void socket.destroy();
  const timer = setTimeout(() => socket.destroy(), linger).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('error', () => socket.destroy());
  socket.end(textOf(answer, request?.method === 'HEAD'));
  if (request === undefined) return socket.destroySoon();
  request.once('end', () => socket.destroySoon());
  request.resume();
}

function textOf({ status, location, body }: RedirectAnswer, headOnly: boolean): string {
  const content = status === 200 ? (body ?? '') : messages[status];
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date().toUTCString()}`,
    ...(location === undefined ? [] : [`Location: ${location}`]),
    // RFC 8555 8.3 shows a key authorization as octets; nothing here is for a browser to render.
    `Content-Type: ${status === 200 ? 'application/octet-stream' : 'text/plain; charset=utf-8'}`,
    `Content-Length: ${Buffer.byteLength(content)}`,
    'X-Content-Type-Options: nosniff',
    ...(status === 308 ? [] : ['Cache-Control: no-store']),
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${headOnly ? '' : content}`;
}
