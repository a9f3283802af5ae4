/** A contender's process that holds connections, and tells what memory it has after a collection (`--expose-gc`). */
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeServer } from '../contenders/index.ts';
import type { ServerSettings } from '../contenders/settings.ts';
import { answerParent } from '../messages.ts';

/** In KiB. */
export interface Memory {
  readonly resident: number;
  /** The heap, and what its objects hold outside of it as far as V8 knows. */
  readonly used: number;
}

answerParent({
  listen: async (settings: ServerSettings): Promise<number> => {
    const server = (await makeServer(settings)) as Server;
    // Node's five seconds would end the first connections before the last ones are there.
    server.keepAliveTimeout = 3_600_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return (server.address() as AddressInfo).port;
  },
  memory: async (): Promise<Memory> => {
    // What a finalizer frees is free after a second one.
    for (let round = 0; round < 3; round++) {
      globalThis.gc!();
      await new Promise((resolve) => void setImmediate(resolve));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { resident: rss / 1024, used: (heapUsed + external) / 1024 };
  },
});
