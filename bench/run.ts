/**
 * What Portcullis costs against its peers, as ratios:
 *
 *   npm run bench -- [--node PATH]… [--only GROUP]… [--name TEXT] [--rounds N] [--pairs N] [--quick]
 *                   [--json FILE] [--plots DIR] [--check]
 *
 * A table on stdout, what is done meanwhile on stderr. Exits with 1 where a measure has failed.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type NodeFacts, readNode, sampleOn } from './context.ts';
import type { Measure } from './measure.ts';
import { measures } from './measures/index.ts';
import { writePlots, writeRuns } from './report/files.ts';
import { evaluate, type Failed, type Result, type Run, type Skipped } from './report/result.ts';
import { formatLine, formatRuns } from './report/table.ts';

const { values: flags } = parseArgs({
  options: {
    /** The binary that is measured; may come several times. */
    node: { type: 'string', multiple: true, default: [process.execPath] },
    /** A group; may come several times. */
    only: { type: 'string', multiple: true, default: [] },
    /** What a measure's name or one of its sides' has to contain. */
    name: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    pairs: { type: 'string', default: '3' },
    /** Fewer operations, and one pair: whether it runs, not how fast. */
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    plots: { type: 'string' },
    /** Exits with 1 where a goal is missed. */
    check: { type: 'boolean', default: false },
  },
});

// With the processes that do not end by themselves when we do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const plan = flags.quick
  ? { scale: 0.02, rounds: 1, pairs: 1 }
  : { scale: 1, rounds: count('rounds'), pairs: count('pairs') };
const chosen = choose();
const runs: Run[] = [];
for (const node of flags.node) {
  const facts = readNode(node);
  process.stderr.write(`Node ${facts.version}, OpenSSL ${facts.openssl}\n`);
  const results: Result[] = [];
  const skipped: Skipped[] = [];
  const failed: Failed[] = [];
  runs.push({
    node: facts.version,
    openssl: facts.openssl,
    date: new Date().toISOString(),
    cpus: availableParallelism(),
    quick: flags.quick,
    results,
    skipped,
    failed,
  });
  for (const measure of chosen) {
    const missing = measure.missing?.();
    if (missing !== undefined) skipped.push(skip(measure, missing));
    // One that fails does not take the others with it.
    else await sample(facts, measure, results).catch((error: unknown) => failed.push(fail(measure, error)));
    // What has been measured is not lost with what comes after it.
    if (flags.json !== undefined) writeRuns(flags.json, runs);
  }
}
process.stdout.write(`${formatRuns(runs)}\n`);
if (flags.plots !== undefined) writePlots(flags.plots, runs);
if (runs.some(({ failed = [] }) => failed.length > 0)) process.exitCode = 1;
if (flags.check && runs.some(({ results }) => results.some(({ met }) => met === false))) process.exitCode = 1;

async function sample(facts: NodeFacts, measure: Measure, results: Result[]): Promise<void> {
  const start = performance.now();
  const pairs = await sampleOn(facts, measure, plan);
  if (pairs === undefined) return;
  const result = evaluate(measure, Number.parseInt(facts.version, 10), pairs);
  results.push(result);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stderr.write(`${formatLine(result)} [${seconds} s]\n`);
}

function skip({ group, name, contender, baseline }: Measure, missing: string): Skipped {
  process.stderr.write(`${group}: ${name}, ${contender} / ${baseline}: not installed: ${missing}\n`);
  return { group, name, contender, baseline, missing };
}

function fail({ group, name, contender, baseline }: Measure, error: unknown): Failed {
  const problem = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${group}: ${name}, ${contender} / ${baseline}: FAILED: ${problem}\n`);
  return { group, name, contender, baseline, problem: problem.split('\n')[0]! };
}

function choose(): Measure[] {
  const groups = [...new Set(measures.map(({ group }) => group))];
  for (const group of flags.only)
    if (!groups.includes(group)) throw new Error(`--only: expected one of ${groups.join(', ')}`);
  const found = measures.filter(
    ({ group, name, contender, baseline, slow = false }) =>
      (flags.only.length === 0 ? !(flags.quick && slow) : flags.only.includes(group)) &&
      [name, contender, baseline].some((text) => text.includes(flags.name)),
  );
  if (found.length === 0) throw new Error(`--name: no measure has ${flags.name} in it`);
  return found;
}

function count(name: 'rounds' | 'pairs'): number {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name}: expected a number of ${name}`);
}
