import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { SessionEntry } from './session-entry.ts';

/** Who runs requests: the `https.Server`, by whose `emit` they are admitted as those of HTTP/1.1 are. */
export interface Host {
  emit(event: string, ...args: unknown[]): boolean;
}

/** A request in flight. */
export interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: SessionEntry;
  readonly host: Host;
  /** Since when its body is on the way (ms, of a monotonic clock); undefined once nobody looks any more. */
  bodySince: number | undefined;
  /** Its place in `OpenExchanges`, which keeps it. */
  place: number;
}

const key = Symbol('portcullis.http2Exchange');

type Bearer = ServerHttp2Stream & { [key]?: Exchange | undefined };

/**
 * Lets the listeners of a stream find its exchange by `exchangeOf`. They are functions of modules and hold nothing by
 * themselves: what hangs on a stream outlives it. In its small collections V8 takes native handles for alive from Node
 * 24 on, and with closures a whole Express request hung on each (docs/decisions/http2-cost.md).
 */
export function linkExchange(exchange: Exchange): void {
  (exchange.stream as Bearer)[key] = exchange;
}

/** The exchange of a stream; undefined once it has ended. */
export const exchangeOf = (stream: ServerHttp2Stream): Exchange | undefined => (stream as Bearer)[key];

/** The stream is closed, and nothing of its exchange hangs on it any more. */
export function unlinkExchange({ stream }: Exchange): void {
  (stream as Bearer)[key] = undefined;
}
