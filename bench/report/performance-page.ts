/** Where the page, its plots and what they are made of lie, below the working directory. */
import { describeRuns, fillPage, formatGroup, groupsOf } from './page.ts';
import type { Run } from './result.ts';

export const resultsFolder = 'bench/results';
export const pageFile = 'docs/performance.md';
export const plotsFolder = 'docs/plots';

/** A table and a plot for each group, and who has measured. */
export function renderPage(page: string, runs: readonly Run[]): string {
  if (runs.length === 0) throw new Error('nothing was measured');
  if (runs.some(({ quick }) => quick)) throw new Error('a quick run says nothing');
  const sections = new Map([['runs', describeRuns(runs)]]);
  for (const group of groupsOf(runs)) sections.set(group, section(runs, group));
  return fillPage(page, sections);
}

const section = (runs: readonly Run[], group: string): string =>
  `${formatGroup(runs, group)}\n\n![${group}: the same as bars](plots/${group}.svg)`;
