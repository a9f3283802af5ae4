import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { connect, type Socket } from 'node:net';

export type AttackName = 'handshakes' | 'headers' | 'bodies';

/** An attack that lasts about `seconds` if nobody ends it; what it gives ends it. */
export type Attack = (port: number, seconds: number) => { readonly over: Promise<void>; stop(): void };

/** The first octets of a ClientHello. */
const halfHello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

/** 500 handshakes that stop within the hello. */
const stallHandshakes: Attack = (port, seconds) => {
  const sockets: Socket[] = Array.from({ length: 500 }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    socket.on('error', () => {});
    socket.write(halfHello);
    return socket.resume();
  });
  const stop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const timer = setTimeout(stop, seconds * 1_000);
  const closed = sockets.map((socket) => new Promise<void>((settle) => socket.once('close', () => settle())));
  return { over: Promise.all(closed).then(() => clearTimeout(timer)), stop };
};

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
  handshakes: stallHandshakes,
  headers: slowhttptest('-H'),
  bodies: slowhttptest('-B', '-s', '100000'),
};
