import { Reader, WireError } from './bytes.ts';
import { FlightKeys } from './key-schedule.ts';
import { contentTypes, extensions, messages } from './numbers.ts';
import { type HandshakeMessage, MessageReader, RecordReader, type TlsRecord } from './records.ts';
import { readAlpn, readExtensions, readServerHello, type ServerHello } from './server-hello.ts';
import {
  type ClientCertificateRequest,
  type KeyExchange,
  readCertificateRequest,
  readCertificates,
  readCertificates13,
  readKeyExchange,
  readStatus,
  type SentCertificates,
} from './server-messages.ts';
import { suiteOf } from './suites.ts';

export interface Alert {
  readonly fatal: boolean;
  readonly description: number;
}

/** What a server has sent in answer to one ClientHello, as far as it could be read. */
export interface Flight {
  readonly hello: ServerHello | undefined;
  readonly sent: SentCertificates | undefined;
  readonly keyExchange: KeyExchange | undefined;
  readonly request: ClientCertificateRequest | undefined;
  readonly alpn: string | undefined;
  /** Of CertificateVerify (TLS 1.3). */
  readonly scheme: number | undefined;
  readonly alert: Alert | undefined;
}

/** How a TLS 1.3 flight is opened: the ClientHello, and the secret that belongs to the server's key share. */
export interface Opener {
  readonly clientHello: Buffer;
  readonly agree: (group: number, key: Buffer) => Buffer | undefined;
}

/**
 * Reads a server's answer to a ClientHello, up to where it waits for the client: nothing more is ever sent. Without an
 * opener the answer of TLS 1.3 ends with its hello.
 */
export class FlightReader {
  readonly #records = new RecordReader();
  readonly #messages = new MessageReader();
  readonly #opener: Opener | undefined;
  #keys: FlightKeys | undefined;
  #done = false;
  #flight: { -readonly [Key in keyof Flight]: Flight[Key] } = {
    hello: undefined,
    sent: undefined,
    keyExchange: undefined,
    request: undefined,
    alpn: undefined,
    scheme: undefined,
    alert: undefined,
  };

  constructor(opener?: Opener) {
    this.#opener = opener;
  }

  get flight(): Flight {
    return this.#flight;
  }

  /** Whether the server has said all that it says before the client goes on. Throws a WireError. */
  push(chunk: Buffer): boolean {
    for (const record of this.#records.push(chunk)) {
      if (this.#done) break;
      this.#take(record);
    }
    return this.#done;
  }

  #take(record: TlsRecord): void {
    const { type, payload } = record;
    if (type === contentTypes.changeCipherSpec && this.#keys !== undefined) return;
    if (type === contentTypes.applicationData && this.#keys !== undefined) {
      const inner = this.#keys.open(record);
      this.#content(inner.type, inner.content);
      return;
    }
    if (type === contentTypes.alert || type === contentTypes.handshake) this.#content(type, payload);
    else throw new WireError('a record that does not belong here');
  }

  #content(type: number, content: Buffer): void {
    if (type === contentTypes.alert) this.#alert(content);
    else if (type !== contentTypes.handshake) throw new WireError('a record that does not belong here');
    else {
      for (const message of this.#messages.push(content)) {
        if (!this.#done) this.#message(message);
      }
    }
  }

  #alert(content: Buffer): void {
    if (content.length !== 2) throw new WireError('an alert of another length');
    const alert = { fatal: content[0] === 2, description: content[1]! };
    // A warning is no answer: unrecognized_name came as one from old servers (RFC 6066 3).
    if (!alert.fatal && alert.description !== 0) return;
    this.#flight.alert = alert;
    this.#done = true;
  }

  #message(message: HandshakeMessage): void {
    const { type, body } = message;
    const flight = this.#flight;
    if (flight.hello === undefined) {
      if (type !== messages.serverHello) throw new WireError('no ServerHello at the beginning');
      this.#hello(message);
      return;
    }
    const version = flight.hello.version!;
    const is13 = version === 'TLSv1.3';
    switch (type) {
      case messages.certificate:
        flight.sent = is13 ? readCertificates13(body) : readCertificates(body);
        return;
      case messages.certificateStatus:
        if (flight.sent === undefined) throw new WireError('a status before its certificate');
        flight.sent = { ...flight.sent, ocspResponse: readStatus(body) };
        return;
      case messages.serverKeyExchange:
        flight.keyExchange = readKeyExchange(body, suiteOf(flight.hello.suite), version);
        return;
      case messages.certificateRequest:
        flight.request = readCertificateRequest(body, version);
        return;
      case messages.encryptedExtensions:
        flight.alpn = readAlpn(readExtensions(new Reader(body).vector(2)).get(extensions.alpn));
        return;
      case messages.certificateVerify:
        if (body.length < 2) throw new WireError('a message that is cut short');
        flight.scheme = body.readUInt16BE(0);
        return;
      case messages.serverHelloDone:
      case messages.finished:
        this.#done = true;
        return;
      default:
        throw new WireError('a handshake message that does not belong here');
    }
  }

  #hello({ body, raw }: HandshakeMessage): void {
    const hello = readServerHello(body);
    if (hello.version === undefined || hello.version === 'SSLv2')
      throw new WireError('a ServerHello of an unknown version');
    this.#flight.hello = hello;
    if (hello.version !== 'TLSv1.3') {
      this.#flight.alpn = readAlpn(hello.extensions.get(extensions.alpn));
      return;
    }
    const secret = hello.keyShare?.key && this.#opener?.agree(hello.keyShare.group, hello.keyShare.key);
    if (secret === undefined || this.#opener === undefined) {
      this.#done = true;
      return;
    }
    this.#keys = new FlightKeys(hello.suite, secret, Buffer.concat([this.#opener.clientHello, raw]));
  }
}
