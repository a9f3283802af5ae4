import cluster, { type Worker } from 'node:cluster';
import { type KeyAnswer, readKey, readRequest } from './cluster-messages.ts';
import { PrimaryKeys } from './primary-keys.ts';

/** On the cluster itself, as this package may be loaded twice: only one may answer. */
const registered: unique symbol = Symbol.for('portcullis.ticket-keys.primary/1') as never;

/** Answers the workers that ask for ticket keys, from now on; once for a process, however often it is called. */
export function answerWorkers(): void {
  const marked: { [registered]?: boolean } = cluster as object;
  if (!cluster.isPrimary || marked[registered] === true) return;
  marked[registered] = true;
  const keys = new PrimaryKeys();
  cluster.on('message', (worker: Worker, message: unknown) => answer(worker, message, keys));
}

/** A message of somebody else, or a malformed one, is not answered. */
export function answer(
  worker: Pick<Worker, 'send' | 'isConnected'>,
  message: unknown,
  keys: PrimaryKeys,
): void {
  const request = readRequest(message);
  const candidate = readKey(request?.candidate);
  if (request === undefined || candidate === undefined || !worker.isConnected()) return;
  const key = keys.keyFor(request.scope, request.period, candidate);
  if (key === undefined) return;
  const reply: KeyAnswer = { portcullis: 'ticket-key-answer/1', id: request.id, key: key.toString('base64') };
  // A worker that has just gone is no error: with a callback none is emitted.
  worker.send(reply, () => undefined);
}

answerWorkers();
