/** The clients' process. What it is asked to do gives the microseconds of the clock that one operation took. */
import type { Clients } from './credentials.ts';
import { inTurn, type Offer, prepare } from './load/dial.ts';
import { resume, shakeHands } from './load/handshakes.ts';
import { askAll, keepAlive, type KeptAlive, visit } from './load/http1.ts';
import { type Http2Connection, openHttp2 } from './load/http2.ts';
import { answerParent } from './messages.ts';

export interface Run {
  readonly port: number;
  readonly operations: number;
  /** How many at once. */
  readonly concurrency: number;
}

/** What is done over and over: on new connections, or on those that `open…` has opened. */
export type Operation = 'handshakes' | 'resumptions' | 'visits' | 'requests' | 'http2';

let kept: KeptAlive[] = [];
let http2: Http2Connection | undefined;

const onNewConnections =
  (worker: (port: number) => () => () => Promise<void>) =>
  ({ port, operations, concurrency }: Run): Promise<number> =>
    timed(operations, () => inTurn(operations, concurrency, worker(port)));

async function timed(operations: number, run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return ((performance.now() - start) * 1_000) / operations;
}

const operations: Readonly<Record<Operation, (run: Run) => Promise<number>>> = {
  handshakes: onNewConnections(shakeHands),
  resumptions: onNewConnections(resume),
  visits: onNewConnections(visit),
  requests: ({ operations: count }) => timed(count, () => askAll(kept, count)),
  http2: ({ operations: count, concurrency }) => timed(count, () => http2!.ask(count, concurrency)),
};

answerParent({
  prepare: (given: { clients: Clients; offer: Offer }): void => prepare(given),
  /** Connections that are kept alive; each has served a request when this is answered. */
  openHttp1: async ({ port, concurrency }: Run): Promise<void> => {
    kept = await Promise.all(Array.from({ length: concurrency }, () => keepAlive(port)));
    await Promise.all(kept.map((connection) => connection.ask()));
  },
  /** More connections, each of which has served a request and stays idle. */
  hold: ({ port, operations: count, concurrency }: Run): Promise<void> =>
    inTurn(count, concurrency, () => async () => {
      const connection = await keepAlive(port);
      await connection.ask();
      kept.push(connection);
    }),
  openHttp2: async ({ port }: Run): Promise<void> => {
    http2 = await openHttp2(port);
    await http2.ask(1, 1);
  },
  close: async (): Promise<void> => {
    await Promise.all([...kept.map((connection) => connection.close()), http2?.close()]);
    kept = [];
    http2 = undefined;
  },
  ...operations,
});
