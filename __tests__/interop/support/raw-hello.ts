import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** A ClientHello by hand, as no client of today can be told to send it (RFC 5246 7.4.1.2). */
export interface RawHello {
  /** The version it asks for; 0x0303 is TLS 1.2. */
  readonly version?: number;
  readonly suites: readonly number[];
  readonly sessionId?: Buffer;
  readonly compressions?: readonly number[];
  /** Beside the server's name, groups, point formats and signatures: number and content. */
  readonly extensions?: ReadonlyMap<number, Buffer>;
}

interface ServerHello {
  readonly version: number;
  readonly random: Buffer;
  readonly sessionId: Buffer;
  readonly suite: number;
  readonly compression: number;
  readonly extensions: ReadonlyMap<number, Buffer>;
}

export const recordTypes = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  heartbeat: 24,
} as const;

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const vector = (octets: number, content: Buffer): Buffer => {
  const length = Buffer.alloc(octets);
  length.writeUIntBE(content.length, 0, octets);
  return Buffer.concat([length, content]);
};

export const record = (type: number, fragment: Buffer, version = 0x0303): Buffer =>
  Buffer.concat([Buffer.of(type), u16(version), vector(2, fragment)]);

/** The list of protocols of an ALPN extension (RFC 7301 3.1). */
export const protocolList = (...names: readonly string[]): Buffer =>
  vector(2, Buffer.concat(names.map((name) => vector(1, Buffer.from(name, 'latin1')))));

export function clientHello(serverName: string, hello: RawHello): Buffer {
  const { version = 0x0303, suites, sessionId = Buffer.alloc(0), compressions = [0], extensions } = hello;
  const name = Buffer.concat([Buffer.of(0), vector(2, Buffer.from(serverName, 'latin1'))]);
  const all = new Map([
    [0, vector(2, name)],
    // P-256 and X25519; the uncompressed form; ECDSA, RSA-PSS and PKCS #1 with SHA-256.
    [10, vector(2, Buffer.of(0, 23, 0, 29))],
    [11, vector(1, Buffer.of(0))],
    [13, vector(2, Buffer.of(4, 3, 8, 4, 4, 1))],
    [23, Buffer.alloc(0)],
    ...(extensions ?? []),
  ]);
  // SSL 3.0 has none.
  const listed = [...all].map(([type, content]) => Buffer.concat([u16(type), vector(2, content)]));
  const body = Buffer.concat([
    u16(version),
    randomBytes(32),
    vector(1, sessionId),
    vector(2, Buffer.concat(suites.map(u16))),
    vector(1, Buffer.from(compressions)),
    ...(version > 0x0300 ? [vector(2, Buffer.concat(listed))] : []),
  ]);
  const message = Buffer.concat([Buffer.of(1), vector(3, body)]);
  return record(recordTypes.handshake, message, Math.min(version, 0x0301));
}

/** What a server has sent until it closed, or until a flight of it was complete. */
export interface Said {
  readonly closed: boolean;
  /** The descriptions of fatal alerts. */
  readonly alerts: readonly number[];
  readonly types: readonly number[];
  readonly serverHello: ServerHello | undefined;
  /** All octets, for what are no records. */
  readonly octets: Buffer;
}

/** A TCP connection on which octets are sent as they are. */
export class RawPeer {
  readonly #socket: Socket;
  #octets = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#octets = Buffer.concat([this.#octets, chunk]);
      this.#wake();
    });
    // A reset is an end as well.
    socket.on('error', () => this.#end());
    for (const event of ['end', 'close']) socket.on(event, () => this.#end());
  }

  static connect(port: number): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawPeer(socket.setNoDelay()));
      });
    });
  }

  send(octets: Buffer): void {
    if (!this.#closed) this.#socket.write(octets);
  }

  /** Until the server has said its ServerHelloDone, or has closed. */
  flight(): Promise<Said> {
    return this.#until((said) => handshakeOf(said).some(({ type }) => type === 14));
  }

  /** Until the server has closed. */
  end(): Promise<Said> {
    return this.#until(() => false);
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(): void {
    this.#closed = true;
    this.#wake();
  }

  async #until(isEnough: (octets: Buffer) => boolean): Promise<Said> {
    while (!this.#closed && !isEnough(this.#octets)) {
      // oxlint-disable-next-line no-await-in-loop -- octets come one after another
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const records = recordsOf(this.#octets);
    const hello = handshakeOf(this.#octets).find(({ type }) => type === 2);
    return {
      closed: this.#closed,
      alerts: records.flatMap(({ type, fragment }) =>
        type === recordTypes.alert && fragment[0] === 2 ? [fragment[1]!] : [],
      ),
      types: records.map(({ type }) => type),
      serverHello: hello && readServerHello(hello.body),
      octets: this.#octets,
    };
  }
}

interface Part {
  readonly type: number;
  readonly fragment: Buffer;
}

function recordsOf(octets: Buffer): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at + 5 <= octets.length && at + 5 + octets.readUInt16BE(at + 3) <= octets.length) {
    const end = at + 5 + octets.readUInt16BE(at + 3);
    parts.push({ type: octets[at]!, fragment: octets.subarray(at + 5, end) });
    at = end;
  }
  return parts;
}

function handshakeOf(octets: Buffer): Array<{ readonly type: number; readonly body: Buffer }> {
  const fragments = recordsOf(octets).filter(({ type }) => type === recordTypes.handshake);
  const stream = Buffer.concat(fragments.map(({ fragment }) => fragment));
  const messages = [];
  let at = 0;
  while (at + 4 <= stream.length && at + 4 + stream.readUIntBE(at + 1, 3) <= stream.length) {
    const end = at + 4 + stream.readUIntBE(at + 1, 3);
    messages.push({ type: stream[at]!, body: stream.subarray(at + 4, end) });
    at = end;
  }
  return messages;
}

function readServerHello(body: Buffer): ServerHello {
  const sessionEnd = 35 + body[34]!;
  const extensions = new Map<number, Buffer>();
  let at = sessionEnd + 5;
  while (at + 4 <= body.length) {
    const end = at + 4 + body.readUInt16BE(at + 2);
    extensions.set(body.readUInt16BE(at), body.subarray(at + 4, end));
    at = end;
  }
  return {
    version: body.readUInt16BE(0),
    random: body.subarray(2, 34),
    sessionId: body.subarray(35, sessionEnd),
    suite: body.readUInt16BE(sessionEnd),
    compression: body[sessionEnd + 2]!,
    extensions,
  };
}
