import { Child } from './messages.ts';
import type { Clients, Run } from './load.ts';
import type { ContenderName, Credentials } from './contenders.ts';
import type { Measure } from './measures.ts';

/** CPU of the server's process for one operation, in microseconds, of a pair of slices. */
export interface Pair {
  readonly contender: number;
  readonly baseline: number;
}

export interface Plan {
  /** The binary that runs the servers; the clients run on this process's own. */
  readonly node: string;
  readonly pairs: number;
  /** 1; less for a quick look. */
  readonly scale: number;
}

interface RunningServer {
  readonly child: Child;
  readonly port: number;
}

/** V8 still compiles during the first thousand operations. */
export const warmUpSlices = 3;

/**
 * Measures in pairs: both servers run, and slices of the same number of operations go to one and the other in turn, so
 * that what else the machine does meets both. What is compared is the server's own CPU time, not the clock.
 */
export async function measure(
  { contender, baseline, operation, ...measureOf }: Measure,
  credentials: Credentials,
  clients: Clients,
  { node, pairs, scale }: Plan,
): Promise<Pair[]> {
  const load = new Child('./load.js', process.execPath);
  const children = [load];
  const start = async (name: ContenderName): Promise<RunningServer> => {
    const child = new Child('./server.js', node);
    children.push(child);
    return { child, port: await child.ask<number>('listen', { name, credentials }) };
  };
  try {
    await load.ask('prepare', clients);
    const servers = [await start(contender), await start(baseline)] as const;
    const { concurrency } = measureOf;
    const operations = Math.ceil((measureOf.operationsPerSlice * scale) / concurrency) * concurrency;
    const slice = ({ child, port }: RunningServer): Promise<number> =>
      measureSlice(child, load, operation, { port, operations, concurrency });
    for (let round = 0; round < warmUpSlices; round++) for (const server of servers) await slice(server);
    const results: Pair[] = [];
    while (results.length < pairs) {
      const first = await slice(servers[results.length % 2]!);
      const second = await slice(servers[1 - (results.length % 2)]!);
      results.push(
        results.length % 2 === 0
          ? { contender: first, baseline: second }
          : { contender: second, baseline: first },
      );
    }
    return results;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

async function measureSlice(
  server: Child,
  load: Child,
  operation: Measure['operation'],
  run: Run,
): Promise<number> {
  const keepAlive = operation === 'requests';
  if (keepAlive) await load.ask('open', run);
  const before = await server.ask<number>('cpu');
  await load.ask(operation, run);
  const after = await server.ask<number>('cpu');
  if (keepAlive) await load.ask('close');
  return (after - before) / run.operations;
}
