import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

export type AttackName = 'handshakes' | 'hellos' | 'headers' | 'bodies';

/** An attack that lasts about `seconds` if nobody ends it; what it gives ends it. */
export type Attack = (port: number, seconds: number) => { readonly over: Promise<void>; stop(): void };

/** The first octets of a ClientHello. */
const halfHello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

/** So many connections that say the same, and nothing more. */
const stall =
  (count: number, octets: () => Buffer): Attack =>
  (port, seconds) => {
    const said = octets();
    const sockets: Socket[] = Array.from({ length: count }, () => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
      socket.on('error', () => {});
      socket.write(said);
      return socket.resume();
    });
    const stop = (): void => {
      for (const socket of sockets) socket.destroy();
    };
    const timer = setTimeout(stop, seconds * 1_000);
    const closed = sockets.map(
      (socket) => new Promise<void>((settle) => socket.once('close', () => settle())),
    );
    return { over: Promise.all(closed).then(() => clearTimeout(timer)), stop };
  };

/** A whole ClientHello, upon which a server computes: of Node's own client. */
function wholeHello(): Buffer {
  let hello = Buffer.alloc(0);
  const wire = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      hello = Buffer.concat([hello, chunk]);
      done();
    },
  });
  connectTls({ socket: wire, servername: 'localhost' }).on('error', () => {});
  return hello;
}

/** 1,000 connections of slowhttptest (Debian's package of that name). */
const slowhttptest =
  (...mode: string[]): Attack =>
  (port, seconds) => {
    const args = [...mode, '-c', '1000', '-r', '250', '-i', '2', '-x', '16', '-p', '5', '-v', '0'];
    const child = spawn('slowhttptest', [...args, '-l', `${seconds}`, '-u', `https://127.0.0.1:${port}/`], {
      stdio: 'ignore',
      cwd: tmpdir(),
      env: { ...process.env, OPENSSL_CONF: '/dev/null' },
    });
    const over = new Promise<void>((settle, fail) => {
      child.once('close', () => settle());
      child.once('error', fail);
    });
    return { over, stop: () => child.kill() };
  };

export const attacks: Readonly<Record<AttackName, Attack>> = {
  // 500 that stop within the hello.
  handshakes: stall(500, () => halfHello),
  // 2,000 at once that let the server answer, and say nothing to it.
  hellos: stall(2_000, wholeHello),
  headers: slowhttptest('-H'),
  bodies: slowhttptest('-B', '-s', '100000'),
};
