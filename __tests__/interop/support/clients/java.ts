import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../program.ts';
import { compiled, resultsOf } from './batch.ts';
import type { Ask, Client } from './client.ts';

const lineOf = ({ port, serverName, ca, version, http, path, identity, ciphers, again }: Ask): string =>
  [
    port,
    serverName,
    ca,
    version,
    http,
    path,
    identity?.cert ?? '',
    identity?.key ?? '',
    ciphers?.join(',') ?? '',
    again === undefined ? '' : 'again',
  ].join('\t');

export const java: Client = {
  name: 'Java',
  https: ['h1', 'h2'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'same',
  ask: async (asks) => {
    const source = join(import.meta.dirname, 'Client.java');
    const classes = await compiled(source, ['javac', '-version'], (file, folder) =>
      run('javac', ['-d', folder, file]),
    );
    const home = mkdtempSync(join(tmpdir(), 'portcullis-java-'));
    const hosts = join(home, 'hosts');
    writeFileSync(hosts, [...new Set(asks.map(({ serverName }) => `127.0.0.1 ${serverName}\n`))].join(''));
    try {
      // It starts faster without its second compiler, and lives for seconds only.
      const args = [
        '-XX:TieredStopAtLevel=1',
        '-XX:+UseSerialGC',
        `-Djdk.net.hosts.file=${hosts}`,
        '-cp',
        classes,
      ];
      const outcome = await run('java', [...args, 'Client'], {
        input: asks.map(lineOf).join('\n'),
        timeout: 90_000,
      });
      return resultsOf('java', outcome, asks.length);
    } finally {
      rmSync(home, { recursive: true });
    }
  },
};
