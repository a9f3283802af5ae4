import { join } from 'node:path';
import { inBatch } from './batch.ts';
import { type Client, opensslCiphers } from './client.ts';

export const python: Client = {
  name: 'Python',
  https: ['h1', 'h2'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'same',
  ask: (asks) =>
    inBatch(
      'python3',
      [join(import.meta.dirname, 'client.py')],
      asks.map((ask) => ({ ...ask, ciphers: opensslCiphers(ask) })),
    ),
};
