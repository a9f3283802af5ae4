import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { closeLingering } from '../connection/index.ts';
import type { Answer } from './admission.ts';

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

/** The same for an upgrade, which has a socket and no response. */
export function answerOnSocket(socket: Duplex, answer: Answer): void {
  const body = bodyOf(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  closeLingering(socket);
}
