/**
 * Breaks the source in small ways, one at a time, and looks whether a test notices:
 * `npm run mutation -- [--folder NAME]… [--file PATH]… [--decisive] [--share 0.1] [--seed TEXT] [--static]
 * [--concurrency 2] [--break PERCENT] [--json FILE]`. `--share` draws that share of the statements, always the same
 * ones for a seed; `--decisive` breaks the few files that CI breaks; `--static` also what runs once, as a module loads.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { decisive, folderNames, type Part, partsOf } from './mutation/folders.ts';
import { type Outcome, scoreOf, survivors } from './mutation/score.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', multiple: true, default: [...folderNames] },
    file: { type: 'string', multiple: true },
    decisive: { type: 'boolean', default: false },
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: 'portcullis' },
    static: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '2' },
    break: { type: 'string', default: '0' },
    json: { type: 'string' },
  },
});

function readNumber(name: 'share' | 'concurrency' | 'break', least: number, most: number): number {
  const value = Number(values[name]);
  if (value >= least && value <= most) return value;
  throw new RangeError(`--${name}: expected a number from ${least} to ${most}, got '${values[name]}'`);
}
const share = readNumber('share', 0, 1);
const concurrency = readNumber('concurrency', 1, 64);
const least = readNumber('break', 0, 100);
const strange = values.folder.find((name) => !folderNames.includes(name));
if (strange !== undefined)
  throw new RangeError(`--folder: '${strange}' is none of ${folderNames.join(', ')}`);

const files = values.file ?? (values.decisive ? decisive : undefined);
const isChosen = (file: string): boolean => files === undefined || files.includes(file);

async function mutate(part: Part): Promise<readonly Outcome[]> {
  const stryker = new Stryker({
    testRunner: 'jest',
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    jest: {
      projectType: 'custom',
      configFile: 'jest.mutation.config.js',
      config: { testMatch: part.suites.map((suite) => `**/__tests__/${suite}.test.ts`) },
      enableFindRelatedTests: true,
    },
    coverageAnalysis: 'perTest',
    mutate: [...part.files],
    plugins: ['@stryker-mutator/jest-runner', fileURLToPath(import.meta.resolve('./mutation/ignorer.js'))],
    ignorers: ['sample'],
    ...(share === 1 ? {} : { sample: { share, seed: values.seed } }),
    // Stryker does not know `sample`.
    warnings: false,
    ignoreStatic: !values.static,
    // TypeScript 7 has no API by which Stryker could rewrite it; nothing here is compiled.
    tsconfigFile: 'none.json',
    ignorePatterns: ['dist', 'coverage', 'bench', 'examples', '.*'],
    tempDirName: '.tools/mutation',
    cleanTempDir: 'always',
    reporters: ['progress-append-only'],
    concurrency,
    // Of the time that the tests took unbroken, and seconds on top, as the machine may be loaded.
    timeoutFactor: 4,
    timeoutMS: 10_000,
    allowEmpty: true,
  });
  return await stryker.runMutationTest();
}

const percent = (value: number): string => value.toFixed(1);

function tell(name: string, outcomes: readonly Outcome[]): void {
  for (const { fileName, location, mutatorName, replacement, status } of survivors(outcomes)) {
    const place = `${relative('.', fileName)}:${location.start.line}:${location.start.column}`;
    console.log(`${place} ${status} ${mutatorName} → ${(replacement ?? '').replace(/\s+/g, ' ')}`);
  }
  const { mutants, killed, survived, score, interval } = scoreOf(outcomes);
  console.log(
    `${name}: ${mutants} mutants, ${killed} killed, ${survived} survived: ${percent(score)} % (${interval.map(percent).join('–')})`,
  );
}

const all: Outcome[] = [];
for (const folder of values.folder) {
  const outcomes: Outcome[] = [];
  for (const part of partsOf(folder, isChosen)) outcomes.push(...(await mutate(part)));
  if (outcomes.length > 0) tell(folder, outcomes);
  all.push(...outcomes);
}
const whole = scoreOf(all);
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ ...whole, survivors: survivors(all) }, null, 2)}\n`);
}
if (whole.mutants === 0 || whole.score < least) {
  console.error(
    `${percent(whole.score)} % of ${whole.mutants} mutants: below ${least} %, or nothing to kill`,
  );
  process.exitCode = 1;
}
