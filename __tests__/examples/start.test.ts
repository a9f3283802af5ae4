import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { Agent } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endExamples, get, runExample, type RunningExample, startExample } from './run-example.ts';

let home: string;
let example: RunningExample;
const inHome = (...path: string[]): string => join(home, 'development', ...path);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-start-'));
  example = await startExample('start', { PORTCULLIS_HOME: home });
  await example.wrote('serving localhost with a development certificate');
});

afterAll(() => {
  endExamples();
  rmSync(home, { recursive: true, force: true });
});

/** What a printed line of curl would fetch. */
function fetchAs(line: string): ReturnType<typeof get> {
  const { ca, cert, url } = /--cacert (?<ca>\S+) (?:--cert (?<cert>\S+) )?(?<url>https:\S+)$/.exec(
    line,
  )!.groups!;
  const client = cert === undefined ? {} : { cert: readFileSync(cert), key: readFileSync(cert) };
  return get(url!, { ca: readFileSync(ca!), ...client });
}

test('the printed commands of curl let in and refuse as is said beside them', async () => {
  const lines = example.output().match(/^ {2}curl .*$/gm)!;
  const answers = await Promise.all(lines.map(fetchAs));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 403, 403, 403]);
  const codes = answers.slice(3).map(({ body }) => (JSON.parse(body) as { code: string }).code);
  expect(codes).toEqual(['CLIENT_CERTIFICATE_REQUIRED', 'CLIENT_CERTIFICATE_UNTRUSTED', 'PIN_MISMATCH']);
});

test('the backup key opens /payments too', async () => {
  const pem = readFileSync(inHome('example-clients', 'payments-backup.pem'));
  const ca = readFileSync(inHome('authority.pem'));
  expect(await get(`${example.url}/payments`, { ca, cert: pem, key: pem })).toMatchObject({ status: 200 });
});

test('keys are for their owner only, and every file that is named exists', () => {
  expect(statSync(inHome('example-clients')).mode & 0o777).toBe(0o700);
  const modes = readdirSync(inHome('example-clients')).map((name) => [
    name,
    statSync(inHome('example-clients', name)).mode & 0o777,
  ]);
  const secret = 0o600;
  expect(Object.fromEntries(modes)).toEqual({
    'authority.pem': 0o644,
    'localhost.pem': secret,
    'ops.pem': secret,
    'payments-backup.pem': secret,
    'payments-unpinned.pem': secret,
    'payments.pem': secret,
    'unknown-ca.pem': secret,
  });
  const named = example.output().match(/\/\S+\.pem/g)!;
  expect(named.filter((file) => !statSync(file).isFile())).toEqual([]);
});

test('a second start takes the same certificates, and an occupied port is explained', async () => {
  const before = readFileSync(inHome('example-clients', 'ops.pem'), 'utf8');
  const { port } = new URL(example.url);
  const { code, output } = await runExample('start', { PORTCULLIS_HOME: home, PORT: port });
  expect(code).toBe(1);
  expect(output).toContain(`Port ${port} is in use. Choose another one by the environment variable PORT.`);
  expect(output).not.toContain('curl --cacert /');
  expect(readFileSync(inHome('example-clients', 'ops.pem'), 'utf8')).toBe(before);
});

test.each(['https', '-1', '65536', '84.43'])('PORT=%s is refused in words', async (PORT) => {
  const { code, output } = await runExample('start', { PORTCULLIS_HOME: home, PORT });
  expect(code).toBe(1);
  expect(output).toContain('PORT must be a number from 0 to 65535.');
});

test('in production it does not start with a development certificate', async () => {
  const { code, output } = await runExample('start', { PORTCULLIS_HOME: home, NODE_ENV: 'production' });
  expect(code).toBe(1);
  expect(output).toBe(
    'cert: there is no certificate. Give key and cert, pfx, or certificate: the development certificate is not for production.\n',
  );
});

test('a folder that cannot be written to is named', async () => {
  const { code, output } = await runExample('start', { PORTCULLIS_HOME: inHome('authority.pem') });
  expect(code).toBe(1);
  expect(output).toMatch(/^[A-Z]+: .*authority\.pem.*\n$/);
});

test('Ctrl-C ends it cleanly, with a connection kept alive and one that never spoke TLS', async () => {
  const other = await startExample('start', { PORTCULLIS_HOME: home });
  const agent = new Agent({ keepAlive: true });
  await get(other.url, { agent, ca: readFileSync(inHome('authority.pem')) });
  const silent = connect(Number(new URL(other.url).port), '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  const { code, output } = await other.interrupt();
  expect(code).toBe(0);
  expect(output).not.toMatch(/error|warn/i);
  agent.destroy();
  silent.destroy();
  // Nobody holds the port any more.
  const next = createServer().listen(Number(new URL(other.url).port), '127.0.0.1');
  await once(next, 'listening');
  expect((next.address() as AddressInfo).port).toBe(Number(new URL(other.url).port));
  next.close();
});
