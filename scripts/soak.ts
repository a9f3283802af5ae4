/**
 * All kinds of clients, good and bad, on a server that is changed all the while: `node dist/scripts/soak.js --minutes 60`.
 * Prints a line per interval; ends with 1 where an answer was wrong, or something has grown. See docs/faults.md.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Child } from '../bench/messages.ts';
import type { ShutdownReport } from '../lib/index.ts';
import { createTestPki, type TestClient, type TestPki } from '../lib/testing/index.ts';
import type { Held } from './soak/server.ts';
import { everyVisit, identityOf, overHttp1, type Visit } from './soak/visits.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    minutes: { type: 'string', default: process.env['SOAK_MINUTES'] ?? '1' },
  },
});
const length =
  values.seconds === undefined ? Number(values.minutes) * 60_000 : Number(values.seconds) * 1_000;
/** What is read is compared from then on: code is compiled, and caches are as full as they get. */
const warm = length / 4;
const readings = 12;
/** Milliseconds that a visit may take: one that hangs ends all. */
const patience = 60_000;
/** MiB that the medians at the beginning and at the end may differ by. */
const tolerance = 6;

const pki: TestPki = await createTestPki();
const folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'));
const at = (name: string): string => join(folder, name);

/** As whoever renews puts a file in its place. */
function replace(name: string, content: string): void {
  writeFileSync(at(`${name}.new`), content);
  renameSync(at(`${name}.new`), at(name));
}

const wrong: string[] = [];
let visits = 0;

async function check({ name, expected, run }: Visit, port: number): Promise<void> {
  visits++;
  const late = new Error(`${name}: nothing came of it within ${patience} ms`);
  const told = await new Promise<string>((settle, fail) => {
    const timer = setTimeout(() => fail(late), patience);
    run(port)
      .then(settle, fail)
      .finally(() => clearTimeout(timer));
  });
  if (told !== expected) wrong.push(`${name}: expected ${expected}, got ${told}`);
}

const everyKind = everyVisit(pki);
const changingVisit = (expected: string): Visit => ({
  name: 'a client that is changed',
  expected,
  run: (port) => overHttp1(port, identityOf(pki.ca, changing), '/', 1),
});

const servers = [pki.server, await pki.issueServer()];
const changing = await pki.issueClient({ subject: { CN: 'changing' } });
const { fingerprint256 } = new X509Certificate(changing.certificate);
let lists = BigInt(Date.now()) + 1_000_000n;
const listOf = (...revoked: TestClient[]): Promise<string> =>
  pki.authority.crl({
    revoked: [pki.clients.revoked, ...revoked].map(({ certificate }) => ({ certificate })),
    number: (lists += 1n),
  });

/** What is changed in one round, and undone again. */
async function change(child: Child, port: number, round: number): Promise<void> {
  const isTold = (expected: string): Promise<void> => check(changingVisit(expected), port);
  const { key, cert } = servers[round % 2]!;
  replace('server.key', key);
  replace('server.pem', cert);
  await child.ask('reload');
  await isTold('changing');
  await child.ask('deny', fingerprint256);
  await isTold('CLIENT_CERTIFICATE_DENIED');
  await child.ask('allow', fingerprint256);
  replace('clients.crl', await listOf(changing));
  await child.ask('reload');
  await isTold('CLIENT_CERTIFICATE_REVOKED');
  replace('clients.crl', await listOf());
  await child.ask('reload');
  await isTold('changing');
}

async function quiet(child: Child): Promise<Held> {
  const end = performance.now() + patience;
  for (;;) {
    const held = await child.ask<Held>('held');
    if (held.open === 0) return held;
    if (performance.now() > end) throw new Error(`${held.open} connections stay open`);
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** What has grown from the first third of the readings to the last one. */
function growth(all: readonly Held[]): string[] {
  const third = Math.max(1, Math.floor(all.length / 3));
  const [first, last] = [all.slice(0, third), all.slice(-third)];
  const grown = (of: (held: Held) => number): number => median(last.map(of)) - median(first.map(of));
  return [
    ...(grown(({ used }) => used) > tolerance
      ? [`memory: ${grown(({ used }) => used).toFixed(1)} MiB more`]
      : []),
    ...(grown(({ files }) => files) > 0 ? [`descriptors: ${grown(({ files }) => files)} more`] : []),
    ...(grown(({ names }) => names) > 0
      ? [`names that are counted: ${grown(({ names }) => names)} more`]
      : []),
    ...all.at(-1)!.crashes,
  ];
}

const child = new Child(new URL('./soak/server.js', import.meta.url).href, process.execPath);
try {
  replace('server.key', servers[0]!.key);
  replace('server.pem', servers[0]!.cert);
  replace('clients.crl', await listOf());
  const start = {
    keyFile: at('server.key'),
    certFile: at('server.pem'),
    ca: pki.ca,
    crlFile: at('clients.crl'),
  };
  const port = await child.ask<number>('listen', start);
  const began = performance.now();
  const all: Held[] = [];
  for (let [round, next] = [0, warm]; all.length < readings; round++) {
    await Promise.all([...everyKind.map((visit) => check(visit, port)), change(child, port, round)]);
    const passed = performance.now() - began;
    if (passed < next) continue;
    const held = await quiet(child);
    all.push(held);
    next += (length - warm) / readings;
    const { used, files, names } = held;
    const line = [
      `${Math.round(passed / 1_000)} s`,
      `${round + 1} rounds`,
      `${visits} visits`,
      `${wrong.length} wrong`,
    ];
    process.stdout.write(
      `${[...line, `${used.toFixed(1)} MiB`, `${files} files`, `${names} names`].join(', ')}\n`,
    );
  }
  const report = await child.ask<ShutdownReport>('shutdown');
  const problems = [...wrong.slice(0, 20), ...growth(all)];
  if (report.aborted > 0) problems.push(`the shutdown has cut ${report.aborted} requests`);
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await child.stop();
  rmSync(folder, { recursive: true, force: true });
}
