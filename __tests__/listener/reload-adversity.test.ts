import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CertificateMaterial,
  createServer,
  type PortcullisOptions,
  requireClientCertificate,
} from 'portcullis';
import { type Authority, createAuthority } from 'portcullis/pki';
import { createTestPki, type TestPki, type TestServer } from 'portcullis/testing';
import express from 'express';
import { loadKeyPairs, readCertificateSources } from '../../lib/credentials/source.ts';
import { closeEverything, listen, open } from '../support/attacks.ts';
import { closeAll, handshake } from './harness.ts';

let pki: TestPki;
let a: TestServer;
let b: TestServer;
let others: Authority;
beforeAll(async () => {
  pki = await createTestPki();
  [a, b] = [await pki.issueServer({ names: ['a.test'] }), await pki.issueServer({ names: ['b.test'] })];
  others = await createAuthority({ subject: { CN: 'Others' } });
});

let folder: string;
let caFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, pki.ca);
});
afterEach(async () => {
  await closeAll();
  await closeEverything();
  rmSync(folder, { recursive: true, force: true });
});

const clientAuth = (): NonNullable<PortcullisOptions['clientAuth']> => ({
  mode: 'optional',
  ca: { file: caFile },
});
const app = express().use(requireClientCertificate(), (_request, response) => void response.send('in'));
/** What a source gives: the certificate of `server`. */
const material = ({ key, cert }: TestServer): CertificateMaterial => ({ key, cert });

async function shown(port: number, servername: string): Promise<string> {
  const socket = await handshake(port, { servername });
  const { fingerprint256 } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return fingerprint256;
}

function replaceCa(content: string): void {
  writeFileSync(`${caFile}.new`, content);
  renameSync(`${caFile}.new`, caFile);
}

it('a CA file that changes before the server listens is not missed', async () => {
  const server = createServer({ ...pki.server, clientAuth: clientAuth(), logger: false }, app);
  replaceCa(others.root);
  const reloaded = once(server, 'reload');
  const port = await listen(server);
  expect(await reloaded).toMatchObject([{ trigger: 'watch', changed: ['trust'] }]);
  const client = await open(port, pki.clients.good);
  expect(await client.ask('/')).toMatchObject({ status: 403 });
});

it('a source that fails keeps no change of trust from coming, and is told', async () => {
  const source = { load: jest.fn(() => material(pki.server)) };
  const server = createServer({ certificate: source, clientAuth: clientAuth(), logger: false }, app);
  const port = await listen(server);
  const client = await open(port, pki.clients.good);
  expect(await client.ask('/')).toMatchObject({ status: 200 });
  source.load.mockImplementation(() => {
    throw new Error('the vault is sealed');
  });
  const [reloaded, failed] = [once(server, 'reload'), once(server, 'reloadError')];
  replaceCa(others.root);
  expect(await reloaded).toMatchObject([{ changed: ['trust'] }]);
  expect(await failed).toMatchObject([{ message: expect.stringContaining('the vault is sealed') }]);
  expect(await client.ask('/')).toMatchObject({ status: 403 });
  await expect(server.reload()).rejects.toMatchObject({ message: expect.stringContaining('sealed') });
});

it('a source that never answers fails after its time, and holds up nothing', async () => {
  const [named] = readCertificateSources({ load: () => new Promise(() => {}) })!;
  await expect(loadKeyPairs(named!, 5)).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining('it has given nothing within 0.005 s'),
  });
});

describe('a source whose watch', () => {
  it('reports a change whenever it begins is loaded anew once, and the server serves', async () => {
    const load = jest.fn(() => material(pki.server));
    const watch = (changed: () => void): (() => void) => {
      changed();
      return () => undefined;
    };
    const server = createServer({ certificate: { load, watch }, logger: false });
    const port = await listen(server);
    await shown(port, 'localhost');
    await server.reload();
    await shown(port, 'localhost');
    expect(load.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it.each<[string, () => () => void]>([
    [
      'cannot be ended',
      () => () => {
        throw new Error('it is gone');
      },
    ],
    ['gives nothing to end it by', () => undefined as unknown as () => void],
    ['gives a promise', (async () => () => undefined) as unknown as () => () => void],
    [
      'throws',
      () => {
        throw new Error('not today');
      },
    ],
  ])('%s neither stops a reload nor the end', async (_what, watch) => {
    const warn = jest.fn<(message: string) => void>();
    const logger = { info: () => undefined, warn };
    const server = createServer({ certificate: { load: () => material(pki.server), watch }, logger });
    await listen(server);
    await server.reload({ certificate: { load: () => material(a) } });
    const closed = once(server, 'close');
    server.close();
    await closed;
    expect(warn.mock.calls.flat().join()).toMatch(
      /certificate cannot be (un)?watched: (it is gone|not today|its watch has not returned what ends it)/,
    );
  });
});

describe('a server that was made with one certificate', () => {
  it('refuses several, however it came to the option certificate', async () => {
    const server = createServer({ ...material(pki.server), logger: false } as PortcullisOptions);
    const port = await listen(server);
    await server.reload({ certificate: { load: () => material(a) } });
    const both = [{ load: () => material(a) }, { load: () => material(b) }];
    await expect(server.reload({ certificate: both })).rejects.toMatchObject({ code: 'OPTION_CONFLICT' });
    expect(await shown(port, 'a.test')).toBe(new X509Certificate(a.cert).fingerprint256);
  });

  it('by the option certificate takes no context beside it', () => {
    const server = createServer({ certificate: { load: () => material(a) }, logger: false });
    const context = material(b) as { key: string; cert: string };
    expect(() => server.addContext('b.test', context)).toThrow(
      /would not ask it. Give the option certificate a list/,
    );
  });

  it('by the option certificate takes several', async () => {
    const server = createServer({ certificate: { load: () => material(a) }, logger: false });
    const port = await listen(server);
    await server.reload({ certificate: [{ load: () => material(a) }, { load: () => material(b) }] });
    expect(await shown(port, 'b.test')).toBe(new X509Certificate(b.cert).fingerprint256);
  });
});

it('a reload keeps the ticket key that the user has set since the start', async () => {
  const [first, second] = [Buffer.alloc(48, 1), Buffer.alloc(48, 2)];
  const server = createServer({ ...pki.server, ticketKeys: first, logger: false });
  await listen(server);
  server.setTicketKeys(second);
  await server.reload({ key: a.key, cert: a.cert });
  expect(server.getTicketKeys()).toEqual(second);
});

it('a listener for the event that throws makes no failure of a reload', async () => {
  const warn = jest.fn<(message: string) => void>();
  const server = createServer({ ...pki.server, logger: { info: () => undefined, warn } });
  const failures: unknown[] = [];
  server.on('reloadError', (error) => failures.push(error));
  server.on('reload', () => {
    throw new Error('the pager is broken');
  });
  await listen(server);
  warn.mockClear();
  expect(await server.reload({ key: a.key, cert: a.cert })).toMatchObject({ changed: ['certificate'] });
  expect(failures).toEqual([]);
  expect(warn.mock.calls).toEqual([[expect.stringContaining('the pager is broken')]]);
});

it('a key that was wiped after the start does not keep new trust from coming', async () => {
  const key = Buffer.from(pki.server.key);
  const server = createServer({ key, cert: pki.server.cert, clientAuth: clientAuth(), logger: false }, app);
  const port = await listen(server);
  key.fill(0);
  const report = await server.reload({ clientAuth: { mode: 'optional', ca: others.root } });
  expect(report.changed).toEqual(['trust']);
  expect(await shown(port, 'localhost')).toBe(new X509Certificate(pki.server.cert).fingerprint256);
});
