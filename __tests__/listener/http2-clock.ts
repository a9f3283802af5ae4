import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { readLimits } from '../../lib/listener/connections/limits.ts';
import { Http2Sessions } from '../../lib/listener/http2/sessions.ts';
import { listen } from './harness.ts';

export interface Clocked {
  readonly port: number;
  readonly server: Server;
  readonly sessions: Http2Sessions;
}

/**
 * Serves HTTP/2 alone, by a clock that goes on by `step` ms whenever it is read, as by each look at the sessions: what
 * takes ten steps takes ten turns of the loop at least, however busy the machine is.
 */
export async function openClocked(
  credentials: { readonly key: string; readonly cert: string },
  { step, sendTimeout }: { readonly step: number; readonly sendTimeout: number },
  listener: RequestListener,
): Promise<Clocked> {
  const server = createServer({ ...credentials, ALPNProtocols: ['h2'] }, listener);
  server.removeAllListeners('secureConnection');
  let now = 0;
  const limits = readLimits({ limits: { sendTimeout } });
  const sessions = new Http2Sessions(server, limits, {}, { now: () => (now += step) });
  server.on('secureConnection', (socket) => sessions.serve(socket));
  return { port: await listen(server), server, sessions };
}
