/** The flooded server's process: listens, and tells what it holds of the attacker. */
import { createServer as createHttpsServer, type Server } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createServer } from '../lib/index.ts';
import { answerParent } from './messages.ts';

export type FloodedName = 'portcullis' | 'node:https';

/** Times in milliseconds, each of a connection's life. */
export interface Held {
  readonly open: number;
  readonly peak: number;
  /**
   * How many have been closed so far, and the life of the first of them and of the longest. Those of less than a second
   * are not counted: slowhttptest looks after the server itself.
   */
  readonly closed: number;
  readonly firstClosed: number | undefined;
  readonly longest: number | undefined;
  /** How late the event loop was since it was last asked, in milliseconds. */
  readonly delay: { readonly median: number; readonly p99: number; readonly longest: number };
  /** Portcullis only: whom the limits have cut so far, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** MiB, after a collection: what is in use, and what the process has (an allocator gives little of it back). */
  readonly used: number;
  readonly resident: number;
}

interface Start {
  readonly name: FloodedName;
  readonly key: string;
  readonly cert: string;
  /** Whose connections are not the attacker's. */
  readonly probe: string;
}

const app: RequestListener = (request, response) => {
  request.resume();
  request.on('end', () => response.end('in'));
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const mebi = 1024 * 1024;
const resolution = 10;
const delays = monitorEventLoopDelay({ resolution });
let drops: () => Readonly<Record<string, number>> = () => ({});
let open = 0;
let peak = 0;
const lives: number[] = [];

function watch(server: Server, probe: string): void {
  server.on('connection', (socket: Socket) => {
    if (socket.remoteAddress === probe) return;
    const since = performance.now();
    peak = Math.max(peak, ++open);
    socket.once('close', () => {
      open--;
      const life = performance.now() - since;
      if (life > 1_000) lives.push(life);
    });
  });
}

function makePortcullis(key: string, cert: string): Server {
  const server = createServer({ key, cert, logger: false }, app);
  drops = () => server.stats().drops.byReason;
  return server;
}

/** Without the interval in which it is looked at. */
const late = (nanoseconds: number): number =>
  Math.max(0, Math.round((nanoseconds / 1e6 - resolution) * 10) / 10);

answerParent({
  listen: async ({ name, key, cert, probe }: Start): Promise<number> => {
    const server = name === 'portcullis' ? makePortcullis(key, cert) : createHttpsServer({ key, cert }, app);
    watch(server, probe);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
    delays.enable();
    return (server.address() as AddressInfo).port;
  },
  held: async (): Promise<Held> => {
    const delay = {
      median: late(delays.percentile(50)),
      p99: late(delays.percentile(99)),
      longest: late(delays.max),
    };
    // What a closed socket holds is let go on later turns.
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((settle) => setTimeout(settle, 50));
      collect();
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    delays.reset();
    return {
      open,
      peak,
      delay,
      drops: drops(),
      closed: lives.length,
      firstClosed: lives.length === 0 ? undefined : Math.round(lives[0]!),
      longest: lives.length === 0 ? undefined : Math.round(lives.reduce((a, b) => Math.max(a, b))),
      used: Math.round((heapUsed + external) / mebi),
      resident: Math.round(rss / mebi),
    };
  },
});
