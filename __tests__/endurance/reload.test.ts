import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import express from 'express';
import { createServer } from 'portcullis';
import { createTestPki, type TestPki, type TestServer } from 'portcullis/testing';
import { closeEverything, listen, open } from '../support/attacks.ts';

let pki: TestPki;
let pairs: readonly [TestServer, TestServer];
beforeAll(async () => {
  pki = await createTestPki();
  pairs = [pki.server, await pki.issueServer()];
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
});
afterEach(async () => {
  await closeEverything();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

/** A new version of the secret, as the kubelet puts it in place. */
function swap(version: number): void {
  const { key, cert } = pairs[version % 2]!;
  mkdirSync(at(`..${version}`));
  writeFileSync(at(`..${version}/tls.key`), key);
  writeFileSync(at(`..${version}/tls.crt`), cert);
  symlinkSync(`..${version}`, at('..data_tmp'));
  renameSync(at('..data_tmp'), at('..data'));
  if (version > 0) rmSync(at(`..${version - 1}`), { recursive: true });
}

const app = express().get('/', (_request, response) => void response.send('in'));

async function overHttp1(port: number): Promise<void> {
  const wire = await open(port, { ca: pki.ca });
  expect(await wire.ask('/')).toMatchObject({ status: 200, body: 'in' });
  expect(await wire.ask('/')).toMatchObject({ status: 200, body: 'in' });
  wire.close();
}

async function askHttp2(session: ReturnType<typeof connectHttp2>): Promise<void> {
  const stream = session.request({ ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  stream.resume();
  await once(stream, 'close');
  expect(headers[':status']).toBe(200);
}

async function overHttp2(port: number): Promise<void> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: pki.ca });
  await Promise.all([askHttp2(session), askHttp2(session)]);
  session.close();
}

it('100 swaps of a Kubernetes secret fail no handshake and lose no request, over HTTP/1.1 and HTTP/2', async () => {
  swap(0);
  symlinkSync('..data/tls.key', at('tls.key'));
  symlinkSync('..data/tls.crt', at('tls.crt'));
  const certificate = { keyFile: at('tls.key'), certFile: at('tls.crt') };
  const server = createServer({ certificate, http2: true, logger: false }, app);
  const failures: unknown[] = [];
  server.on('reloadError', (error) => failures.push(error));
  const port = await listen(server);
  const kept = connectHttp2(`https://127.0.0.1:${port}`, { ca: pki.ca });
  const load = { done: false };
  const hammer = async (ask: () => Promise<void>): Promise<number> => {
    let count = 0;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (; !load.done; count++) await ask();
    return count;
  };
  const clients = Promise.all([
    hammer(() => overHttp1(port)),
    hammer(() => overHttp1(port)),
    hammer(() => overHttp2(port)),
    hammer(() => askHttp2(kept)),
  ]);
  for (let version = 1; version <= 100; version++) {
    const reloaded = once(server, 'reload');
    swap(version);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await reloaded;
  }
  load.done = true;
  expect((await clients).every((count) => count > 100)).toBe(true);
  expect(failures).toEqual([]);
  kept.close();
});
