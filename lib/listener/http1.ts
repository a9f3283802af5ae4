import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** Takes Node's own listener for 'secureConnection', which speaks HTTP/1.1, off a new server. */
export function takeHttp1(server: Server): (socket: TLSSocket) => void {
  const [http1] = server.listeners('secureConnection') as Array<(socket: TLSSocket) => void>;
  if (http1 === undefined) throw new Error('This Node has no listener for HTTP/1.1 in its https.Server.');
  server.removeListener('secureConnection', http1);
  return http1;
}
