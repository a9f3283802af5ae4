/** Writes the bills of materials (CycloneDX, SPDX) for a release: `npm run sbom [-- FOLDER]`, by default dist/sbom. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Format, formats, makeBills } from './sbom/bills.ts';

const folder = process.argv[2] ?? join('dist', 'sbom');
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>;
const bills = await makeBills(process.cwd());
mkdirSync(folder, { recursive: true });
for (const [format, ending] of Object.entries(formats)) {
  const file = join(folder, `${name}-${version}.${ending}`);
  writeFileSync(file, bills[format as Format]);
  console.log(file);
}
