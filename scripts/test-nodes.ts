/**
 * Runs Jest on every tested Node, one after the other: `npm run test:nodes -- [--others | --newest] [--results DIR]
 * [Jest's arguments]`. `--others` leaves out the running Node, `--newest` takes two; with `--results` each run
 * leaves `DIR/node-<version>.json`, to be counted.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { newestVersions, nodeBinary, otherVersions, run, testedVersions } from './nodes.ts';

const jestArguments = process.argv.slice(2);
let versions = testedVersions;
if (taken('--others')) versions = otherVersions;
if (taken('--newest')) versions = newestVersions;
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

function taken(flag: string): boolean {
  const place = jestArguments.indexOf(flag);
  if (place !== -1) jestArguments.splice(place, 1);
  return place !== -1;
}
