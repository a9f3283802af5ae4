import cluster, { type Worker } from 'node:cluster';
// Shares the session ticket keys among the workers.
import { answerWorkers } from '../../tickets/cluster-primary.ts';
import { CliFailure, type ExitCode, exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { announce, type Served } from './announce.ts';
import { withFixedPorts } from './fixed-ports.ts';
import type { ServeFlags } from './flags.ts';
import { type PoolWorker, WorkerPool } from './worker-pool.ts';

/** Serves by processes that share the port, until it is asked to stop. They run this same command line. */
export async function serveByWorkers(flags: ServeFlags, io: Io): Promise<void> {
  answerWorkers();
  const args = await withFixedPorts(process.argv.slice(2), flags);
  cluster.setupPrimary({ exec: process.argv[1]!, args });
  const pool = new WorkerPool({
    count: flags.workers,
    fork: () => poolWorker(cluster.fork()),
    delay: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    now: io.now,
    tell: (line) => io.err(`${line}\n`),
    onServing: (served) => void announce(served as Served, flags, io).then(io.answered),
  });
  const reload = (): void => pool.reload();
  const stop = (): void => pool.stop();
  process.on('SIGHUP', reload);
  io.stop.addEventListener('abort', stop, { once: true });
  if (io.stop.aborted) stop();
  try {
    const code = await pool.done;
    // The worker has said why.
    if (code !== exitCodes.fine) throw new CliFailure('', undefined, code as ExitCode);
  } finally {
    process.removeListener('SIGHUP', reload);
    io.stop.removeEventListener('abort', stop);
  }
}

const poolWorker = (worker: Worker): PoolWorker => ({
  pid: worker.process.pid,
  onServing: (heard) =>
    void worker.on('message', (message: unknown) => {
      const { portcullis, served } = (message ?? {}) as { portcullis?: unknown; served?: unknown };
      if (portcullis === 'serving/1') heard(served);
    }),
  onExit: (ended) =>
    void worker.on('exit', (code: number | null, signal: string | null) =>
      ended(signal ?? code ?? exitCodes.failed),
    ),
  kill: (signal) => void worker.process.kill(signal),
});
