import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Files to be broken, and the suites below `__tests__/` that have to notice: few, as every mutant loads them all. */
export interface Part {
  readonly files: readonly string[];
  readonly suites: readonly string[];
}

interface Suites {
  /** Of the files' paths in the folder, without `.ts`. */
  readonly of: RegExp;
  readonly suites: readonly string[];
}

/** A file belongs to the first row that matches it. */
const rows = {
  policy: [
    { of: /^(answer|combine|decision)$/, suites: ['policy/combine', 'policy/decision'] },
    { of: /^pins$/, suites: ['policy/pins'] },
    { of: /^bound-token$/, suites: ['middleware/require-bound-token'] },
    { of: /^(match|san|spiffe|names\/.*)$/, suites: ['policy/names'] },
    { of: /^(custom-rule|pure-rule|rule|rule-error|wording)$/, suites: ['policy/combine', 'policy/rule'] },
    { of: /./, suites: ['policy/names', 'policy/rules'] },
  ],
  trust: [
    { of: /^ocsp\//, suites: ['trust/ocsp', 'trust/revocation-sources'] },
    { of: /^deny-list\//, suites: ['trust/deny-list'] },
    {
      of: /^revocation\//,
      suites: [
        'trust/revocation-dates',
        'trust/revocation-sources',
        'trust/crl-options',
        'listener/revocation',
      ],
    },
    { of: /^checks$/, suites: ['trust/checks', 'trust/path', 'trust/path-corpus'] },
    { of: /./, suites: ['trust/path', 'trust/path-corpus', 'trust/store'] },
  ],
  forwarded: [
    { of: /^verification$/, suites: ['forwarded/verification'] },
    { of: /^(header-names|remove-headers)$/, suites: ['forwarded/remove-headers', 'forwarded/formats'] },
    { of: /./, suites: ['forwarded/formats'] },
  ],
  connection: [
    { of: /^host$/, suites: ['connection/host'] },
    { of: /^session$/, suites: ['connection/session'] },
    { of: /^verdict$/, suites: ['connection/verdict'] },
    { of: /^(facts|groups|openssl|runtime|tls-state)$/, suites: ['connection/facts'] },
    { of: /^forwarded-/, suites: ['middleware/forwarded'] },
    {
      of: /./,
      suites: [
        'connection/client-certificate',
        'middleware/max-age',
        'middleware/route-anchors',
        'resumption/change-of-trust',
        'resumption/renegotiation',
      ],
    },
  ],
} as const satisfies Readonly<Record<string, readonly Suites[]>>;

export const folderNames: readonly string[] = Object.keys(rows);

/** The parts of a folder, as far as `chosen` has their files. An index re-exports, and holds nothing to break. */
export function partsOf(folder: string, chosen: (file: string) => boolean): readonly Part[] {
  const names = readdirSync(join('lib', folder), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('index.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .toSorted();
  const table: readonly Suites[] = rows[folder as keyof typeof rows];
  const rowOf = (name: string): Suites | undefined => table.find((row) => row.of.test(name));
  return table
    .map((row) => ({
      files: names
        .filter((name) => rowOf(name) === row)
        .map((name) => `lib/${folder}/${name}.ts`)
        .filter(chosen),
      suites: row.suites,
    }))
    .filter(({ files }) => files.length > 0);
}

/** What decides on requests, as far as a suite or two that load quickly tell: CI breaks a share of it. */
export const decisive: readonly string[] = [
  ...['answer', 'combine', 'pins'].map((name) => `lib/policy/${name}.ts`),
  'lib/forwarded/verification.ts',
  ...['host', 'session', 'verdict'].map((name) => `lib/connection/${name}.ts`),
];
