import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  randomBytes,
  sign,
} from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { readPem } from '../../lib/x509/pem.ts';
import { type Answer, Inbox, type Question, request } from './attacks-inbox.ts';

/** A key and what is sent with it. */
export interface Credentials {
  readonly key: string;
  readonly cert: string;
}

/** What an attacker may do otherwise in its part of a handshake. */
export interface Twist {
  /** Shows the certificate and does not prove to hold its key. */
  readonly skipVerify?: boolean;
  /** Sends this as application data in one breath with its hello. */
  readonly afterHello?: string;
  /** Sends this as application data between its certificate and the proof of its key. */
  readonly beforeVerify?: string;
  readonly serverName?: string;
}

const types = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
const messages = {
  clientHello: 1,
  serverHello: 2,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;
const tls12 = Buffer.of(3, 3);

/**
 * A TLS 1.2 client (RFC 5246, 5288, 5746, 7627) by ECDHE on P-256 with AES-128-GCM, which does what Node's and OpenSSL's
 * do not: another certificate in a renegotiation, a certificate without its key, data in the midst of a handshake.
 * Its own keys are ECDSA P-256. It does not verify the server.
 */
export class RawClient {
  /** How many handshakes the server has taken part in. */
  serverHellos = 0;
  readonly #socket: Socket;
  readonly #inbox = new Inbox();
  #octets: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  #closed = false;
  #reading: Cipher | undefined;
  #writing: Cipher | undefined;
  #transcript: Buffer[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #verifyData: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (octets) => {
      this.#octets = Buffer.concat([this.#octets, octets]);
      this.#wake();
    });
    for (const event of ['error', 'close', 'end']) {
      socket.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
    }
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new RawClient(socket.setNoDelay())));
    });
  }

  /** The first handshake, or a renegotiation; whether the server has finished it. */
  async handshake(as?: Credentials, twist: Twist = {}): Promise<boolean> {
    try {
      await this.#shakeHands(as, twist);
      return true;
    } catch (error) {
      if (error !== ended) throw error;
      return false;
    }
  }

  send(octets: string): void {
    this.#write(types.applicationData, Buffer.from(octets, 'latin1'));
  }

  async ask(path: string, question: Question = {}): Promise<Answer> {
    this.send(request(path, question));
    return this.answer();
  }

  async answer(): Promise<Answer> {
    for (;;) {
      const answer = this.#inbox.take();
      if (answer !== undefined) return answer;
      try {
        // oxlint-disable-next-line no-await-in-loop -- records come one after another
        await this.#read();
      } catch (error) {
        if (error !== ended) throw error;
        return { status: 'closed', body: '' };
      }
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #shakeHands(as: Credentials | undefined, twist: Twist): Promise<void> {
    this.#transcript = [];
    const clientRandom = randomBytes(32);
    const name = twist.serverName ?? 'localhost';
    this.#tell(messages.clientHello, clientHello(clientRandom, this.#verifyData, name));
    if (twist.afterHello !== undefined) this.send(twist.afterHello);
    const serverHello = await this.#hear(messages.serverHello);
    this.serverHellos++;
    const serverRandom = serverHello.subarray(2, 34);
    await this.#hear(messages.certificate);
    const share = (await this.#hear(messages.serverKeyExchange)).subarray(4, 4 + 65);
    let next = await this.#next();
    const wanted = next.type === messages.certificateRequest;
    if (wanted) next = await this.#next();
    expectType(next.type, messages.serverHelloDone);

    if (wanted) this.#tell(messages.certificate, certificateList(as));
    const ecdh = createECDH('prime256v1');
    const ours = ecdh.generateKeys();
    this.#tell(messages.clientKeyExchange, Buffer.concat([Buffer.of(ours.length), ours]));
    const master = prf(ecdh.computeSecret(share), 'extended master secret', this.#hash(), 48);
    if (twist.beforeVerify !== undefined) this.send(twist.beforeVerify);
    if (wanted && as !== undefined && twist.skipVerify !== true) {
      const signature = sign('sha256', Buffer.concat(this.#transcript), as.key);
      this.#tell(messages.certificateVerify, Buffer.concat([Buffer.of(4, 3), vector(2, signature)]));
    }

    const block = prf(master, 'key expansion', Buffer.concat([serverRandom, clientRandom]), 40);
    this.#write(types.changeCipherSpec, Buffer.of(1));
    this.#writing = new Cipher(block.subarray(0, 16), block.subarray(32, 36));
    const verifyData = prf(master, 'client finished', this.#hash(), 12);
    this.#tell(messages.finished, verifyData);
    while ((await this.#read()) !== types.changeCipherSpec);
    this.#reading = new Cipher(block.subarray(16, 32), block.subarray(36, 40));
    await this.#hear(messages.finished);
    this.#verifyData = verifyData;
  }

  #tell(type: number, body: Buffer): void {
    const message = Buffer.concat([Buffer.of(type), vector(3, body)]);
    this.#transcript.push(message);
    this.#write(types.handshake, message);
  }

  #write(type: number, plain: Buffer): void {
    const fragment = this.#writing?.seal(type, plain) ?? plain;
    if (!this.#closed) this.#socket.write(Buffer.concat([Buffer.of(type), tls12, vector(2, fragment)]));
  }

  async #hear(type: number): Promise<Buffer> {
    const message = await this.#next();
    expectType(message.type, type);
    return message.body;
  }

  async #next(): Promise<{ type: number; body: Buffer }> {
    while (this.#pending.length < 4 || this.#pending.length < 4 + this.#pending.readUIntBE(1, 3)) {
      // oxlint-disable-next-line no-await-in-loop -- records come one after another
      await this.#read();
    }
    const length = 4 + this.#pending.readUIntBE(1, 3);
    const message = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    this.#transcript.push(message);
    return { type: message[0]!, body: message.subarray(4) };
  }

  /** Takes one record, and gives its type. */
  async #read(): Promise<number> {
    while (this.#octets.length < 5 || this.#octets.length < 5 + this.#octets.readUInt16BE(3)) {
      if (this.#closed) throw ended;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const type = this.#octets[0]!;
    const length = 5 + this.#octets.readUInt16BE(3);
    const fragment = this.#octets.subarray(5, length);
    this.#octets = this.#octets.subarray(length);
    const plain = this.#reading?.open(type, fragment) ?? fragment;
    if (type === types.alert && (plain[0] === 2 || plain[1] === 0 || plain[1] === 100)) throw ended;
    if (type === types.handshake) this.#pending = Buffer.concat([this.#pending, plain]);
    if (type === types.applicationData) this.#inbox.put(plain);
    return type;
  }

  #hash(): Buffer {
    return createHash('sha256').update(Buffer.concat(this.#transcript)).digest();
  }
}

const ended = new Error('the server has ended the connection or the handshake');

function expectType(found: number, expected: number): void {
  if (found !== expected) throw new Error(`expected handshake message ${expected}, got ${found}`);
}

/** One direction's AES-128-GCM (RFC 5288). */
class Cipher {
  readonly #key: Buffer;
  readonly #salt: Buffer;
  #sequence = 0n;

  constructor(key: Buffer, salt: Buffer) {
    this.#key = key;
    this.#salt = salt;
  }

  seal(type: number, plain: Buffer): Buffer {
    const explicit = this.#count();
    const cipher = createCipheriv('aes-128-gcm', this.#key, Buffer.concat([this.#salt, explicit]));
    cipher.setAAD(header(explicit, type, plain.length));
    return Buffer.concat([explicit, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  open(type: number, fragment: Buffer): Buffer {
    const explicit = fragment.subarray(0, 8);
    const sealed = fragment.subarray(8, -16);
    const cipher = createDecipheriv('aes-128-gcm', this.#key, Buffer.concat([this.#salt, explicit]));
    cipher.setAAD(header(this.#count(), type, sealed.length)).setAuthTag(fragment.subarray(-16));
    return Buffer.concat([cipher.update(sealed), cipher.final()]);
  }

  #count(): Buffer {
    const octets = Buffer.alloc(8);
    octets.writeBigUInt64BE(this.#sequence++);
    return octets;
  }
}

const header = (sequence: Buffer, type: number, length: number): Buffer =>
  Buffer.concat([sequence, Buffer.of(type), tls12, Buffer.of(length >> 8, length & 0xff)]);

/** The PRF of TLS 1.2 with SHA-256 (RFC 5246 5). */
function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const hmac = (data: Buffer): Buffer => createHmac('sha256', secret).update(data).digest();
  const whole = Buffer.concat([Buffer.from(label, 'latin1'), seed]);
  let a: Buffer = whole;
  let out: Buffer = Buffer.alloc(0);
  while (out.length < length) {
    a = hmac(a);
    out = Buffer.concat([out, hmac(Buffer.concat([a, whole]))]);
  }
  return out.subarray(0, length);
}

function clientHello(random: Buffer, verifyData: Buffer, serverName: string): Buffer {
  const name = Buffer.concat([Buffer.of(0), vector(2, Buffer.from(serverName, 'latin1'))]);
  const extensions = [
    ...(serverName === '' ? [] : [helloExtension(0, vector(2, name))]),
    helloExtension(10, vector(2, Buffer.of(0, 23))),
    helloExtension(11, vector(1, Buffer.of(0))),
    helloExtension(13, vector(2, Buffer.of(4, 3, 8, 4, 4, 1))),
    helloExtension(23, Buffer.alloc(0)),
    helloExtension(0xff01, vector(1, verifyData)),
  ];
  return Buffer.concat([
    tls12,
    random,
    vector(1, Buffer.alloc(0)),
    vector(2, Buffer.of(0xc0, 0x2b, 0xc0, 0x2f)),
    vector(1, Buffer.of(0)),
    vector(2, Buffer.concat(extensions)),
  ]);
}

const helloExtension = (type: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.of(type >> 8, type & 0xff), vector(2, data)]);

function certificateList(as: Credentials | undefined): Buffer {
  const chain = as === undefined ? [] : readPem(as.cert)!.map(({ der }) => vector(3, der));
  return vector(3, Buffer.concat(chain));
}

/** A variable-length vector: its length in `octets` octets, and its content. */
function vector(octets: number, content: Buffer): Buffer {
  const length = Buffer.alloc(octets);
  length.writeUIntBE(content.length, 0, octets);
  return Buffer.concat([length, content]);
}
