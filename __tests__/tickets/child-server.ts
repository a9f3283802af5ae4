import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { TicketKeyStore } from '../../lib/tickets/store.ts';
import { TicketKeys } from '../../lib/tickets/ticket-keys.ts';

/** Runs in a process of its own, started by `children.ts`. */
export interface ChildServer {
  readonly port: number;
  /** Sets the clock forward by so many periods. */
  forward(periods: number): void;
}

const rotateEvery = 86_400;
const day = rotateEvery * 1_000;
/** Retries come ten times as soon. */
const hurry = 10;

/** Serves by https, with keys of the store, or of the cluster; tells what is published and logged. */
export async function serve(tell: (news: object) => void, store?: TicketKeyStore): Promise<ChildServer> {
  // In the first half of the period that comes next, wherever the true clock is: nothing rotates by itself.
  let now = (Math.floor(Date.now() / day) + 1.25) * day;
  const clock: Clock = {
    now: () => now,
    after: (milliseconds, run) => systemClock.after(milliseconds / hurry, run),
  };
  subscribe('portcullis:ticket-rotation', (event) => tell({ pid: process.pid, ...(event as object) }));
  const log = (line: string): void => tell({ pid: process.pid, log: line });
  const { TEST_KEY: key = '', TEST_CERT: cert = '' } = process.env;
  const server = createServer({ key, cert }, (_request, response) => response.end(String(process.pid)));
  const keys = new TicketKeys(
    { rotateEvery, store },
    { apply: (ticketKey) => server.setTicketKeys(ticketKey), logger: { info: log, warn: log }, clock },
  );
  server.on('listening', () => keys.start('here'));
  server.listen(Number(process.env['TEST_PORT'] ?? 0), '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    forward(periods) {
      now += periods * day;
      keys.reapply();
    },
  };
}
