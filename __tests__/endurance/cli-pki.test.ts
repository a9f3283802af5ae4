import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs, {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { runCli } from '../cli/harness.ts';

// PKCS#12 takes its time, by intention.
jest.setTimeout(300_000);

/** Before a call that writes, or half-way through it, and so that nothing is tidied up. */
function killAtCall(at: number): () => boolean {
  let calls = 0;
  const gone = (): boolean => calls >= at;
  for (const name of [
    'fsyncSync',
    'linkSync',
    'mkdirSync',
    'openSync',
    'renameSync',
    'rmdirSync',
    'rmSync',
    'writeFileSync',
  ] as const) {
    const real = fs[name] as (...args: unknown[]) => unknown;
    jest.spyOn(fs, name as 'rmSync').mockImplementation((...args: unknown[]) => {
      if (name === 'openSync' && args[1] === 'r') return real(...args) as undefined;
      const half = calls++ === at && name === 'writeFileSync';
      if (half) real(args[0], String(args[1]).slice(0, 30), args[2]);
      if (calls > at) throw new Error('killed');
      return real(...args) as undefined;
    });
  }
  return gone;
}

describe('a process that is killed at any call', () => {
  let template: string;
  let directory: string;
  const at = (...names: string[]): string => join(directory, ...names);
  const run = (line: string): Promise<{ code: number; out: string; err: string }> =>
    runCli(['pki', ...line.split(' ')], {
      directory,
      environment: { PORTCULLIS_P12_PASSWORD: 'a long password' },
    });
  const files = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => name)
      : [];

  beforeAll(async () => {
    template = mkdtempSync(join(tmpdir(), 'portcullis-killed-pki-'));
    directory = join(template, 'one');
    mkdirSync(directory);
    await run('init --no-passphrase');
    await run('client alice');
  });

  const start = (line: string): void => {
    directory = mkdtempSync(join(template, 'run-'));
    if (line.startsWith('init')) return;
    cpSync(join(template, 'one', 'pki'), at('pki'), { recursive: true });
    chmodSync(at('pki'), 0o700);
  };

  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(() => rmSync(template, { recursive: true, force: true }));

  /** What must hold whatever was cut short. */
  const requireWhole = (): void => {
    expect(files(directory).filter((name) => /tmp|lock|pending/.test(name))).toEqual([]);
    const written = readdirSync(directory, { recursive: true, withFileTypes: true });
    for (const entry of written.filter((one) => one.isFile()))
      expect(readFileSync(join(entry.parentPath, entry.name)).length).toBeGreaterThan(1);
    for (const { parentPath, name } of written.filter((one) => one.name === 'client.key')) {
      const pair = new X509Certificate(readFileSync(join(parentPath, 'client.pem')));
      expect(pair.checkPrivateKey(createPrivateKey(readFileSync(join(parentPath, name))))).toBe(true);
      const known = JSON.parse(readFileSync(at('pki', 'record.json'), 'utf8')) as {
        certificates: Array<{ serialNumber: string }>;
      };
      expect(known.certificates.map(({ serialNumber }) => serialNumber)).toContain(pair.serialNumber);
    }
  };

  test.each([
    ['init --no-passphrase --intermediate --root-out away/root.key', 'there is an authority in pki already'],
    ['client bob --out away/bob', 'exists already'],
    ['client alice --force', ''],
    ['renew alice --new-key', ''],
    ['renew --authority', ''],
    ['revoke alice --out away/list.pem', ''],
    ['crl', ''],
    ['export alice --p12 away/alice.p12', 'exists already'],
  ])('leaves all of it or nothing to the next one: %s', async (line, doneAlready) => {
    let killed = true;
    for (let call = 0; killed; call++) {
      start(line);
      const gone = killAtCall(call);
      // oxlint-disable-next-line no-await-in-loop -- one process after the other
      await run(line);
      killed = gone();
      jest.restoreAllMocks();
      // oxlint-disable-next-line no-await-in-loop -- the same
      const again = killed ? await run(line) : { code: 0, err: '' };
      const isDone = again.code === 0 || (doneAlready !== '' && again.err.includes(doneAlready));
      expect([call, again.err, isDone]).toEqual([call, again.err, true]);
      // oxlint-disable-next-line no-await-in-loop -- the same
      expect((await run('crl')).code).toBe(0);
      requireWhole();
    }
  });
});
