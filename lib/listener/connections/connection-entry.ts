import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export type Phase = 'handshaking' | 'http1' | 'http2' | 'upgraded';

/** An open connection. Each field is there from birth, so that V8 knows one shape. */
export class ConnectionEntry {
  /** As it was accepted. */
  readonly raw: Duplex;
  /** What the protocol is spoken on: the TLSSocket once there is one. */
  socket: Duplex;
  /** What it is counted for; undefined: for no address. */
  readonly key: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  phase: Phase = 'handshaking';
  /** In flight, over HTTP/1.1. */
  requests = 0;
  /** The newest, while it is not answered or its request's body is not there. */
  response: ServerResponse | undefined = undefined;
  /** When it was accepted, its handshake or last answer ended, or something came in a shutdown (ms, monotonic). */
  since: number;
  /** Ends its session of HTTP/2, with a GOAWAY. */
  leave: (() => void) | undefined = undefined;
  /** An answer in flight closes it: no further request is run. */
  closing = false;
  /** Its client is denied: each answer from now on closes it. */
  leaving = false;
  /** This side has ended it, and has said why. */
  cut = false;
  /** What has been sent, and what waits in the kernel's queue, when that last changed, at `sentAt` (0: never). */
  sent = 0;
  queued = 0;
  sentAt = 0;
  /** Octets received, when a shutdown last looked. */
  received = 0;

  constructor(raw: Duplex, key: string | undefined, now: number) {
    const { remoteAddress, remotePort } = raw as Socket;
    this.raw = raw;
    this.socket = raw;
    this.key = key;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.since = now;
  }

  /** What nobody waits for: HTTP/1.1 between two requests. */
  get idle(): boolean {
    return this.phase === 'http1' && this.requests === 0;
  }
}
