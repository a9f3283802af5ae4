import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endExamples, type RunningExample, startExample } from '../examples/run-example.ts';

const execute = promisify(execFile);
let folder: string;
let home: string;
let example: RunningExample;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-commands-'));
  home = join(folder, "it's a $HOME");
  example = await startExample('start', { PORTCULLIS_HOME: home });
  await example.wrote('serving localhost with a development certificate');
});

afterAll(() => {
  endExamples();
  rmSync(folder, { recursive: true, force: true });
});

const printed = (program: string): string[] =>
  example
    .output()
    .split('\n')
    .filter((line) => line.startsWith(`  ${program} `));

/** As a person does it: the line is pasted into a shell. */
const paste = (line: string): Promise<{ stdout: string; stderr: string }> =>
  execute('sh', ['-c', line], { cwd: folder, encoding: 'utf8' });

test('the lines of curl work as printed, whatever the folder is called', async () => {
  const lines = printed('curl');
  const answers = await Promise.all(
    lines.map(async (line) => JSON.parse((await paste(line)).stdout) as object),
  );
  expect(answers).toEqual([
    { routes: expect.any(Array), tls: expect.objectContaining({ serverName: 'localhost' }) },
    { route: '/admin', tls: expect.objectContaining({ clientCertificate: expect.any(Object) }) },
    { route: '/payments', tls: expect.objectContaining({ clientCertificate: expect.any(Object) }) },
    expect.objectContaining({ status: 403, code: 'CLIENT_CERTIFICATE_REQUIRED' }),
    expect.objectContaining({ status: 403, code: 'CLIENT_CERTIFICATE_UNTRUSTED' }),
    expect.objectContaining({ status: 403, code: 'PIN_MISMATCH' }),
  ]);
});

test('the line of openssl s_client verifies the server', async () => {
  const [line] = printed('openssl s_client');
  const { stdout, stderr } = await paste(line!);
  expect(stdout + stderr).toMatch(/Protocol version: TLSv1\.3[^]*Verification: OK/);
});

test('the line of openssl pkcs12 makes what a browser imports', async () => {
  const [line] = printed('openssl pkcs12');
  // A person types the password.
  await paste(`${line} -passout pass:secret`);
  const content = await paste('openssl pkcs12 -in ops.p12 -passin pass:secret -nokeys');
  expect(content.stdout).toMatch(/subject=.*CN ?= ?ops/);
});

test('the command in the example of pins gives the pin that the server shows', async () => {
  const source = readFileSync(resolve(import.meta.dirname, '../../examples/pins.ts'), 'utf8');
  const command = /^\/\/ (openssl x509 .*)$/m.exec(source)![1]!;
  const cwd = join(home, 'development', 'example-clients');
  const shell = ['-c', command.replace('client.pem', 'payments.pem')];
  const pin = execFileSync('sh', shell, { cwd, encoding: 'utf8' });
  const line = printed('curl').find((text) => text.endsWith('/payments'))!;
  const { tls } = JSON.parse((await paste(line)).stdout) as {
    tls: { clientCertificate: { pin: string } };
  };
  expect(tls.clientCertificate.pin).toBe(`sha256/${pin.trim()}`);
});
