/**
 * The control: a server with every fault that the scanners look for, so that a scanner that finds nothing elsewhere is
 * known to be able to find: `node weak-server.js DIRECTORY`. Behind is gnutls-serv with TLS 1.0, 3DES, RC4, CBC, static
 * RSA, anonymous and 1024-bit Diffie-Hellman, which shakes hands. What no program of today does any more (SSLv2, SSLv3,
 * export suites, Heartbleed, CCS injection, Ticketbleed) is answered here by constructed octets, as far as a scanner
 * reads. gnutls-serv cannot be bound to one address: while it runs the machine has such a server. Says its port, and ends with its input.
 */
import { spawn } from 'node:child_process';
import { createDiffieHellmanGroup, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { alert, flight, type Hello, readHello, record, sslv2Hello, sslv2Verify } from './weak-hello.ts';

const [directory = '.'] = process.argv.slice(2);
const file = (name: string): string => join(directory, name);
const certificate = new X509Certificate(readFileSync(file('weak.pem'))).raw;

const records = { changeCipherSpec: 20, alert: 21, handshake: 22, heartbeat: 24 } as const;
const extensions = { heartbeat: 15, nextProtocol: 13172 } as const;
const rsaCbc = 0x002f;
/** RSA_EXPORT_WITH_RC4_40_MD5 (FREAK) and DHE_RSA_EXPORT_WITH_DES40_CBC_SHA (Logjam). */
const [exportRsa, exportDhe] = [0x0003, 0x0014];
/** RC4 with 40 bits, which makes DROWN a matter of hours, and 3DES. */
const sslv2Ciphers = [0x020080, 0x0700c0];
const leaked = 'what is not to be told'.padEnd(0x4000, '.');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** PKCS #3: SEQUENCE { prime INTEGER, base INTEGER }, here of 1024 bits (RFC 2409 6.2). */
function diffieHellmanParameters(): string {
  const prime = createDiffieHellmanGroup('modp2').getPrime();
  const body = Buffer.concat([Buffer.of(0x02, 0x81, prime.length + 1, 0), prime, Buffer.of(0x02, 1, 2)]);
  const der = Buffer.concat([Buffer.of(0x30, 0x81, body.length), body]);
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return ['-----BEGIN DH PARAMETERS-----', ...lines, '-----END DH PARAMETERS-----', ''].join('\n');
}

const priority = [
  'NONE:+CTYPE-X509:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:%VERIFY_ALLOW_BROKEN:%UNSAFE_RENEGOTIATION',
  '+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2',
  '+3DES-CBC:+ARCFOUR-128:+AES-128-CBC:+AES-128-GCM:+NULL:+SHA1:+MD5:+SHA256:+AEAD',
  '+RSA:+DHE-RSA:+ECDHE-RSA:+ANON-DH',
].join(':');

async function startGnutls(): Promise<number> {
  const port = await freePort();
  writeFileSync(file('weak-dh.pem'), diffieHellmanParameters());
  const pair = ['--x509keyfile', file('weak.key'), '--x509certfile', file('weak.pem')];
  const more = ['--http', '--disable-client-cert', '--dhparams', file('weak-dh.pem'), '--priority', priority];
  const child = spawn('gnutls-serv', ['--port', String(port), ...pair, ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => child.kill());
  child.once('error', (error) => fail(`gnutls-serv (Debian package gnutls-bin): ${error.message}`));
  child.once('exit', () => fail('gnutls-serv has ended'));
  // It tells on this channel where it listens, and later of each handshake.
  await once(child.stderr, 'data');
  child.stderr.resume();
  return port;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** What this server says to a hello itself; undefined where gnutls-serv is to answer. */
function ownAnswer({ version, sessionId, suites, extensions: asked }: Hello): Buffer | undefined {
  const own = { version, suite: rsaCbc, certificate };
  // SSLv3 with CBC: POODLE.
  if (version === 0x0300) return suites.includes(rsaCbc) ? flight(own) : alert(version, 40);
  if (asked.has(extensions.heartbeat))
    return flight({ ...own, extensions: new Map([[extensions.heartbeat, Buffer.of(1)]]) });
  if (asked.has(extensions.nextProtocol)) {
    const protocols = Buffer.from('\x08http/1.1', 'latin1');
    return flight({ ...own, extensions: new Map([[extensions.nextProtocol, protocols]]) });
  }
  // Ticketbleed: a short session id is filled up to 32 octets with what lies behind it.
  if (sessionId.length > 0 && sessionId.length < 32)
    return flight({ ...own, sessionId: Buffer.concat([sessionId, Buffer.from(leaked)]).subarray(0, 32) });
  // A hello that offers all suites there are is the one before an early ChangeCipherSpec.
  return version === 0x0303 && suites.length > 200 ? flight(own) : undefined;
}

/** For a hello that gnutls-serv refuses. */
function exportAnswer({ version, suites }: Hello): Buffer | undefined {
  if (suites.includes(exportRsa)) return flight({ version, suite: exportRsa, certificate });
  const prime = createDiffieHellmanGroup('modp1').getPrime().subarray(0, 64);
  return suites.includes(exportDhe) ? flight({ version, suite: exportDhe, certificate, prime }) : undefined;
}

/**
 * After a flight of its own: Heartbleed's answer, and a second early ChangeCipherSpec noticed only by its MAC. Some
 * scanners send the first of these in one breath with the hello.
 */
function goOn(socket: Socket, version: number, rest: Buffer): void {
  let cipherSpecs = 0;
  const onData = (chunk: Buffer): void => {
    if (chunk[0] === records.heartbeat)
      socket.write(record(records.heartbeat, version, Buffer.from(`\x02\x40\x00${leaked}`, 'latin1')));
    if (chunk[0] === records.changeCipherSpec && (cipherSpecs += 1) === 2) socket.end(alert(version, 20));
  };
  onData(rest);
  socket.on('data', onData);
}

function passOn(socket: Socket, octets: Buffer, hello: Hello | undefined, port: number): void {
  const behind = connect(port, '127.0.0.1');
  behind.on('error', () => socket.destroy());
  socket.on('error', () => behind.destroy());
  behind.write(octets);
  behind.once('data', (answer) => {
    const better = answer[0] === records.alert && hello !== undefined ? exportAnswer(hello) : undefined;
    socket.write(better ?? answer);
    if (better === undefined) {
      behind.pipe(socket);
      socket.pipe(behind);
    } else behind.destroy();
  });
  behind.once('end', () => socket.end());
}

function serve(socket: Socket, port: number): void {
  let octets = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  const onData = (chunk: Buffer): void => {
    octets = Buffer.concat([octets, chunk]);
    if (octets.length < 5) return;
    if (octets[0]! >= 0x80) {
      socket.off('data', onData);
      socket.write(sslv2Hello(certificate, sslv2Ciphers));
      socket.once('data', () => socket.end(sslv2Verify()));
      return;
    }
    const end = 5 + octets.readUInt16BE(3);
    if (octets.length < end) return;
    socket.off('data', onData);
    const hello = octets[0] === records.handshake ? readHello(octets.subarray(5, end)) : undefined;
    const own = hello && ownAnswer(hello);
    if (own === undefined) return passOn(socket, octets, hello, port);
    socket.write(own);
    goOn(socket, hello!.version, octets.subarray(end));
  };
  socket.on('data', onData);
}

// Before anything is started, which has to end with this process.
process.stdin.resume().on('end', () => process.exit());
process.once('SIGTERM', () => process.exit());

const gnutls = await startGnutls();
const server = createServer((socket) => serve(socket, gnutls));
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
