import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Answer } from './admission.ts';

/**
 * How long a client may take to read the answer and to close (ms): behind a refused upgrade there is no parser any
 * more, and with it none of Node's time limits.
 */
const linger = 1_000;

/** RFC 9457, as `problemDetails` writes it. */
const bodyOf = ({ status, title, code }: Answer): string =>
  JSON.stringify({ type: 'about:blank', title, status, code });

/** Answers a request that no app sees, and closes: what follows on the connection would be as doubtful. */
export function answerRequest(response: ServerResponse, answer: Answer): void {
  const body = bodyOf(answer);
  response.writeHead(answer.status, {
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(body);
}

/**
 * The same for an upgrade, which has a socket and no response. What still comes is thrown away for a moment: closed
 * with octets unread the connection would be reset, and the client might never see the answer (RFC 9112 9.6).
 */
export function answerOnSocket(socket: Duplex, answer: Answer): void {
  const body = bodyOf(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  const timer = setTimeout(() => socket.destroy(), linger).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('error', () => socket.destroy());
  socket.resume();
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
