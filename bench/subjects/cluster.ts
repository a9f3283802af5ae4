/** Two workers of `node:cluster` with one contender, and the process that has forked them. */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { makeServer } from '../contenders/index.ts';
import type { ServerSettings } from '../contenders/settings.ts';
import { answerParent } from '../messages.ts';

const size = 2;

interface Told {
  readonly port?: number;
  readonly cpu?: number;
  readonly problem?: string;
}

const ownCpu = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

if (cluster.isPrimary) serveAsPrimary();
else serveAsWorker();

function serveAsPrimary(): void {
  const workers: Worker[] = [];
  const fork = async (settings: ServerSettings): Promise<number> => {
    const worker = cluster.fork();
    // What is sent before it listens is lost.
    await once(worker, 'message');
    workers.push(worker);
    return (await ask(worker, { settings })).port!;
  };
  answerParent({
    listen: async (settings: ServerSettings): Promise<number> => {
      // Port 0 is shared by all workers: each is told the port of the first.
      const ports = await Promise.all(Array.from({ length: size }, () => fork(settings)));
      if (ports.some((port) => port !== ports[0]))
        throw new Error(`the workers listen at ${ports.join(' and ')}`);
      return ports[0]!;
    },
    /** Of the primary, which accepts, and its workers. */
    cpu: async (): Promise<number> => {
      const told = await Promise.all(workers.map((worker) => ask(worker, {})));
      return told.reduce((sum, { cpu }) => sum + cpu!, ownCpu());
    },
  });
}

async function ask(worker: Worker, question: object): Promise<Told> {
  const told = once(worker, 'message') as Promise<[Told]>;
  worker.send(question);
  const [answer] = await told;
  if (answer.problem !== undefined) throw new Error(answer.problem);
  return answer;
}

function tell(told: Told): void {
  process.send!(told);
}

function serveAsWorker(): void {
  process.on('message', ({ settings }: { settings?: ServerSettings }) => {
    if (settings === undefined) return tell({ cpu: ownCpu() });
    listen(settings).then(
      (port) => tell({ port }),
      (error: unknown) => tell({ problem: String(error) }),
    );
  });
  tell({});
}

async function listen(settings: ServerSettings): Promise<number> {
  const server = await makeServer(settings);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
