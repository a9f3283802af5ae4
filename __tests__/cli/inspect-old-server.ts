import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What an old server speaks. It can shake no hands: it says what such servers say before the client goes on. */
export interface OldServer {
  /** SSLv2 with these suites. */
  readonly sslv2?: readonly number[];
  /** By version (0x0300 to 0x0303): its suites, in its order. */
  readonly suites?: Readonly<Record<number, readonly number[]>>;
  readonly certificate?: Buffer;
  readonly dhBits?: number;
  readonly compression?: number;
  /** Extensions that it answers where a hello has any: number → content. */
  readonly extensions?: ReadonlyMap<number, Buffer>;
  /** How its flight is cut: into records and TCP segments of so many octets. */
  readonly cut?: number;
  /** It chooses this suite whatever was offered. */
  readonly stubborn?: number;
  /** It says nothing to the hellos after these many. */
  readonly tiresAfter?: number;
  /** It closes each so-manieth connection without a word. */
  readonly closesEvery?: number;
  /** The one group of its TLS 1.3: it asks for a share by a HelloRetryRequest, and speaks nothing else. */
  readonly group?: number;
}

export interface Running {
  readonly port: number;
  readonly server: Server;
  readonly hellos: () => number;
}

const servers: Server[] = [];
const sockets = new Set<Socket>();

export async function listen(onSocket: (socket: Socket) => void): Promise<Running> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server, hellos: () => count };
}

export function closeAll(): void {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
}

/** Starts one. */
export function oldServer(config: OldServer): Promise<Running> {
  let hellos = 0;
  return listen((socket) => {
    let octets = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      octets = Buffer.concat([octets, chunk]);
      const answer = answerTo(octets, config);
      if (answer === undefined) return;
      socket.removeAllListeners('data');
      hellos += 1;
      const isClosed =
        hellos > (config.tiresAfter ?? Infinity) || hellos % (config.closesEvery ?? Infinity) === 0;
      if (isClosed) socket.destroy();
      else send(socket, answer, config.cut ?? 16_384);
    });
  });
}

function send(socket: Socket, answer: Buffer, cut: number): void {
  socket.setNoDelay();
  for (let at = 0; at < answer.length; at += cut) socket.write(answer.subarray(at, at + cut));
}

const u8 = (value: number): Buffer => Buffer.of(value);
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const v16 = (content: Buffer): Buffer => Buffer.concat([u16(content.length), content]);
const v24 = (content: Buffer): Buffer =>
  Buffer.concat([u8(content.length >> 16), u16(content.length & 0xffff), content]);

function answerTo(octets: Buffer, config: OldServer): Buffer | undefined {
  if (octets.length < 5) return undefined;
  if (octets[0]! >= 0x80) {
    const length = octets.readUInt16BE(0) & 0x7fff;
    if (octets.length < 2 + length) return undefined;
    return config.sslv2 === undefined
      ? alert(0x0300, 40)
      : sslv2Hello(config.sslv2, config.certificate ?? Buffer.alloc(0));
  }
  const length = octets.readUInt16BE(3);
  return octets.length < 5 + length ? undefined : helloTo(octets.subarray(9, 5 + length), config);
}

const alert = (version: number, description: number): Buffer =>
  Buffer.concat([u8(21), u16(version), v16(Buffer.of(2, description))]);

function sslv2Hello(suites: readonly number[], certificate: Buffer): Buffer {
  const specs = Buffer.concat(suites.map((suite) => Buffer.of(suite >> 16, (suite >> 8) & 255, suite & 255)));
  const body = Buffer.concat([
    Buffer.of(4, 0, 1),
    u16(2),
    u16(certificate.length),
    u16(specs.length),
    u16(16),
    certificate,
    specs,
    Buffer.alloc(16, 7),
  ]);
  return Buffer.concat([u16(0x8000 | body.length), body]);
}

