/** Makes one server, with a CRL or without, and tells what that has cost (`--expose-gc`). */
import { answerParent } from '../messages.ts';
import { createServer, type PortcullisServer } from '../../lib/index.ts';
import { plainListener } from '../contenders/node-servers.ts';
import type { Credentials } from '../credentials.ts';

export interface Loaded {
  /** Microseconds. */
  readonly cpu: number;
  readonly wall: number;
  /** KiB that the process has in use afterwards. */
  readonly used: number;
}

/** It stays reachable. */
let server: PortcullisServer | undefined;

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function used(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc!();
    await new Promise((resolve) => void setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024;
}

answerParent({
  make: async ({
    credentials: { key, cert, ca },
    crl,
  }: {
    credentials: Credentials;
    crl: string | undefined;
  }): Promise<Loaded> => {
    const make = (lists: { crl?: string }): PortcullisServer =>
      createServer(
        { key, cert, logger: false, clientAuth: { mode: 'optional', ca, ...lists } },
        plainListener,
      );
    // What the first server of a process loads and compiles.
    server = make({});
    const before = { cpu: cpu(), wall: performance.now() };
    server = make(crl === undefined ? {} : { crl });
    const after = { cpu: cpu() - before.cpu, wall: (performance.now() - before.wall) * 1_000 };
    return { ...after, used: await used() };
  },
  /** Keeps what was made alive until it is asked. */
  isMade: (): boolean => server !== undefined,
});
