import { type TLSSocket } from 'node:tls';
import { ended, handshake } from './harness.ts';

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flags: Readonly<Record<'endStream' | 'ack' | 'endHeaders', number>> = {
  endStream: 1,
  ack: 1,
  endHeaders: 4,
};

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A frame as RFC 9113 4.1 writes it, sensible or not. */
export function frame(
  type: number,
  flagBits: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flagBits;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block without any table (RFC 7541 6.2.2). */
export function headerBlock(fields: ReadonlyArray<readonly [string, string]>): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])),
  );
}

function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1');
  if (octets.length < 127) return Buffer.concat([Buffer.from([octets.length]), octets]);
  const length: number[] = [127];
  let rest = octets.length - 127;
  while (rest >= 128) {
    length.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.concat([Buffer.from([...length, rest]), octets]);
}

/** A request's fields, in order; `authority` false leaves it out. */
export function requestFields(
  more: ReadonlyArray<readonly [string, string]> = [],
  {
    method = 'GET',
    path = '/',
    authority = '127.0.0.1',
  }: { method?: string; path?: string; authority?: string | false } = {},
): Array<readonly [string, string]> {
  const first: Array<readonly [string, string]> = [
    [':method', method],
    [':scheme', 'https'],
    [':path', path],
  ];
  return [...first, ...(authority === false ? [] : [[':authority', authority] as const]), ...more];
}

/** HEADERS that begin a request; it ends with them unless `open`. */
export const request = (
  stream: number,
  fields: ReadonlyArray<readonly [string, string]> = requestFields(),
  open = false,
): Buffer =>
  frame(frameTypes.headers, flags.endHeaders | (open ? 0 : flags.endStream), stream, headerBlock(fields));

export const reset = (stream: number, code = 8): Buffer =>
  frame(frameTypes.rstStream, 0, stream, uint32(code));

export const uint32 = (value: number): Buffer => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
};

/** One setting (RFC 9113 6.5.1). */
export const setting = (id: number, value: number): Buffer =>
  Buffer.concat([Buffer.from([0, id]), uint32(value)]);

const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A client that sends what it is told, and remembers the frames that come. */
export class RawClient {
  readonly frames: Frame[] = [];
  readonly socket: TLSSocket;
  #octets: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#wake());
  }

  static async open(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawClient> {
    const client = new RawClient(await handshake(port, { ALPNProtocols: ['h2'] }));
    client.send(preface, frame(frameTypes.settings, 0, 0, settings));
    return client;
  }

  send(...frames: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  /** The first frame that fits, when it is there; undefined where the connection is closed without it. */
  async next(fits: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined || this.socket.closed) return found;
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  /** The code of the GOAWAY, once the connection is closed; undefined without one. */
  async goaway(): Promise<number | undefined> {
    await ended(this.socket);
    const last = this.frames.findLast(({ type }) => type === frameTypes.goaway);
    return last?.payload.readUInt32BE(4);
  }

  #take(chunk: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, chunk]);
    while (this.#octets.length >= 9) {
      const end = 9 + this.#octets.readUIntBE(0, 3);
      if (this.#octets.length < end) break;
      const [type, flagBits] = [this.#octets[3]!, this.#octets[4]!];
      const payload = Buffer.from(this.#octets.subarray(9, end));
      this.frames.push({ type, flags: flagBits, stream: this.#octets.readUInt32BE(5), payload });
      this.#octets = this.#octets.subarray(end);
    }
    this.#wake();
  }
}
