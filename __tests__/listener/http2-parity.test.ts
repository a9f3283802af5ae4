import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, listen } from './harness.ts';
import { closeSessions, openSession, overHttp1, overHttp2 } from './http2-harness.ts';
import { comparable, kinds, ofProtocol } from './http2-kinds.ts';
import { parityApp } from './http2-parity-app.ts';

let directory: string;
let port: number;
let session: ClientHttp2Session;

beforeAll(async () => {
  const pki = await createTestPki();
  directory = mkdtempSync(join(tmpdir(), 'portcullis-'));
  writeFileSync(join(directory, 'file.txt'), 'the file, line by line\n'.repeat(5_000));
  const app = parityApp(join(directory, 'file.txt'));
  const { key, cert } = pki.server;
  port = await listen(createServer({ key, cert, http2: true, logger: false }, app));
  session = await openSession(port);
});
afterAll(async () => {
  closeSessions();
  await closeAll();
  rmSync(directory, { recursive: true });
});

describe('Express answers over HTTP/2 as over HTTP/1.1', () => {
  it.each(kinds)('%s', async (_kind, sent, status) => {
    const [one, two] = await Promise.all([overHttp1(port, sent), overHttp2(session, sent)]);
    expect(two.status).toBe(status);
    expect(comparable(two)).toEqual(comparable(one));
    expect(Object.keys(two.headers).filter((name) => ofProtocol.has(name))).toEqual(['date']);
  });

  it('and all of it on one session, which is still there', () => {
    expect(session.closed || session.destroyed).toBe(false);
  });
});
