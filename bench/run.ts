/**
 * What the whole stack costs against a bare Express app, as ratios of the server's CPU time.
 *
 *   npm run bench -- [--node PATH]… [--only requests|connections] [--rounds N] [--pairs N]
 *                   [--quick] [--json FILE] [--check]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { makeCast } from './credentials.ts';
import { measure, type Pair, warmUpSlices } from './harness.ts';
import { type Measure, measures } from './measures.ts';
import { evaluate, formatTable, type Result } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    /** The binary that runs the servers; may come several times. */
    node: { type: 'string', multiple: true, default: [process.execPath] },
    only: { type: 'string' },
    /** Each with servers newly started: V8 compiles the same program now better, now worse, for as long as it runs. */
    rounds: { type: 'string', default: '4' },
    /** In each round. */
    pairs: { type: 'string', default: '3' },
    /** Fewer operations and pairs: whether it runs, not how fast. */
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    /** Exits with 1 where a goal is missed. */
    check: { type: 'boolean', default: false },
  },
});

const scale = flags.quick ? 0.2 : 1;
const rounds = flags.quick ? 1 : count('rounds');
const pairs = count('pairs');
const chosen = measures.filter(({ operation }) => flags.only === undefined || operation === flags.only);
if (chosen.length === 0) throw new Error('--only: expected requests or connections');

const clientsOf = ({ clients, operationsPerSlice }: Measure): number =>
  clients === 'new' ? Math.ceil(operationsPerSlice * scale) * (pairs + warmUpSlices) : clients;
const { credentials, clients } = await makeCast(Math.max(...chosen.map(clientsOf)));
const results: Result[] = [];
for (const node of flags.node) {
  const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
  for (const each of chosen) {
    const certificates = clients.certificates.slice(0, clientsOf(each));
    const measured: Pair[] = [];
    for (let round = 0; round < rounds; round++)
      measured.push(
        ...(await measure(each, credentials, { ...clients, certificates }, { node, pairs, scale })),
      );
    results.push(evaluate(each, version, measured));
    process.stderr.write(`${formatTable(results.slice(-1)).split('\n').at(-1)}\n`);
  }
}
process.stdout.write(`${formatTable(results)}\n`);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, null, 2)}\n`);
if (flags.check && results.some(({ met }) => met === false)) process.exitCode = 1;

function count(name: 'rounds' | 'pairs'): number {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name}: expected a number of ${name}`);
}
