import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** RFC 3749: DEFLATE is 1, null is 0. */
const methods = Buffer.from([1, 0]);

/**
 * Sends a genuine TLS 1.2 ClientHello in which DEFLATE was put before the null compression, as no client of today can
 * be told to offer it, and gives the method that the ServerHello chooses.
 */
export async function offerCompression(port: number): Promise<{ readonly compressionMethod: number }> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(withCompression(await clientHello()));
    return { compressionMethod: chosenMethod(await record(socket)) };
  } finally {
    socket.destroy();
  }
}

/** The first record of Node's own client. */
async function clientHello(): Promise<Buffer> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connectTls({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.2',
  });
  client.on('error', () => undefined);
  try {
    const [socket] = (await once(listener, 'connection')) as [Socket];
    const hello = await record(socket);
    socket.destroy();
    return hello;
  } finally {
    client.destroy();
    listener.close();
  }
}

async function record(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  while (received.length < 5 || received.length < 5 + received.readUInt16BE(3)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  return received.subarray(0, 5 + received.readUInt16BE(3));
}

/** RFC 5246 7.4.1.2: type and length (4), version (2), random (32), session id, cipher suites, compression methods. */
function withCompression(hello: Buffer): Buffer {
  const body = hello.subarray(5);
  const session = 38;
  const ciphers = session + 1 + body.readUInt8(session);
  const compression = ciphers + 2 + body.readUInt16BE(ciphers);
  const rest = body.subarray(compression + 1 + body.readUInt8(compression));
  const message = Buffer.concat([
    body.subarray(0, compression),
    Buffer.from([methods.length]),
    methods,
    rest,
  ]);
  message.writeUIntBE(message.length - 4, 1, 3);
  const header = Buffer.from(hello.subarray(0, 5));
  header.writeUInt16BE(message.length, 3);
  return Buffer.concat([header, message]);
}

function chosenMethod(answer: Buffer): number {
  const [type, message] = [answer.readUInt8(0), answer.subarray(5)];
  if (type !== 22 || message.readUInt8(0) !== 2) throw new Error(`no ServerHello: ${answer.toString('hex')}`);
  // After the session id comes one cipher suite, and then the method.
  return message.readUInt8(38 + 1 + message.readUInt8(38) + 2);
}
