/**
 * The suites of `__tests__/fuzz` with other seeds, again and again, until one fails or the time is over. Prints a line
 * per round; ends with 1 at the first failure, with the counterexample and how to see it again. See docs/fuzzing.md.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    /** Of the first round; each one after it has the next number. */
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    /** How many times as often each property is tried as in CI. */
    scale: { type: 'string', default: '4' },
    /** A file of the folder: `rules`, `wire`. */
    only: { type: 'string', default: '' },
  },
});
const end = performance.now() + positive('minutes', values.minutes) * 60_000;
const scale = String(positive('scale', values.scale));
const firstSeed = Number(values.seed);
if (!Number.isSafeInteger(firstSeed)) throw new Error(`--seed ${values.seed}: give a whole number`);

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new Error(`--${name} ${text}: give a number above 0`);
}

/** What Jest says of a run. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: ReadonlyArray<{
    readonly message: string;
    readonly assertionResults: ReadonlyArray<{ readonly status: string; readonly fullName: string }>;
  }>;
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
const reportFile = join(folder, 'report.json');

/** A round's exit code. What it prints is in its report as well. */
function runSuites(seed: number): Promise<number | null> {
  const only = values.only === '' ? '' : `/${values.only.replace(/\.test\.ts$/, '')}.test.ts`;
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--config',
      'jest.interop.config.js',
      `__tests__/fuzz${only}`,
      '--silent',
      // A property that is tried often takes long: the time is this command's to bound.
      '--testTimeout',
      '3600000',
      '--json',
      '--outputFile',
      reportFile,
    ],
    { env: { ...process.env, FUZZ_SEED: String(seed), FUZZ_SCALE: scale }, stdio: 'ignore' },
  );
  return new Promise((settle, fail) => {
    child.on('error', fail);
    child.on('close', settle);
  });
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
/** A name as a pattern that is it alone. */
const pattern = (name: string): string => `^${name.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}$`;

function tellFailure(seed: number, report: Report | undefined): void {
  const results = report?.testResults ?? [];
  for (const { message } of results) if (message !== '') process.stdout.write(`${message}\n`);
  const failed = results.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  );
  const environment = `FUZZ_SEED=${seed} FUZZ_SCALE=${scale}`;
  process.stdout.write(`seed ${seed}: failed. To see it again:\n`);
  const names = failed.length === 0 ? [''] : failed.map((name) => ` -t ${quoted(pattern(name))}`);
  for (const name of names)
    process.stdout.write(`  ${environment} npm run test:fuzz -- --testTimeout 3600000${name}\n`);
}

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

try {
  for (let seed = firstSeed; performance.now() < end; seed++) {
    const began = performance.now();
    rmSync(reportFile, { force: true });
    // oxlint-disable-next-line no-await-in-loop -- one round after the other: all of the machine is one's own
    const code = await runSuites(seed);
    const report = readReport();
    const passed = report?.numPassedTests ?? 0;
    if (code !== 0 || passed === 0) {
      tellFailure(seed, report);
      process.exitCode = 1;
      break;
    }
    const seconds = Math.round((performance.now() - began) / 1_000);
    process.stdout.write(`seed ${seed}: ${passed} passed, ${seconds} s\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
