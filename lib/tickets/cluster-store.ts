import cluster, { type Worker } from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock, within } from '../clock.ts';
import { type KeyRequest, readAnswer } from './cluster-messages.ts';
// For its effect too: where this module is loaded in the primary, the workers are answered.
import { answerWorkers } from './cluster-primary.ts';
import type { TicketKeyPeriod, TicketKeyStore } from './store.ts';

/** How long (ms) a primary may take that is busy forking. */
const patience = 5_000;
const silence =
  "the primary process of the cluster does not answer. Write import 'portcullis/cluster' there, as it has not loaded portcullis.";

/** In a worker of `node:cluster`: the keys that its primary keeps for all of them. */
export function storeOfPrimary(scope: string): TicketKeyStore | undefined {
  answerWorkers();
  return cluster.worker === undefined ? undefined : clusterStore(cluster.worker, scope);
}

/** Asks by `worker.send`; the keys pass through the channel between the two processes, and nobody else reads it. */
export function clusterStore(
  worker: Pick<Worker, 'send' | 'isConnected' | 'on' | 'off'>,
  scope: string,
  clock: Clock = systemClock,
): TicketKeyStore {
  return {
    async keyFor(period, candidate) {
      if (!worker.isConnected()) throw new Error('the worker is disconnected from its primary');
      const id = randomUUID();
      let settle!: (key: Buffer) => void;
      let fail!: (error: Error) => void;
      const answered = new Promise<Buffer>((...both) => ([settle, fail] = both));
      const listener = (message: unknown): void => {
        const key = readAnswer(message, id);
        if (key !== undefined) settle(key);
      };
      worker.on('message', listener);
      worker.send(requestOf(id, scope, period, candidate), (error) => {
        if (error !== null) fail(error);
      });
      try {
        return await within(clock, patience, silence, answered);
      } finally {
        worker.off('message', listener);
      }
    },
  };
}

const requestOf = (id: string, scope: string, period: TicketKeyPeriod, candidate: Buffer): KeyRequest => ({
  portcullis: 'ticket-key-request/1',
  id,
  scope,
  period,
  candidate: candidate.toString('base64'),
});
