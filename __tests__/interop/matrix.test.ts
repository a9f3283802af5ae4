import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client, Result } from './support/clients/client.ts';
import { type Cell, cellsOf, titleOf } from './support/matrix/cells.ts';
import { lanes } from './support/matrix/clients.ts';
import { type Listeners, setUpListeners } from './support/matrix/listeners.ts';
import { pageOf } from './support/matrix/page.ts';
import { expectedOf, verdictOf } from './support/matrix/verdict.ts';

let listeners: Listeners;
const results = new Map<string, Result | Error>();
const passed: Array<{ readonly client: string; readonly cell: Cell }> = [];

const idOf = (client: Client, index: number): string => `${client.name}-${index}`;

/** A client that cannot be run at all fails each of its cells. */
async function askEverything(client: Client): Promise<void> {
  const cells = cellsOf(client);
  const asks = await Promise.all(
    cells.map((cell, index) => listeners.ask(idOf(client, index), cell, client)),
  );
  const answers = await client.ask(asks).catch((error: Error) => cells.map(() => error));
  for (const [index, answer] of answers.entries()) results.set(idOf(client, index), answer);
}

beforeAll(async () => {
  listeners = await setUpListeners();
  await Promise.all(
    lanes.map(async (lane) => {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      for (const client of lane) await askEverything(client);
    }),
  );
}, 300_000);

afterAll(() => listeners?.close());

function resultOf(id: string): Result {
  const result = results.get(id)!;
  if ('refused' in result || 'answer' in result) return result;
  throw result;
}

const matchers = { any: (type: unknown): unknown => expect.any(type) };

describe.each(lanes.flat().map((client) => [client.name, client] as const))('%s', (_name, client) => {
  test.each(cellsOf(client).map((cell, index) => [titleOf(cell), cell, idOf(client, index)] as const))(
    '%s',
    (_title, cell, id) => {
      const expected = expectedOf(client, cell, listeners, matchers);
      expect(verdictOf(id, client, cell, resultOf(id), listeners)).toEqual(expected);
      passed.push({ client: client.name, cell });
    },
  );
});

test('docs/interop.md lists the cells that have passed', () => {
  const file = resolve(import.meta.dirname, '../../docs/interop.md');
  const page = pageOf(passed);
  if (process.env['INTEROP_PAGE'] === 'write') writeFileSync(file, page);
  expect(readFileSync(file, 'utf8')).toBe(page);
});
