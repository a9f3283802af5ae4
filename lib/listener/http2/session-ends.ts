import type { ServerHttp2Stream } from 'node:http2';
import { endSlowBody } from './run-stream.ts';
import type { SessionEntry } from './session-entry.ts';
import { resetStream } from './stream-socket.ts';
import { constants } from './node-http2.ts';

/** How long a socket may stay whose session is over: the other side may not close (ms). */
const linger = 1_000;

/** Answers a request before anybody sees it. */
export function refuseStream(stream: ServerHttp2Stream, flags: number, status: number): void {
  stream.respond({ ':status': status }, { endStream: true });
  if ((flags & constants.NGHTTP2_FLAG_END_STREAM) === 0)
    setImmediate(resetStream, stream, constants.NGHTTP2_NO_ERROR);
}

/** Ends the requests whose bodies have taken longer than `timeout` ms; whether there was one. */
export function endSlowBodies({ open }: SessionEntry, now: number, timeout: number): boolean {
  let found = false;
  for (const exchange of open) {
    const { bodySince, request } = exchange;
    if (bodySince === undefined || request.complete || now - bodySince < timeout) continue;
    exchange.bodySince = undefined;
    endSlowBody(exchange);
    found = true;
  }
  return found;
}

/** GOAWAY with the last stream that is served; it closes when none is open. */
export function close({ session }: SessionEntry): void {
  if (!session.closed && !session.destroyed) session.close();
}

/** Ends a session without a stream to make room: a GOAWAY, and no waiting for the client to take it. */
export function evict(entry: SessionEntry): void {
  entry.ended = true;
  close(entry);
  setImmediate(() => entry.socket.destroy());
}

/** Ends a session now, with a code; `atOnce`: without waiting for the client to take it. */
export function destroy(entry: SessionEntry, code: number, atOnce: boolean): void {
  entry.ended = true;
  // Node takes a code in the place of an error; beside none it would be overwritten.
  if (!entry.session.destroyed) entry.session.destroy(code as unknown as Error);
  if (atOnce) entry.socket.destroy();
}

/** A session that is over waits for its client to close, and this one need not. */
export function clearAway(entry: SessionEntry, now: number): void {
  if (entry.overSince === 0) entry.overSince = now;
  else if (now - entry.overSince >= linger) entry.socket.destroy();
}
