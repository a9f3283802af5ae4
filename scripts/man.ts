import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createProgram } from '../lib/cli/program.ts';
import { packageVersion } from '../lib/cli/version.ts';
import { silentIo } from './silent-io.ts';
import { manPage } from './man-page.ts';

/** Writes man/portcullis.1. A test holds it to the commands. */
const folder = resolve('man');
mkdirSync(folder, { recursive: true });
writeFileSync(resolve(folder, 'portcullis.1'), manPage(createProgram(silentIo), packageVersion()));
