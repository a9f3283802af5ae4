import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, run } from '../program.ts';
import { compiled, inBatch } from './batch.ts';
import type { Client } from './client.ts';

/** With nothing but the standard library, and no network. */
async function build(source: string, folder: string): Promise<Outcome> {
  const cache = mkdtempSync(join(tmpdir(), 'portcullis-go-'));
  const environment = {
    GOCACHE: cache,
    GOPATH: cache,
    GO111MODULE: 'off',
    GOFLAGS: '-mod=mod',
    GOPROXY: 'off',
    GOTOOLCHAIN: 'local',
  };
  try {
    const args = ['build', '-o', join(folder, 'client'), source];
    return await run('go', args, { environment, timeout: 300_000 });
  } finally {
    rmSync(cache, { recursive: true });
  }
}

export const go: Client = {
  name: 'Go',
  https: ['h1', 'h2'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'other',
  ask: async (asks) => {
    const folder = await compiled(join(import.meta.dirname, 'client.go'), ['go', 'version'], build);
    return inBatch(join(folder, 'client'), [], asks);
  },
};
