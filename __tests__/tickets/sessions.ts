import { once } from 'node:events';
import { connect, type SecureVersion } from 'node:tls';

/** A session to resume, of a full handshake; a request is sent along, so that a 1.3 server has had its turn. */
export async function sessionOf(port: number, version: SecureVersion): Promise<Buffer> {
  const { session } = await visit(port, version);
  if (session === undefined) throw new Error('the server has given no ticket');
  return session;
}

export interface Visit {
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
  /** What the server answered to a request. */
  readonly body: string;
}

/** One connection with one request. */
export async function visit(port: number, version: SecureVersion, session?: Buffer): Promise<Visit> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ...(session !== undefined && { session }),
  });
  let given: Buffer | undefined;
  let text = '';
  socket.on('session', (one: Buffer) => (given = one));
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  const resumed = socket.isSessionReused();
  const closed = new Promise<void>((settle) => socket.once('close', () => settle()));
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await closed;
  return { resumed, session: given, body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}
