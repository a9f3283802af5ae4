/**
 * Has servers of this build scanned by testssl.sh, sslscan, nmap and MDN's HTTP Observatory, and compares what they say
 * with scripts/scan/expected*: `npm run test:scan [-- --results FILE]`. Any difference is a failure, the good ones and
 * the findings that vanish too, so that the lists stay true. Servers that are known to be bad are scanned beside them:
 * what a scanner does not find there it would not find here. With `--results` the file gets the counts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { join } from 'node:path';
import { makeCertificates, serverName } from './scan/certificates.ts';
import { controlsOfNmap, expectedOfNmap } from './scan/expected-nmap.ts';
import { controlsOfSslscan, expectedOfSslscan } from './scan/expected-sslscan.ts';
import { controlsOfTestssl, mustBeGood, mustBeMissing } from './scan/expected-testssl.ts';
import { type Evidence, rules } from './scan/guideline.ts';
import { statusWithHosts } from './scan/host-lines.ts';
import { nmap, scripts } from './scan/nmap.ts';
import { fetchObservatory, observe } from './scan/observatory.ts';
import { type Sslscan, sslscan } from './scan/sslscan.ts';
import { startTargets, type Target } from './scan/targets.ts';
import { type Finding, findTestssl, type Testssl } from './scan/testssl.ts';

interface Expected {
  /** Findings of testssl.sh that are neither OK nor INFO nor its own troubles: id → severity. */
  readonly testssl: Readonly<Record<string, string>>;
  /** Rules of Mozilla’s guideline that are not kept: the OpenSSL of Node 20 has no ML-KEM. */
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

interface Tools {
  readonly testssl: Testssl;
  readonly observatory: string;
  readonly directory: string;
}

/** All that is to be scanned of one server, at once; the reports come when all have ended. */
async function scan(target: Target, tools: Tools): Promise<() => void> {
  const running = sslscan(target, tools.directory);
  const reports = await Promise.all([
    scanQuickly(target, running, tools),
    ...(target.inFull ? [scanInFull(target, running, tools)] : []),
    ...(target.control ? [scanControl(target, tools)] : []),
  ]);
  return () => {
    for (const show of reports) show();
  };
}

/** Both: a finding that nobody expects, and one that has vanished. */
function compare(scanner: string, seen: readonly string[], wanted: readonly string[]): void {
  const strange = seen.filter((finding) => !wanted.includes(finding));
  check(`${scanner} finds nothing that is not expected`, strange, []);
  includes(scanner, seen, wanted);
}

function includes(scanner: string, seen: readonly string[], wanted: readonly string[]): void {
  const missed = wanted.filter((finding) => !seen.includes(finding));
  if (wanted.length > 0)
    check(`${scanner} misses none of the ${wanted.length} that it has to find`, missed, []);
}

const wantedOf = <T>(list: Readonly<Record<string, T>>, name: string): T => {
  if (!Object.hasOwn(list, name)) throw new Error(`nothing is expected of ${name}`);
  return list[name]!;
};

/** What the quick scanners say, in every script of nmap's, and of the controls what they have to say. */
async function scanQuickly(
  target: Target,
  running: Promise<Sslscan>,
  { directory }: Tools,
): Promise<() => void> {
  const { name, control } = target;
  const [byNmap, bySslscan] = await Promise.all([nmap(target, directory), running]);
  return () => {
    console.log(`\n${name}${control ? ', which is a control' : ''}`);
    const match = control ? includes : compare;
    const wanted = wantedOf(control ? controlsOfNmap : expectedOfNmap, name);
    for (const script of scripts)
      if (!control || wanted[script] !== undefined)
        match(`nmap's ${script}`, byNmap[script] ?? [], wanted[script] ?? []);
    const known = wantedOf(control ? controlsOfSslscan : expectedOfSslscan, name);
    match('sslscan', bySslscan.findings, known);
  };
}

/** testssl.sh on a control: the findings of which it is to tell a fault. */
async function scanControl(target: Target, { testssl, directory }: Tools): Promise<() => void> {
  const wanted = controlsOfTestssl[target.name];
  if (wanted === undefined) return () => undefined;
  const findings = await testssl.scan(target, directory, wanted.checks);
  const bad = mediumOrWorse(findings).map(({ id }) => id);
  return () => includes(`of ${target.name} testssl.sh`, bad, wanted.found);
}

async function scanInFull(
  target: Target,
  running: Promise<Sslscan>,
  { testssl, observatory, directory }: Tools,
): Promise<() => void> {
  const [findings, seen] = await Promise.all([testssl.scan(target, directory), running]);
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
  console.log(`\n${name}, in full`);
  console.log(
    `  testssl.sh: ${mediumOrWorse(bad).length} medium or worse, ${low.length} low; ` +
      `Mozilla 6.0 intermediate: ${kept.length} of ${rules.length} rules; ` +
      `HTTP Observatory: ${observation.grade} ${observation.score}`,
  );
  check('testssl.sh finds nothing medium or worse', mediumOrWorse(bad), []);
  check('testssl.sh finds one low fault at most', low.length <= 1, true);
  const severities = new Map(findings.map(({ id, severity }) => [id, severity]));
  const notGood = mustBeGood.filter((id) => severities.get(id) !== 'OK');
  check(`testssl.sh has looked for ${mustBeGood.length} attacks and faults in vain`, notGood, []);
  const texts = new Map(findings.map(({ id, finding }) => [id, finding]));
  const offered = mustBeMissing.filter((id) => texts.get(id) !== 'not offered');
  check(`testssl.sh is not offered ${mustBeMissing.join(', ')}`, offered, []);
  const told = Object.fromEntries(bad.map(({ id, severity }) => [id, severity]));
  check('testssl.sh reports what is expected', told, wanted.testssl);
  for (const [rule] of rules) {
    const broken = wanted.brokenRules.includes(rule);
    check(broken ? `as expected it does not: ${rule}` : rule, kept.includes(rule), !broken);
  }
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
  const reports = await Promise.all(
    targets.map((target) => scan(target, { testssl, observatory, directory })),
  );
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
