import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, expect, it } from '@jest/globals';
import type { Limits } from 'portcullis';
import { ConnectionTable } from '../../lib/listener/connections/connection-table.ts';
import { readLimits } from '../../lib/listener/connections/limits.ts';
import { closeAll, Recording } from './harness.ts';

afterEach(closeAll);

/** A table whose clock stands until it is set. */
function tableWith(limits: Partial<Limits>): { table: ConnectionTable; clock: { now: number } } {
  const clock = { now: 0 };
  return { table: new ConnectionTable(readLimits({ limits }), false, () => clock.now), clock };
}

function admitted(table: ConnectionTable): PassThrough {
  const raw = new PassThrough();
  table.admit(raw, false);
  return raw;
}

/** As Node stands a TLSSocket on what was accepted. */
function opened(table: ConnectionTable, http2 = false): PassThrough {
  const raw = admitted(table);
  const socket = Object.assign(new PassThrough(), { _parent: raw });
  table.opened(socket, http2);
  return raw;
}

it('when it gets crowded a handshake that takes too long makes room, before any idle connection', () => {
  const drops = new Recording('portcullis:drop');
  const { table, clock } = tableWith({ maxConnections: 200 });
  const late = admitted(table);
  clock.now = 1_000;
  const idle = opened(table);
  for (let count = table.size; count < 198; count++) opened(table, true);
  const newcomer = admitted(table);
  expect([late, idle, newcomer].map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  // One that was begun just now does not, nor does what is in use.
  const another = admitted(table);
  expect([idle, newcomer, another].map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  expect(admitted(table).destroyed).toBe(false);
  expect(newcomer.destroyed).toBe(false);
  expect(drops.events.map(({ reason }) => reason)).toEqual(['EVICTED', 'EVICTED']);
});

it('counts what connections do, and forgets those that close', async () => {
  const { table } = tableWith({});
  const sockets = [admitted(table), opened(table), opened(table, true)];
  const upgraded = opened(table);
  for (const entry of table) if (entry.raw === upgraded) table.upgraded(entry.socket);
  expect(table.counts).toEqual({ handshaking: 1, idle: 1, active: 1, upgraded: 1 });
  const closed = [...sockets, upgraded].map((socket) => once(socket, 'close'));
  for (const socket of [...sockets, upgraded]) socket.destroy();
  await Promise.all(closed);
  expect([table.counts, table.size, table.addresses]).toEqual([
    { handshaking: 0, idle: 0, active: 0, upgraded: 0 },
    0,
    0,
  ]);
});

it('a connection that was cut is not opened any more', () => {
  const { table } = tableWith({ pendingHandshakes: 1 });
  const first = admitted(table);
  admitted(table);
  expect(first.destroyed).toBe(true);
  expect(table.opened(Object.assign(new PassThrough(), { _parent: first }), false)).toBe(false);
});

it('a socket that it has not seen come is not opened either', () => {
  const { table } = tableWith({});
  expect(table.opened(new PassThrough(), false)).toBe(false);
});

it('forgets a socket that another listener has been handed since', async () => {
  const tables = [tableWith({}).table, tableWith({}).table];
  const raw = new PassThrough();
  for (const table of tables) table.admit(raw, false);
  raw.destroy();
  await once(raw, 'close');
  expect(tables.map(({ size }) => size)).toEqual([0, 0]);
});
