/** Runs before `npm publish`, and ends with 1 where this must not be published. */
import { readFileSync } from 'node:fs';
import { type Manifest, releaseFaults } from './release/faults.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const faults = releaseFaults(manifest, readFileSync('CHANGELOG.md', 'utf8'));
for (const fault of faults) console.error(`not to be published: ${fault}`);
if (faults.length > 0) {
  console.error('docs/releasing.md says what a publisher sets.');
  process.exitCode = 1;
}
