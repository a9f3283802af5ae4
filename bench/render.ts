/**
 * Makes the tables of docs/performance.md, and the plots that it shows, of what was measured:
 *
 *   npm run bench -- --node PATH --json bench/results/20.json
 *   npm run bench:render
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readRuns, writePlots } from './report/files.ts';
import { pageFile, plotsFolder, renderPage, resultsFolder } from './report/performance-page.ts';

const runs = readRuns(resultsFolder);
writeFileSync(pageFile, renderPage(readFileSync(pageFile, 'utf8'), runs));
writePlots(plotsFolder, runs);
