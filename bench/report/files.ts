import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { groupsOf } from './page.ts';
import { plotGroup } from './plot.ts';
import type { Run } from './result.ts';

export function writeRuns(file: string, runs: readonly Run[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(runs, rounded, 1)}\n`);
}

/** Three digits after the point: more would only be noise to read. */
const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;

/** All runs in the `.json` files of a folder. */
export const readRuns = (folder: string): Run[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Run[]);

/** One SVG for each group. */
export function plotsOf(runs: readonly Run[]): Map<string, string> {
  return new Map(groupsOf(runs).map((group) => [`${group}.svg`, plotGroup(runs, group)]));
}

export function writePlots(folder: string, runs: readonly Run[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, plot] of plotsOf(runs)) writeFileSync(join(folder, name), plot);
}
