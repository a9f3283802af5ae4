import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, type PortcullisServer, requireClientCertificate } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, type TestPki, type TestServer } from 'portcullis/testing';
import { closeEverything, listen, open } from '../support/attacks.ts';
import { closeAll, failedHandshake, handshake } from './harness.ts';

let pki: TestPki;
let old: TestServer;
let renewed: TestServer;
beforeAll(async () => {
  pki = await createTestPki();
  [old, renewed] = [pki.server, await pki.issueServer()];
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
});
afterEach(async () => {
  await closeAll();
  await closeEverything();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

async function shown(port: number, servername = 'localhost'): Promise<string> {
  const socket = await handshake(port, { servername });
  const { fingerprint256 } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return fingerprint256;
}

/** Writes a file beside, and renames it over: what careful tools do. */
function replace(name: string, content: string): void {
  writeFileSync(at(`.${name}`), content);
  renameSync(at(`.${name}`), at(name));
}

const files = (): { keyFile: string; certFile: string } => ({
  keyFile: at('tls.key'),
  certFile: at('tls.crt'),
});
const serving = (): PortcullisServer =>
  createServer({ certificate: files(), logger: false }, (_request, response) => void response.end('in'));
const told = (server: PortcullisServer, event: 'reload' | 'reloadError'): Promise<unknown[]> =>
  once(server, event);

describe('a server with certificate files', () => {
  beforeEach(() => {
    writeFileSync(at('tls.key'), old.key);
    writeFileSync(at('tls.crt'), old.cert);
  });

  it('serves what has been renamed over them', async () => {
    const server = serving();
    const port = await listen(server);
    expect(await shown(port)).toBe(fingerprintOf(old.cert));
    const reloaded = told(server, 'reload');
    replace('tls.key', renewed.key);
    replace('tls.crt', renewed.cert);
    expect(await reloaded).toMatchObject([{ trigger: 'watch', changed: ['certificate'] }]);
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });

  it('goes on with the last good one while only the certificate has come, and takes both with the key', async () => {
    const server = serving();
    const port = await listen(server);
    const failed = told(server, 'reloadError');
    replace('tls.crt', renewed.cert);
    expect(await failed).toMatchObject([{ code: 'KEY_MISMATCH' }]);
    expect(await shown(port)).toBe(fingerprintOf(old.cert));
    const reloaded = told(server, 'reload');
    replace('tls.key', renewed.key);
    await reloaded;
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });

  it('goes on while a file is half written, or gone, and takes it when it is whole', async () => {
    const server = serving();
    const port = await listen(server);
    const half = told(server, 'reloadError');
    writeFileSync(at('tls.crt'), renewed.cert.slice(0, 300));
    expect(await half).toMatchObject([{ name: 'ConfigError' }]);
    const gone = told(server, 'reloadError');
    rmSync(at('tls.key'));
    expect(await gone).toMatchObject([{ name: 'ConfigError' }]);
    expect(await shown(port)).toBe(fingerprintOf(old.cert));
    const reloaded = told(server, 'reload');
    writeFileSync(at('tls.key'), renewed.key);
    writeFileSync(at('tls.crt'), renewed.cert);
    await reloaded;
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });

  it('is not watched with watch: false, and reads them by reload()', async () => {
    const server = createServer({ certificate: files(), watch: false, logger: false });
    const port = await listen(server);
    replace('tls.key', renewed.key);
    replace('tls.crt', renewed.cert);
    expect(await shown(port)).toBe(fingerprintOf(old.cert));
    expect(await server.reload()).toMatchObject({ trigger: 'call', changed: ['certificate'] });
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });
});

it('serves a secret of Kubernetes after its links have been swapped', async () => {
  const publish = (version: string, { key, cert }: TestServer): void => {
    mkdirSync(at(version));
    writeFileSync(at(`${version}/tls.key`), key);
    writeFileSync(at(`${version}/tls.crt`), cert);
    symlinkSync(version, at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
  };
  publish('..2026_11_20', old);
  symlinkSync('..data/tls.key', at('tls.key'));
  symlinkSync('..data/tls.crt', at('tls.crt'));
  const server = serving();
  const port = await listen(server);
  const reloaded = told(server, 'reload');
  publish('..2026_11_21', renewed);
  rmSync(at('..2026_11_20'), { recursive: true });
  await reloaded;
  expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
});

it('takes a new file of client CAs, and lets the old clients go at their next request', async () => {
  const others = await createAuthority({ subject: { CN: 'Others' } });
  writeFileSync(at('ca.pem'), pki.ca);
  const app = express().use(requireClientCertificate(), (_request, response) => void response.send('in'));
  const clientAuth = { mode: 'optional', ca: { file: at('ca.pem') } } as const;
  const server = createServer({ ...old, clientAuth, logger: false }, app);
  const port = await listen(server);
  const client = await open(port, pki.clients.good);
  expect(await client.ask('/')).toMatchObject({ status: 200 });
  const reloaded = told(server, 'reload');
  replace('ca.pem', others.root);
  expect(await reloaded).toMatchObject([{ trigger: 'watch', changed: ['trust'] }]);
  expect(await client.ask('/')).toMatchObject({ status: 403 });
});

describe('several certificates', () => {
  it('are chosen by name, and one of them is renewed', async () => {
    const [a, b, newB] = await Promise.all([
      pki.issueServer({ names: ['a.test'] }),
      pki.issueServer({ names: ['b.test', '*.b.test'] }),
      pki.issueServer({ names: ['b.test', '*.b.test'] }),
    ]);
    writeFileSync(at('tls.key'), b.key);
    writeFileSync(at('tls.crt'), b.cert);
    const first = { load: () => ({ ...a }) };
    const server = createServer({ certificate: [first, files()], logger: false });
    const port = await listen(server);
    expect(await shown(port, 'x.B.test')).toBe(fingerprintOf(b.cert));
    const reloaded = told(server, 'reload');
    replace('tls.key', newB.key);
    replace('tls.crt', newB.cert);
    await reloaded;
    expect(await shown(port, 'b.test')).toBe(fingerprintOf(newB.cert));
    expect(await shown(port, 'a.test')).toBe(fingerprintOf(a.cert));
    expect(await shown(port, 'unknown.test')).toBe(fingerprintOf(a.cert));
  });

  it('refuse a name that none of them has, if that is asked for', async () => {
    const server = createServer({ ...old, unknownServerName: 'refuse', logger: false });
    const port = await listen(server);
    expect(await shown(port, 'localhost')).toBe(fingerprintOf(old.cert));
    expect(await failedHandshake(port, { servername: 'b.test' })).toMatch(/UNRECOGNIZED_NAME|ECONNRESET/);
  });
});
