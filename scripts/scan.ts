/**
 * Has servers of this build scanned by testssl.sh, sslscan and MDN's HTTP Observatory, and compares what they say with
 * scripts/scan/expected.json: `npm run test:scan [-- --results FILE]`. Any difference is a failure, the good ones too,
 * so that the list stays true. With `--results` the file gets the counts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { join } from 'node:path';
import { makeCertificates, serverName } from './scan/certificates.ts';
import { type Evidence, rules } from './scan/guideline.ts';
import { statusWithHosts } from './scan/host-lines.ts';
import { fetchObservatory, observe } from './scan/observatory.ts';
import { sslscan } from './scan/sslscan.ts';
import { startTargets, type Target } from './scan/targets.ts';
import { type Finding, findTestssl, type Testssl } from './scan/testssl.ts';

interface Expected {
  /** Findings of testssl.sh that are neither OK nor INFO nor its own troubles: id → severity. */
  readonly testssl: Readonly<Record<string, string>>;
  /** Rules of Mozilla's guideline that are not kept. */
  readonly brokenRules: readonly string[];
  readonly observatory: { readonly grade: string; readonly score: number };
}

const { values } = parseArgs({ options: { results: { type: 'string' } } });
const expected = JSON.parse(readFileSync('scripts/scan/expected.json', 'utf8')) as Record<string, Expected>;
const counts = { passed: 0, failed: 0 };

function check(what: string, seen: unknown, wanted: unknown): void {
  const good = isDeepStrictEqual(seen, wanted);
  counts[good ? 'passed' : 'failed'] += 1;
  console.log(`${good ? '  ok    ' : '  FAILED'} ${what}`);
  if (!good) console.log(`           seen ${JSON.stringify(seen)}, expected ${JSON.stringify(wanted)}`);
}

/**
 * What testssl.sh could not do, rather than what it has found: it wants an OpenSSL of old, and over TLS 1.3 it may hang
 * up before the session ticket arrives.
 */
const ownTroubles: ReadonlySet<string> = new Set(['engine_problem', 'sessionresumption_ticket']);

const mediumOrWorse = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ severity }) => ['MEDIUM', 'HIGH', 'CRITICAL'].includes(severity));

async function scan(
  target: Target,
  testssl: Testssl,
  observatory: string,
  directory: string,
): Promise<() => void> {
  const [findings, seen] = await Promise.all([testssl.scan(target, directory), sslscan(target, directory)]);
  const observation = await observe(observatory, target, directory);
  const evidence: Evidence = {
    sslscan: seen,
    postQuantumGroups:
      findings
        .find(({ id }) => id === 'FS_KEMs')
        ?.finding.trim()
        .split(' ') ?? [],
    hsts: observation.hsts,
  };
  const oneHost = await statusWithHosts(target, directory, [serverName]);
  const twoHosts = await statusWithHosts(target, directory, [serverName, 'other.example.org']);
  return () => report(target.name, findings, evidence, observation, [oneHost, twoHosts]);
}

function report(
  name: string,
  findings: readonly Finding[],
  evidence: Evidence,
  observation: Awaited<ReturnType<typeof observe>>,
  statuses: readonly number[],
): void {
  const wanted = expected[name];
  if (wanted === undefined) throw new Error(`expected.json says nothing of ${name}`);
  const bad = findings.filter(
    ({ id, severity }) => !['OK', 'INFO'].includes(severity) && !(severity === 'WARN' && ownTroubles.has(id)),
  );
  const low = bad.filter(({ severity }) => severity === 'LOW');
  const kept = rules.filter(([, holds]) => holds(evidence)).map(([rule]) => rule);
  console.log(`\n${name}`);
  console.log(
    `  testssl.sh: ${mediumOrWorse(bad).length} medium or worse, ${low.length} low; ` +
      `Mozilla 6.0 intermediate: ${kept.length} of ${rules.length} rules; ` +
      `HTTP Observatory: ${observation.grade} ${observation.score}`,
  );
  check('testssl.sh finds nothing medium or worse', mediumOrWorse(bad), []);
  check('testssl.sh finds one low fault at most', low.length <= 1, true);
  const told = Object.fromEntries(bad.map(({ id, severity }) => [id, severity]));
  check('testssl.sh reports what is expected', told, wanted.testssl);
  for (const [rule] of rules) {
    const broken = wanted.brokenRules.includes(rule);
    check(broken ? `as expected it does not: ${rule}` : rule, kept.includes(rule), !broken);
  }
  check('sslscan sees no renegotiation', evidence.sslscan.renegotiation, false);
  check('sslscan sees no Heartbleed', evidence.sslscan.heartbleed, false);
  const { grade, score } = observation;
  check('the HTTP Observatory gives the expected grade', { grade, score }, wanted.observatory);
  check('the HTTP Observatory finds no fault', observation.failed, []);
  check('two Host lines are answered 400, one 200', statuses, [200, 400]);
}

const directory = mkdtempSync(join(tmpdir(), 'portcullis-scan-'));
const targets: Target[] = [];
try {
  await makeCertificates(directory);
  const testssl = await findTestssl();
  const observatory = await fetchObservatory();
  console.log(`testssl.sh ${testssl.version}`);
  targets.push(...(await startTargets(directory)));
  const reports = await Promise.all(targets.map((target) => scan(target, testssl, observatory, directory)));
  for (const show of reports) show();
} catch (error) {
  counts.failed += 1;
  console.error(error instanceof Error ? error.message : error);
} finally {
  for (const { stop } of targets) stop();
  rmSync(directory, { recursive: true, force: true });
}
console.log(`\n${counts.passed} as expected, ${counts.failed} not`);
if (values.results !== undefined) writeFileSync(values.results, JSON.stringify(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
