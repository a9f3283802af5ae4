import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { dial, inTurn, serverName } from './dial.ts';

/** One connection of HTTP/2. */
export interface Http2Connection {
  /** `streams` at once. */
  ask(count: number, streams: number): Promise<void>;
  close(): Promise<void>;
}

export async function openHttp2(port: number): Promise<Http2Connection> {
  const socket = await dial(port);
  const session = connect(`https://${serverName()}`, { createConnection: () => socket });
  let failed: Error | undefined;
  session.on('error', (error: Error) => (failed = error));
  await once(session, 'connect');
  return {
    ask: async (count, streams) => {
      await inTurn(count, streams, () => () => ask(session));
      if (failed !== undefined) throw failed;
    },
    close: async () => {
      const closed = once(session, 'close');
      session.close();
      await closed;
    },
  };
}

function ask(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/' });
    let status: number | undefined;
    stream.on('response', (headers) => (status = headers[':status']));
    stream.on('error', reject);
    stream.on('close', () => {
      if (status === 200) resolve();
      else reject(new Error(`an unexpected answer: ${status}`));
    });
    stream.resume();
    stream.end();
  });
}