function helloTo(body: Buffer, config: OldServer): Buffer {
  const offered = body.readUInt16BE(0);
  const sessionEnd = 35 + body[34]!;
  const suitesEnd = sessionEnd + 2 + body.readUInt16BE(sessionEnd);
  const list: number[] = [];
  for (let at = sessionEnd + 2; at < suitesEnd; at += 2) list.push(body.readUInt16BE(at));
  const compressionEnd = suitesEnd + 1 + body[suitesEnd]!;
  const compressions = [...body.subarray(suitesEnd + 1, compressionEnd)];
  if (config.group !== undefined) return retryRequest(body, config.group) ?? alert(0x0303, 40);
  const version = Object.keys(config.suites ?? {})
    .map(Number)
    .filter((known) => known <= offered)
    .toSorted((one, other) => other - one)[0];
  if (version === undefined) return alert(0x0301, 70);
  const suite = config.stubborn ?? config.suites![version]!.find((known) => list.includes(known));
  if (suite === undefined) return alert(version, 40);
  const compression =
    config.compression !== undefined && compressions.includes(config.compression) ? config.compression : 0;
  return flight(version, suite, compression, body.length > compressionEnd, config);
}

/** RFC 8446 4.1.4; undefined where the hello does not name the group. */
function retryRequest(body: Buffer, group: number): Buffer | undefined {
  const suites = 35 + body[34]!;
  const compressions = suites + 2 + body.readUInt16BE(suites);
  let at = compressions + 1 + body[compressions]! + 2;
  while (at < body.length && body.readUInt16BE(at) !== 10) at += 4 + body.readUInt16BE(at + 2);
  if (at >= body.length) return undefined;
  const groups = body.subarray(at + 6, at + 4 + body.readUInt16BE(at + 2));
  if (!groups.includes(u16(group))) return undefined;
  const extensions = Buffer.concat([u16(43), v16(u16(0x0304)), u16(51), v16(u16(group))]);
  const hello = Buffer.concat([
    u16(0x0303),
    createHash('sha256').update('HelloRetryRequest').digest(),
    body.subarray(34, 35 + body[34]!),
    u16(0x1301),
    u8(0),
    v16(extensions),
  ]);
  return Buffer.concat([u8(22), u16(0x0303), v16(message(2, hello))]);
}

function flight(
  version: number,
  suite: number,
  compression: number,
  extended: boolean,
  config: OldServer,
): Buffer {
  const extensions = [...(config.extensions ?? [])].map(([type, content]) =>
    Buffer.concat([u16(type), v16(content)]),
  );
  const hello = Buffer.concat([
    u16(version),
    Buffer.alloc(32, 1),
    u8(0),
    u16(suite),
    u8(compression),
    extended && extensions.length > 0 ? v16(Buffer.concat(extensions)) : Buffer.alloc(0),
  ]);
  const messages = [message(2, hello)];
  if (config.certificate !== undefined) messages.push(message(11, v24(v24(config.certificate))));
  // Those of DHE_RSA and DH_anon.
  if (config.dhBits !== undefined && dhe.has(suite)) {
    const prime = Buffer.alloc(config.dhBits / 8, 0xff);
    messages.push(
      message(12, Buffer.concat([v16(prime), v16(u8(2)), v16(prime), u16(0x0401), v16(Buffer.alloc(256))])),
    );
  }
  messages.push(message(14, Buffer.alloc(0)));
  const whole = Buffer.concat(messages);
  const cut = config.cut ?? 16_384;
  const records: Buffer[] = [];
  for (let at = 0; at < whole.length; at += cut)
    records.push(Buffer.concat([u8(22), u16(version), v16(whole.subarray(at, at + cut))]));
  return Buffer.concat(records);
}

const dhe: ReadonlySet<number> = new Set([
  0x0014, 0x0016, 0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x0018, 0x0034,
]);

const message = (type: number, body: Buffer): Buffer => Buffer.concat([u8(type), v24(body)]);
