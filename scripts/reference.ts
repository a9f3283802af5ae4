/** Writes docs/reference/ from the build and the sources: `npm run docs`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeReference } from './reference/make.ts';

const folder = join('docs', 'reference');
const { pages, silent } = makeReference(process.cwd());
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, text] of pages) writeFileSync(join(folder, name), text);
console.log(`${pages.size} pages in ${folder}`);
for (const what of silent) console.error(`nothing is said of ${what}`);
if (silent.length > 0) process.exitCode = 1;
