/**
 * Runs Jest on every tested Node, one after the other: `npm run test:nodes -- [--others] [--results DIR] [Jest's
 * arguments]`. `--others` leaves out the running Node; with `--results` each run leaves `DIR/node-<version>.json`, to be
 * counted.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeBinary, otherVersions, run, testedVersions } from './nodes.ts';

const jestArguments = process.argv.slice(2);
const others = jestArguments.indexOf('--others');
const versions = others === -1 ? testedVersions : otherVersions;
if (others !== -1) jestArguments.splice(others, 1);
const at = jestArguments.indexOf('--results');
const results = at === -1 ? undefined : resolve(jestArguments.splice(at, 2)[1] ?? 'results');
if (results !== undefined) mkdirSync(results, { recursive: true });

const failed: string[] = [];
for (const version of versions) {
  console.log(`\nNode ${version}`);
  const report =
    results === undefined ? [] : ['--json', `--outputFile=${join(results, `node-${version}.json`)}`];
  const code = await run(await nodeBinary(version), [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join('node_modules', 'jest', 'bin', 'jest.js'),
    ...report,
    ...jestArguments,
  ]);
  if (code !== 0) failed.push(version);
}
if (failed.length > 0) {
  console.error(`\nFailed on Node ${failed.join(', ')}`);
  process.exitCode = 1;
}
