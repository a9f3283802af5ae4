import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type PortcullisServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { runCli } from '../cli/harness.ts';
import { closeEverything, listen } from '../support/attacks.ts';
import { filling, FullDisk } from './full-disk.ts';

let disk: FullDisk;
const home = process.env['PORTCULLIS_HOME'];
beforeEach(() => {
  disk = new FullDisk();
  process.env['PORTCULLIS_HOME'] = join(disk.folder, 'home');
});
afterEach(async () => {
  await closeEverything();
  disk.remove();
  if (home === undefined) delete process.env['PORTCULLIS_HOME'];
  else process.env['PORTCULLIS_HOME'] = home;
});

/** Each file below a folder of the disk. */
const filesIn = (folder: string): string[] =>
  existsSync(join(disk.folder, folder))
    ? readdirSync(join(disk.folder, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== filling)
        .map(({ parentPath, name }) => join(parentPath, name))
    : [];

/** The certificate that this server shows. */
async function shownBy(server: PortcullisServer, port?: number): Promise<string> {
  const socket = connect({
    port: port ?? (await listen(server)),
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return fingerprint256;
}

describe('the development certificate, where the disk', () => {
  const warn = jest.fn<(line: string) => void>();
  const start = (): PortcullisServer => createServer({ logger: { info: () => undefined, warn } });
  beforeEach(() => {
    warn.mockClear();
  });

  it.each([0, 1, 2])('has %d pages left, is whole or not there, and serves', async (pages) => {
    disk.fill(pages);
    const shown = await shownBy(start());
    expect(warn.mock.calls).toEqual([[expect.stringMatching(disk.reason)]]);
    for (const file of filesIn('home')) {
      expect(file).toMatch(/\/(authority\.(key|pem)|localhost\.pem)$/);
      expect(new X509Certificate(readFileSync(file)).subject).not.toBe('');
    }
    disk.free();
    // The next start has room, and what it makes stays.
    const next = await shownBy(start());
    expect(next).not.toBe(shown);
    expect(await shownBy(start())).toBe(next);
    expect(filesIn('home')).toHaveLength(3);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('is read-only, serves this process', async () => {
    mkdirSync(join(disk.folder, 'home/development'), { recursive: true });
    disk.lock();
    try {
      await shownBy(start());
      expect(warn.mock.calls).toEqual([[expect.stringMatching(/EROFS|EACCES/)]]);
    } finally {
      disk.lock(false);
    }
    expect(filesIn('home')).toEqual([]);
  });
});

describe('the private authority, where the disk', () => {
  const run = (line: string): Promise<{ code: number; out: string; err: string }> =>
    runCli(['pki', ...line.split(' ')], { directory: disk.folder });

  /** Keys belong to their certificates, the record is JSON, and no lock or half file is left. */
  function expectWhole(): void {
    for (const file of filesIn('pki')) {
      expect(basename(file)).not.toMatch(/tmp|lock|pending/);
      const text = readFileSync(file, 'utf8');
      expect(text.length).toBeGreaterThan(1);
      if (file.endsWith('.json')) JSON.parse(text);
      if (!file.endsWith('client.key')) continue;
      const certificate = new X509Certificate(readFileSync(file.replace(/key$/, 'pem')));
      expect(certificate.checkPrivateKey(createPrivateKey(text))).toBe(true);
    }
  }

  it.each([
    ['init --no-passphrase', ''],
    ['client alice', 'init --no-passphrase'],
    ['revoke alice', 'init --no-passphrase|client alice'],
    ['renew alice --new-key', 'init --no-passphrase|client alice'],
  ])('is full, fails clearly, keeps what was, and does it once there is room: %s', async (line, first) => {
    for (const before of first.split('|').filter(Boolean))
      // oxlint-disable-next-line no-await-in-loop -- one command after the other
      expect((await run(before)).code).toBe(0);
    const whole = filesIn('pki').map((file) => [file, readFileSync(file, 'utf8')]);
    let code = 1;
    let failures = 0;
    for (let pages = 0; code !== 0; pages++) {
      disk.fill(pages);
      // oxlint-disable-next-line no-await-in-loop -- the same
      const outcome = await run(line);
      disk.free();
      ({ code } = outcome);
      if (code === 0) break;
      failures++;
      expect([pages, outcome.err]).toEqual([pages, expect.stringMatching(disk.reason)]);
      expect(outcome.err).not.toMatch(/\n\s+at /);
      expectWhole();
      expect(filesIn('pki').map((file) => [file, readFileSync(file, 'utf8')])).toEqual(whole);
    }
    expect(failures).toBeGreaterThan(0);
    expectWhole();
    expect((await run('list')).code).toBe(0);
  });

  it('is read-only, says so, and writes nothing', async () => {
    expect((await run('init --no-passphrase')).code).toBe(0);
    const before = filesIn('pki');
    disk.lock();
    try {
      const { code, err } = await run('client alice');
      expect([code, err]).toEqual([3, expect.stringMatching(/read-only|permission/)]);
    } finally {
      disk.lock(false);
    }
    expect(filesIn('pki')).toEqual(before);
    expect((await run('client alice')).code).toBe(0);
  });
});

it('files that the disk has cut are not served: the last good ones are, until they are whole', async () => {
  const pki = await createTestPki();
  const [old, next] = [pki.server, await pki.issueServer()];
  const [keyFile, certFile] = [join(disk.folder, 'server.key'), join(disk.folder, 'server.pem')];
  writeFileSync(keyFile, old.key);
  writeFileSync(certFile, old.cert);
  const server = createServer({ certificate: { keyFile, certFile }, logger: false });
  const port = await listen(server);
  const fingerprint = ({ cert }: { cert: string }): string => new X509Certificate(cert).fingerprint256;
  // In place, by somebody who does not rename: truncated first, and then there is no room.
  for (const cut of ['', next.cert.slice(0, 200)]) {
    const failed = once(server, 'reloadError');
    writeFileSync(certFile, cut);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await failed).toMatchObject([{ code: 'CERTIFICATE_INVALID' }]);
    disk.fill();
    expect(() => writeFileSync(certFile, Buffer.alloc(8_192, 'x'))).toThrow(disk.reason);
    // oxlint-disable-next-line no-await-in-loop -- the same
    await expect(server.reload()).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    // oxlint-disable-next-line no-await-in-loop -- the same
    expect(await shownBy(server, port)).toBe(fingerprint(old));
    disk.free();
  }
  writeFileSync(keyFile, next.key);
  writeFileSync(certFile, next.cert);
  await server.reload();
  expect(await shownBy(server, port)).toBe(fingerprint(next));
});
