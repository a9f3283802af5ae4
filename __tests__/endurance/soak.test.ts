import { join, resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { run } from '../interop/support/program.ts';

const root = resolve(import.meta.dirname, '../..');
const soak = join(process.env['PORTCULLIS_BUILD'] ?? join(root, 'dist'), 'scripts/soak.js');

/** `node dist/scripts/soak.js --minutes 60` does the same for an hour. */
it('clients of all kinds are answered rightly while everything changes, and nothing grows', async () => {
  const { status, stdout, stderr } = await run(process.execPath, [soak, '--seconds', '75'], {
    timeout: 240_000,
  });
  const lines = stdout.trimEnd().split('\n');
  expect([status, lines.slice(12), stderr]).toEqual([0, [], '']);
  expect(lines[11]).toMatch(/^\d+ s, \d+ rounds, \d+ visits, 0 wrong, /);
  expect(Number(/(\d+) visits/.exec(lines[11]!)![1])).toBeGreaterThan(500);
}, 250_000);
