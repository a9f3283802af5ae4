/** Writes the API reports below etc/ from the build: `npm run api`. A change there is a change for users: read it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, makeReports } from './api/reports.ts';

const reports = await makeReports(process.cwd());
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
for (const [name, text] of reports) writeFileSync(join(folder, name), text);
console.log(`${reports.size} reports in ${folder}`);
